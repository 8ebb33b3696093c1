//! Where one file is, asked again and again until it answers, at a new address where the old one expired.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, SystemTime},
};

use http::{StatusCode, header::CONTENT_LENGTH};
use reqwest::Response;
use sluice_domain::{Failure, FailureKind};
use sluice_transfer::Gate;
use url::Url;

use super::{
    body::{Body, Ending},
    known::{Known, Mismatch, Part, Validator},
    media::{Addresses, address},
    patience::Patience,
    target::Target,
    trouble::{Cure, Trouble},
    web::{Ask, Web},
};

/// One file: a whole format, or one of its fragments or segments.
pub(super) struct Place {
    pub(super) web: Web,
    pub(super) addresses: Arc<Addresses>,
    part: Option<usize>,
    /// Where the redirects led last time, under which generation.
    shortcut: Mutex<Option<(u32, Url)>>,
    was_good: AtomicBool,
}

/// What the first byte tells.
#[derive(Debug)]
pub(super) enum Probe {
    /// Any range can be had.
    Ranges(Known),
    /// Only the whole, of this length if that is said.
    Whole(Option<u64>),
}

/// What a file is asked for.
pub(super) enum Want<'k> {
    Probe,
    /// From the first byte up to the second, exclusive.
    Range(&'k Known, u64, u64),
    Whole,
}

/// What a file answers.
pub(super) enum Answer {
    Probe(Probe),
    Body(Body),
}

impl Place {
    pub(super) fn new(web: &Web, addresses: &Arc<Addresses>, part: Option<usize>) -> Self {
        let (web, addresses) = (web.clone(), addresses.clone());
        Self { web, addresses, part, shortcut: Mutex::default(), was_good: AtomicBool::new(false) }
    }

    /// One that is taken for good, as others of the same kind were: when it is not there, its address has expired.
    pub(super) fn believed(self) -> Self {
        self.was_good.store(true, Ordering::Relaxed);
        self
    }

    pub(super) fn target(&self) -> Result<Arc<Target>, Failure> {
        self.addresses.now().map(|(_, target)| target)
    }

    pub(super) fn patience(&self) -> Patience {
        Patience::new(self.web.tuning().first_pause)
    }

    pub(super) async fn probe(&self, gate: &Gate) -> Result<Probe, Failure> {
        match self.ask(&Want::Probe, &mut self.patience(), gate).await? {
            Answer::Probe(probe) => Ok(probe),
            Answer::Body(_) => Err(Failure::internal("a body where a probe was asked for")),
        }
    }

    pub(super) async fn body(&self, want: &Want<'_>, patience: &mut Patience, gate: &Gate) -> Result<Body, Failure> {
        match self.ask(want, patience, gate).await? {
            Answer::Body(body) => Ok(body),
            Answer::Probe(_) => Err(Failure::internal("a probe where a body was asked for")),
        }
    }

    async fn ask(&self, want: &Want<'_>, patience: &mut Patience, gate: &Gate) -> Result<Answer, Failure> {
        loop {
            let (generation, target) = self.addresses.now()?;
            let shortcut = self.shortcut(generation);
            let trouble = match self.once(generation, &target, shortcut.as_ref(), want, gate).await {
                Ok(answer) => return Ok(answer),
                Err(trouble) => trouble,
            };
            gate.check()?;
            // The way through the redirects may be open where the shortcut is not.
            self.forget_shortcut();
            let was_good = self.was_good.load(Ordering::Relaxed);
            match trouble.cure {
                Cure::Renew if was_good && patience.doubts() => {
                    self.recover(Trouble { cure: Cure::Again(None), ..trouble }, patience, gate).await?;
                }
                Cure::Renew if patience.renews() => gate.guard(self.addresses.renew(generation)).await?,
                Cure::Renew => return Err(trouble.failure),
                Cure::Again(_) | Cure::Nothing => self.recover(trouble, patience, gate).await?,
            }
        }
    }

    /// Waits until the same may be tried again, or gives up.
    pub(super) async fn recover(&self, trouble: Trouble, patience: &mut Patience, gate: &Gate) -> Result<(), Failure> {
        let Trouble { failure, cure: Cure::Again(asked) } = trouble else { return Err(trouble.failure) };
        let Some(pause) = patience.failed(asked, &mut rand::rng()) else { return Err(failure) };
        tracing::debug!(detail = failure.detail, pause_ms = pause.as_millis(), "A request is sent again after a pause");
        gate.guard(async {
            tokio::time::sleep(pause).await;
            Ok(())
        })
        .await
    }

    async fn once(
        &self,
        generation: u32,
        target: &Target,
        shortcut: Option<&Url>,
        want: &Want<'_>,
        gate: &Gate,
    ) -> Result<Answer, Trouble> {
        let address = address(target, self.part).ok_or_else(|| Failure::internal("no such fragment"))?;
        let url = shortcut.unwrap_or(&address);
        // A playlist may name anybody: what proves who we are goes where the playlist came from.
        let home = if target.playlist.is_some() { &target.url } else { &address };
        let wait = target.wait(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default());
        let ask = want.ask();
        let was_good = self.was_good.load(Ordering::Relaxed);
        let patience = self.web.tuning().headers.min(gate.idle_timeout());
        let exchange = async {
            if wait > Duration::ZERO {
                tokio::time::sleep(wait).await;
            }
            Ok(self.web.get(home, url, target, &ask, was_good, patience).await)
        };
        let response = gate.guard(exchange).await??;
        let led_to = (response.url() != url).then(|| response.url().clone());
        let answer = want.judge(response)?;
        self.was_good.store(true, Ordering::Relaxed);
        if let Some(led_to) = led_to {
            *self.shortcut.lock().unwrap_or_else(PoisonError::into_inner) = Some((generation, led_to));
        }
        Ok(answer)
    }

    fn shortcut(&self, generation: u32) -> Option<Url> {
        let kept = self.shortcut.lock().unwrap_or_else(PoisonError::into_inner);
        kept.as_ref().filter(|(of, _)| *of == generation).map(|(_, url)| url.clone())
    }

    fn forget_shortcut(&self) {
        *self.shortcut.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl Want<'_> {
    fn ask(&self) -> Ask {
        match self {
            // Never HEAD: too many servers answer it differently, or not at all.
            Self::Probe => Ask { range: Some((0, Some(0))), if_range: None },
            Self::Whole => Ask::default(),
            Self::Range(known, from, to) => {
                let if_range = known.validator.as_ref().map(|validator| validator.value().clone());
                Ask { range: Some((*from, (*to < known.total).then(|| to.saturating_sub(1)))), if_range }
            }
        }
    }

    fn judge(&self, response: Response) -> Result<Answer, Trouble> {
        match self {
            Self::Probe => probed(&response).map(Answer::Probe),
            Self::Whole => {
                if response.status() != StatusCode::OK {
                    return Err(Trouble::absurd(response.url(), "a part where the whole was asked for"));
                }
                let ending = Ending::of(&response);
                Ok(Answer::Body(Body::new(response, ending)))
            }
            Self::Range(known, from, to) => part(response, known, *from, *to).map(Answer::Body),
        }
    }
}

fn probed(response: &Response) -> Result<Probe, Trouble> {
    let (headers, url) = (response.headers(), response.url());
    match response.status() {
        StatusCode::PARTIAL_CONTENT => match Part::of(headers) {
            Some(Part { first: 0, last: 0, total: Some(total) }) => {
                Ok(Probe::Ranges(Known { total, validator: Validator::of(headers) }))
            }
            Some(Part { total: None, .. }) => Ok(Probe::Whole(None)),
            _ => Err(Trouble::absurd(url, "another range than asked for")),
        },
        StatusCode::RANGE_NOT_SATISFIABLE if is_empty(response) => {
            Err(Failure::new(FailureKind::BadLink, "the file is empty").into())
        }
        StatusCode::RANGE_NOT_SATISFIABLE => Ok(Probe::Whole(None)),
        _ => Ok(Probe::Whole(match Ending::of(response) {
            Ending::After(0) => return Err(Failure::new(FailureKind::BadLink, "the file is empty").into()),
            Ending::After(bytes) => Some(bytes),
            Ending::Told | Ending::Unproven => None,
        })),
    }
}

fn is_empty(response: &Response) -> bool {
    let said = response.headers().get(http::header::CONTENT_RANGE).and_then(|value| value.to_str().ok());
    said.is_some_and(|said| said.trim() == "bytes */0")
}

fn part(response: Response, known: &Known, from: u64, to: u64) -> Result<Body, Trouble> {
    let url = response.url();
    match response.status() {
        StatusCode::PARTIAL_CONTENT => {}
        StatusCode::RANGE_NOT_SATISFIABLE => return Err(Trouble::mismatch(url, &Mismatch::Changed("it ends earlier"))),
        _ => return Err(Trouble::mismatch(url, &Mismatch::Changed("the whole comes where a part was asked for"))),
    }
    let part = known.check(response.headers(), from).map_err(|mismatch| Trouble::mismatch(url, &mismatch))?;
    let length = response.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.trim().parse().ok());
    if length.is_some_and(|length: u64| length != part.bytes()) || part.last >= to {
        return Err(Trouble::absurd(url, "another range than asked for"));
    }
    let ending = Ending::After(part.bytes());
    Ok(Body::new(response, ending))
}
