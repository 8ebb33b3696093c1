//! `GET /events`: the live list, or with `?job=` one job.

use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Query},
};
use serde::Deserialize;
use sluice_domain::JobId;

use super::items;
use crate::{
    error::PageError,
    live::{Busy, Feed, Seen, Voice, listen},
    state::State,
};

/// Which rows.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Wish {
    before: Option<String>,
    job: Option<String>,
    after: Option<String>,
    skip: Option<String>,
}

/// `HEAD /events`: would there be a stream? A browser's `EventSource` does not tell its page why it was refused.
pub(crate) async fn head(request: HttpRequest, state: Data<State>) -> Result<HttpResponse, PageError> {
    Ok(match state.visitor(&request).await? {
        Some(_) => HttpResponse::NoContent().finish(),
        None => HttpResponse::Unauthorized().finish(),
    })
}

/// `GET /events`. A stranger gets a plain 401: an `EventSource` does not follow to a page.
pub(crate) async fn get(
    request: HttpRequest,
    wish: Query<Wish>,
    state: Data<State>,
) -> Result<HttpResponse, PageError> {
    let Some(visitor) = state.visitor(&request).await? else { return Ok(HttpResponse::Unauthorized().finish()) };
    let wish = wish.into_inner();
    let feed = match wish.job {
        None => Feed::Recent { before: wish.before.and_then(|before| before.parse().ok()) },
        Some(job) => {
            let job: JobId = job.parse().map_err(|_| PageError::NotFound)?;
            state.queue.get(&visitor.account.id, &job).await?.ok_or(PageError::NotFound)?;
            let begin = items::Begin::read(&items::Wish { after: wish.after, skip: wish.skip });
            Feed::One { job, begin }
        }
    };
    let voice = Voice::Page { csrf: visitor.session.csrf, session: visitor.token, feed, seen: Seen::default() };
    listen(state, visitor.account.id, voice).map_err(|Busy| PageError::Busy)
}
