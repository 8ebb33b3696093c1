//! The body of an answer: a file on its way to a device, at the device's pace.
//!
//! It ends well only when the source has proven that it gave everything; everything else ends it with an error, on which the server closes
//! the connection in the middle, so that nobody takes a torn file for a whole one. Whatever happens, everything below ends within a second:
//! with the connection, with the person's word on the page, with the process, or when the device has taken nothing for too long.

use std::{
    ops::Range,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker, ready},
    time::Duration,
};

use actix_web::web::Bytes;
use futures::{Stream, StreamExt as _};
use sluice_domain::{Failure, FailureKind};
use sluice_queue::{Ended, Part, Word};
use sluice_transfer::{ByteStream, Gate, Source};
use thiserror::Error;
use tokio::{
    sync::Notify,
    time::{Instant, MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;

use super::open::{Opened, Place};

/// How often the record hears of it, and it of its person.
const BEAT: Duration = Duration::from_secs(1);

/// The most that the connection gets at once, in bytes. It copies what it gets into a buffer of its own, which for a larger piece is made
/// larger, and made anew each time; so the copy stays in the processor's cache, and a device that takes slowly holds no more than this twice.
const PIECE: usize = 64 * 1024;

/// The file is torn. The person reads why on the page; the connection has no words for it.
#[derive(Debug, Error)]
#[error("the file broke off")]
pub(crate) struct Torn;

/// What is given.
pub(crate) struct Given {
    pub(crate) part: Part,
    /// From the first byte up to before the last, or to the end.
    pub(crate) from: u64,
    pub(crate) to: Option<u64>,
    /// How long the device may take nothing.
    pub(crate) idle: Duration,
    /// Cancelled when the process stops.
    pub(crate) stop: CancellationToken,
}

/// Bytes on their way. Dropping it ends everything.
pub(crate) struct Giving(Arc<Shared>);

/// Between the connection, which asks for bytes, and the watch, which may have to end that.
struct Shared {
    /// Locked for a step at a time, never while anybody waits.
    state: Mutex<State>,
    /// For the watch: it has ended.
    over: Notify,
    part: Part,
    from: u64,
}

struct State {
    /// `None` once it has ended.
    flow: Option<Flow>,
    /// Why it has.
    ended: Option<Reason>,
    at: u64,
    /// When the device last took something, or was last kept waiting by the source.
    taken: Instant,
    /// Does the device wait for the source? Then it is not idle.
    waits: bool,
    waker: Option<Waker>,
}

/// Everything that a file takes up while it is given.
struct Flow {
    stream: ByteStream,
    /// What came with the last piece, and has yet to be given.
    rest: Bytes,
    source: Arc<dyn Source>,
    gate: Gate,
    /// Where it ends, where that is certain.
    end: Option<u64>,
    whole: bool,
    _held: Arc<Place>,
}

/// Opens the bytes and gives them.
///
/// # Errors
/// When the source cannot be opened there. It is on record then.
pub(crate) async fn give(opened: Opened, given: Given) -> Result<Giving, Failure> {
    let stream = start(&opened, &given).await?;
    Ok(flow(stream, &opened, given))
}

impl Flow {
    fn poll_piece(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Failure>>> {
        if self.rest.is_empty() {
            match ready!(self.stream.poll_next_unpin(context)) {
                Some(Ok(bytes)) => self.rest = bytes,
                ended => return Poll::Ready(ended),
            }
        }
        let piece = self.rest.split_to(self.rest.len().min(PIECE));
        Poll::Ready(Some(Ok(piece)))
    }
}

/// Opens the bytes.
///
/// # Errors
/// As [`give`].
pub(crate) async fn start(opened: &Opened, given: &Given) -> Result<ByteStream, Failure> {
    // A source that passes once has no ranges to ask for.
    let to = given.to.filter(|to| Some(*to) != opened.total());
    let opening = opened.fetched.source.open(given.from, to).await;
    opening.inspect_err(|failure| {
        tokio::spawn(close(given.part.clone(), given.from..given.from, Reason::Torn(failure.clone())));
    })
}

/// Nothing of it comes after all.
pub(crate) fn let_go_of(part: Part) {
    tokio::spawn(close(part, 0..0, Reason::Left));
}

/// Gives these bytes, which were opened as they are to be given.
pub(crate) fn flow(stream: ByteStream, opened: &Opened, given: Given) -> Giving {
    let total = opened.total();
    let Opened { fetched, gate, held, .. } = opened;
    let Given { part, from, to, idle, stop } = given;
    let to = to.filter(|to| Some(*to) != total);
    let (end, whole) = (to.or(total), from == 0 && to.is_none());
    let (source, gate, held) = (fetched.source.clone(), gate.clone(), held.clone());
    let flow = Flow { stream, rest: Bytes::new(), source, gate, end, whole, _held: held };
    let state = State { flow: Some(flow), ended: None, at: from, taken: Instant::now(), waits: false, waker: None };
    let shared = Arc::new(Shared { state: Mutex::new(state), over: Notify::new(), part, from });
    tokio::spawn(watch(shared.clone(), idle, stop));
    Giving(shared)
}

/// Why it ended.
enum Reason {
    Given { whole: bool },
    Left,
    Torn(Failure),
}

/// The last word to the record.
async fn close(part: Part, given: Range<u64>, reason: Reason) {
    let ended = match &reason {
        Reason::Given { whole } => Ended::Given { whole: *whole },
        Reason::Left => Ended::Left,
        Reason::Torn(failure) => Ended::Torn(failure),
    };
    let job = part.job().clone();
    if let Err(error) = part.close(&given, ended).await {
        tracing::debug!(job.id = %job, %error, "What a device took lapses");
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends it, unless that has happened.
    fn end(&self, reason: Reason) {
        let (flow, waker) = {
            let mut state = self.state();
            let Some(flow) = state.flow.take() else { return };
            if let Reason::Torn(failure) = &reason {
                let job = self.part.job();
                tracing::info!(job.id = %job, failure.kind = %failure.kind, failure.detail, "A file for a device broke off");
            }
            state.ended = Some(reason);
            (flow, state.waker.take())
        };
        // What a source does when it is dropped is its own affair, and may take a moment.
        drop(flow);
        self.over.notify_one();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl State {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Result<Bytes, Option<Reason>>> {
        let Some(flow) = &mut self.flow else { return Poll::Ready(Err(None)) };
        let next = flow.poll_piece(context);
        (self.taken, self.waits) = (Instant::now(), next.is_pending());
        match next {
            Poll::Pending => {
                self.waker = Some(context.waker().clone());
                Poll::Pending
            }
            Poll::Ready(Some(Ok(bytes))) => {
                self.at += bytes.len() as u64;
                flow.source.release(self.at);
                flow.gate.arrived(self.at);
                Poll::Ready(Ok(bytes))
            }
            Poll::Ready(Some(Err(failure))) if failure.kind == FailureKind::Cancelled => {
                Poll::Ready(Err(Some(Reason::Left)))
            }
            Poll::Ready(Some(Err(failure))) => Poll::Ready(Err(Some(Reason::Torn(failure)))),
            Poll::Ready(None) if flow.end.is_none_or(|end| end == self.at) => {
                Poll::Ready(Err(Some(Reason::Given { whole: flow.whole })))
            }
            Poll::Ready(None) => {
                let short = Failure::internal(format!("the source ended at {}", self.at));
                Poll::Ready(Err(Some(Reason::Torn(short))))
            }
        }
    }
}

impl Stream for Giving {
    type Item = Result<Bytes, Torn>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let polled = self.0.state().poll(context);
        polled.map(|polled| match polled {
            Ok(bytes) => Some(Ok(bytes)),
            // Somebody else ended it.
            Err(None) => Some(Err(Torn)),
            Err(Some(reason)) => {
                let torn = matches!(reason, Reason::Left | Reason::Torn(_));
                self.0.end(reason);
                torn.then_some(Err(Torn))
            }
        })
    }
}

impl Drop for Giving {
    fn drop(&mut self) {
        self.0.end(Reason::Left);
    }
}

/// Tells the record how far it is, and at last how it ended; ends it when somebody or something wants that. One task says all, or a word
/// that was under way could come after the last one.
async fn watch(shared: Arc<Shared>, idle: Duration, stop: CancellationToken) {
    let mut beats = interval(BEAT);
    beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            () = shared.over.notified() => break,
            () = stop.cancelled() => break,
            _ = beats.tick() => {}
        }
        let (given, took) = {
            let state = shared.state();
            (shared.from..state.at, if state.waits { None } else { Some(state.taken.elapsed()) })
        };
        if took.is_some_and(|took| took > idle) {
            tracing::info!(job.id = %shared.part.job(), "A device takes nothing any more");
            break;
        }
        // While Redis is away, the device goes on.
        if matches!(shared.part.beat(&given).await, Ok(Word::Cancel)) {
            break;
        }
    }
    shared.end(Reason::Left);
    let (given, reason) = {
        let mut state = shared.state();
        (shared.from..state.at, state.ended.take().unwrap_or(Reason::Left))
    };
    close(shared.part.clone(), given, reason).await;
}
