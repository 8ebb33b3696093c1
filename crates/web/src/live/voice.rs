//! In which words a listener is told: rows for a page, JSON for the API.

use actix_web::web::Bytes;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use sluice_domain::{AccountId, Job, JobId};
use sluice_queue::Cursor;
use sluice_store::SessionToken;

use super::message;
use crate::{api::JobOut, error::PageError, pages::rows, state::State};

/// Which part of the list a page shows.
#[derive(Debug, Clone)]
pub(crate) enum Feed {
    /// The newest downloads, or older ones from this place on.
    Recent { before: Option<Cursor> },
    /// One job.
    One(JobId),
}

/// A listener.
pub(crate) enum Voice {
    /// A page: rows of HTML.
    Page { session: SessionToken, csrf: String, feed: Feed },
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
}

#[derive(Serialize)]
struct Gone<'a> {
    id: &'a str,
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
    pub(super) async fn all(&self, state: &State, id: &AccountId) -> Result<Bytes, PageError> {
        let Self::Page { csrf, feed, .. } = self else { return Ok(message("resync", &())) };
        let jobs = match feed {
            Feed::Recent { before } => rows::recents(state, id, *before).await?.items,
            Feed::One(job) => state.queue.get(id, job).await?.into_iter().collect(),
        };
        let html = rows::rows(state, id, csrf, &jobs).await?;
        let rows = jobs.iter().zip(html).map(|(job, html)| told(job, html)).collect();
        Ok(message("list", &List { rows }))
    }

    /// One job, as it is now; `None` when it is no concern of the listener's.
    pub(super) async fn changed(&self, state: &State, id: &AccountId, job: &JobId) -> Result<Option<Bytes>, PageError> {
        if matches!(self, Self::Page { feed: Feed::One(only), .. } if only != job) {
            return Ok(None);
        }
        let Some(job) = state.queue.get(id, job).await? else { return Ok(None) };
        Ok(Some(match self {
            Self::Api { .. } => message("job", &JobOut::of(&job)),
            Self::Page { csrf, .. } => {
                let html = rows::rows(state, id, csrf, std::slice::from_ref(&job)).await?.concat();
                let one = message("job", &told(&job, html));
                // Whoever waits moves up when a job ends, and no event says so.
                if job.state.is_final() { [one, self.all(state, id).await?].concat().into() } else { one }
            }
        }))
    }

    /// A job that is no more.
    pub(super) fn gone(&self, job: &JobId) -> Option<Bytes> {
        match self {
            Self::Page { feed: Feed::One(only), .. } if only != job => None,
            _ => Some(message("deleted", &Gone { id: job.as_str() })),
        }
    }
}

fn told(job: &Job, html: String) -> Told<'_> {
    Told { id: job.id.as_str(), html, job: JobOut::of(job) }
}
