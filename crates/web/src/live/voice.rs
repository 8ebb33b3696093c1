//! In which words a listener is told: rows for a page, JSON for the API.

use actix_web::web::Bytes;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use sluice_domain::{AccountId, Job, JobId};
use sluice_queue::Cursor;
use sluice_store::SessionToken;

use super::message;
use crate::{
    api::JobOut,
    error::PageError,
    pages::{
        items::{self, Begin},
        rows,
    },
    state::State,
    view::{Around, Row},
};

/// Which part of the list a page shows.
#[derive(Debug, Clone)]
pub(crate) enum Feed {
    /// The newest downloads, or older ones from this place on.
    Recent { before: Option<Cursor> },
    /// One job, and its items from this place on when it is a list.
    One { job: JobId, begin: Begin },
}

/// What a page has been told, as far as it matters for what it has to be told next.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// How many items the list had.
    found: Option<u32>,
    /// Has something ended that was not shown? Then whoever waits has moved up.
    stale: bool,
}

/// A listener.
pub(crate) enum Voice {
    /// A page: rows of HTML.
    Page { session: SessionToken, csrf: String, feed: Feed, seen: Seen },
    /// An API client: JSON.
    Api { token: SecretString },
}

/// A job in an event.
#[derive(Serialize)]
struct Told<'a> {
    id: &'a str,
    html: String,
    job: JobOut<'a>,
}

#[derive(Serialize)]
struct List<'a> {
    rows: Vec<Told<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    items: Option<Items<'a>>,
}

/// The items of a list, as far as the page shows them.
#[derive(Serialize)]
struct Items<'a> {
    rows: Vec<Told<'a>>,
    range: &'a str,
    next: Option<&'a str>,
}

#[derive(Serialize)]
struct Gone<'a> {
    id: &'a str,
}

impl Feed {
    /// Does a page with this feed show that job? Items are shown by their list's page and by their own, never among the downloads.
    fn shows(&self, job: &Job) -> bool {
        match self {
            Self::Recent { .. } => job.parent.is_none(),
            Self::One { job: only, .. } => *only == job.id || job.parent.as_ref() == Some(only),
        }
    }
}

impl Voice {
    /// Is the session, or the API token, still good? While Redis cannot say, it is.
    pub(super) async fn may_listen(&self, state: &State) -> bool {
        match self {
            Self::Page { session, .. } => state.still_signed_in(session).await,
            Self::Api { token } => !matches!(state.store.tokens().verify(token.expose_secret()).await, Ok(None)),
        }
    }

    /// Everything that the listener may have missed.
    pub(super) async fn all(&mut self, state: &State, id: &AccountId) -> Result<Bytes, PageError> {
        let Self::Page { csrf, feed, seen, .. } = self else { return Ok(message("resync", &())) };
        seen.stale = false;
        let jobs = match feed {
            Feed::Recent { before } => rows::recents(state, id, *before).await?.items,
            Feed::One { job, .. } => state.queue.get(id, job).await?.into_iter().collect(),
        };
        let arounds = rows::arounds(state, id, &jobs).await?;
        let rows = told(&jobs, &arounds, csrf)?;
        let (Feed::One { begin, .. }, [list]) = (&*feed, jobs.as_slice()) else {
            return Ok(message("list", &List { rows, items: None }));
        };
        seen.found = list.items.map(|items| items.found);
        let Some(part) = items::items(state, id, list, *begin).await? else {
            return Ok(message("list", &List { rows, items: None }));
        };
        let arounds = rows::arounds(state, id, &part.jobs).await?;
        let items = Items { rows: told(&part.jobs, &arounds, csrf)?, range: &part.range, next: part.next.as_deref() };
        Ok(message("list", &List { rows, items: Some(items) }))
    }

    /// Everything again, when something ended that the page does not show: whoever waits has moved up, and no event says so.
    pub(super) async fn refresh(&mut self, state: &State, id: &AccountId) -> Result<Option<Bytes>, PageError> {
        match self {
            Self::Page { seen: Seen { stale: true, .. }, .. } => self.all(state, id).await.map(Some),
            _ => Ok(None),
        }
    }

    /// One job, as it is now; `None` when it is no concern of the listener's.
    pub(super) async fn changed(
        &mut self,
        state: &State,
        id: &AccountId,
        job: &JobId,
    ) -> Result<Option<Bytes>, PageError> {
        let Some(job) = state.queue.get(id, job).await? else { return Ok(None) };
        let (over, top) = (job.state.is_final(), job.parent.is_none());
        if let Self::Page { feed, seen, .. } = self {
            seen.stale |= over;
            if !feed.shows(&job) {
                return Ok(None);
            }
        }
        let jobs = [job];
        let arounds = rows::arounds(state, id, &jobs).await?;
        let ([job], [around]) = (&jobs, arounds.as_slice()) else { return Ok(None) };
        let (one, grown) = match self {
            Self::Api { .. } => return Ok(Some(message("job", &JobOut::of(job, around)))),
            Self::Page { csrf, feed, seen, .. } => {
                let itself = matches!(feed, Feed::One { job: only, .. } if *only == job.id);
                let grown = itself && job.items.map(|items| items.found) != seen.found;
                (message("job", &tell(job, around, csrf)?), grown)
            }
        };
        // The end of an item waits for the next beat: a list may have hundreds that end together.
        if grown || (over && top) {
            return Ok(Some([one, self.all(state, id).await?].concat().into()));
        }
        Ok(Some(one))
    }

    /// A job that is no more. A page that does not show it does nothing with that.
    pub(super) fn gone(&self, job: &JobId) -> Bytes {
        message("deleted", &Gone { id: job.as_str() })
    }
}

fn told<'a>(jobs: &'a [Job], arounds: &[Around], csrf: &str) -> Result<Vec<Told<'a>>, PageError> {
    jobs.iter().zip(arounds).map(|(job, around)| tell(job, around, csrf)).collect()
}

fn tell<'a>(job: &'a Job, around: &Around, csrf: &str) -> Result<Told<'a>, PageError> {
    Ok(Told { id: job.id.as_str(), html: Row::of(job, around).html(csrf)?, job: JobOut::of(job, around) })
}
