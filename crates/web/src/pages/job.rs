//! `GET /jobs/{id}`: one job, with the facts that a row leaves out.

use actix_web::{
    HttpRequest, HttpResponse,
    http::StatusCode,
    web::{Data, Path},
};
use sluice_domain::JobId;

use super::{page, rows};
use crate::{
    error::PageError,
    state::State,
    view::{JobPage, facts, title},
};

/// The handler. Somebody else's job is not found, like one that never was.
pub(crate) async fn get(request: HttpRequest, id: Path<String>, state: Data<State>) -> Result<HttpResponse, PageError> {
    let id: JobId = id.parse().map_err(|_| PageError::NotFound)?;
    let visitor = state.signed_in(&request, &format!("/jobs/{id}")).await?;
    let (account, csrf) = (&visitor.account.id, &visitor.session.csrf);
    let job = state.queue.get(account, &id).await?.ok_or(PageError::NotFound)?;
    let row = rows::rows(&state, account, csrf, std::slice::from_ref(&job)).await?.concat();
    let frame = state.frame(&visitor).await;
    let job_page = JobPage { frame, title: title(&job), row, facts: facts(&job), events: format!("/events?job={id}") };
    page(StatusCode::OK, &job_page)
}
