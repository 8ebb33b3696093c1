//! `GET /jobs/{id}`: one job, with the facts and the history that a row leaves out; of a list also its items.

use actix_web::{
    HttpRequest, HttpResponse,
    http::StatusCode,
    web::{Data, Path, Query},
};
use jiff::Timestamp;
use sluice_domain::{AccountId, Job, JobId};

use super::{
    items::{self, Begin},
    page, rows,
};
use crate::{
    error::PageError,
    state::State,
    view::{ItemsList, JobPage, facts, history, title},
};

/// The handler. Somebody else's job is not found, like one that never was.
pub(crate) async fn get(
    request: HttpRequest,
    id: Path<String>,
    wish: Query<items::Wish>,
    state: Data<State>,
) -> Result<HttpResponse, PageError> {
    let id: JobId = id.parse().map_err(|_| PageError::NotFound)?;
    let visitor = state.signed_in(&request, &format!("/jobs/{id}")).await?;
    let (account, csrf) = (&visitor.account.id, &visitor.session.csrf);
    let job = state.queue.get(account, &id).await?.ok_or(PageError::NotFound)?;
    let begin = Begin::read(&wish);
    let job_page = JobPage {
        frame: state.frame(&visitor).await,
        title: title(&job),
        list: parent(&state, account, &job).await?,
        row: rows::rows(&state, account, csrf, std::slice::from_ref(&job)).await?.concat(),
        items: items_list(&state, account, csrf, &job, begin).await?,
        facts: facts(&job),
        attempts: history(&job.attempts, Timestamp::now()),
        events: format!("/events?job={id}{}", begin.query()),
    };
    page(StatusCode::OK, &job_page)
}

/// The list that the job is an item of: its title and its address.
async fn parent(state: &State, account: &AccountId, job: &Job) -> Result<Option<(String, String)>, PageError> {
    let Some(list) = &job.parent else { return Ok(None) };
    let list = state.queue.get(account, list).await?;
    Ok(list.map(|list| (title(&list), format!("/jobs/{}", list.id))))
}

async fn items_list(
    state: &State,
    account: &AccountId,
    csrf: &str,
    list: &Job,
    begin: Begin,
) -> Result<Option<ItemsList>, PageError> {
    let Some(part) = items::items(state, account, list, begin).await? else { return Ok(None) };
    Ok(Some(ItemsList {
        rows: rows::rows(state, account, csrf, &part.jobs).await?,
        range: part.range,
        first: (!begin.is_first()).then(|| format!("/jobs/{}", list.id)),
        next: part.next,
    }))
}
