//! `POST /jobs/{id}/cancel`, `/pause`, `/resume`, `/retry` and `/delete`: forms with one button.

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{ACCEPT, REFERER},
    web::{Data, Path, Payload},
};
use sluice_domain::JobId;
use sluice_queue::QueueError;
use url::Url;

use super::see;
use crate::{error::PageError, place::safe_return, state::State};

/// The handler. Somebody else's job is not found, like one that never was.
pub(crate) async fn post(
    request: HttpRequest,
    path: Path<(String, String)>,
    payload: Payload,
    state: Data<State>,
) -> Result<HttpResponse, PageError> {
    let (id, verb) = path.into_inner();
    let id: JobId = id.parse().map_err(|_| PageError::NotFound)?;
    let (visitor, _) = state.form(&request, payload, &format!("/jobs/{id}")).await?;
    let account = &visitor.account.id;
    let done = match verb.as_str() {
        "cancel" => state.queue.cancel(account, &id).await.map(|job| job.is_some()),
        "pause" => state.queue.pause(account, &id).await.map(|job| job.is_some()),
        "resume" => state.queue.resume(account, &id).await.map(|job| job.is_some()),
        "retry" => state.queue.retry(account, &id).await.map(|job| job.is_some()),
        "delete" => state.queue.delete(account, &id).await,
        _ => return Err(PageError::NotFound),
    };
    match done {
        Ok(true) => {}
        Ok(false) => return Err(PageError::NotFound),
        // It moved on between the page and the click; the page that comes next shows how.
        Err(QueueError::NotRetryable | QueueError::NotFinal) => {}
        Err(error) => return Err(error.into()),
    }
    if request.headers().get(ACCEPT).is_some_and(|accept| accept == "application/json") {
        return Ok(HttpResponse::NoContent().finish());
    }
    Ok(see(&if verb == "delete" { "/".to_owned() } else { back(&request) }))
}

/// The page of ours that the form was on.
fn back(request: &HttpRequest) -> String {
    let referer = request.headers().get(REFERER).and_then(|referer| Url::parse(referer.to_str().ok()?).ok());
    let path = referer.map(|referer| referer[url::Position::BeforePath..url::Position::AfterQuery].to_owned());
    path.as_deref().map_or("/", safe_return).to_owned()
}
