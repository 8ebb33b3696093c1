//! `/api/v1/jobs`.

use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header::LOCATION},
    web::{Data, Path, Payload, Query},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sluice_domain::{Job, JobId, JobRequest, JobState, Origin};
use sluice_queue::{BadCursor, RecentsQuery};

use super::{JobOut, Problem, token::caller};
use crate::{body, state::State};

/// Jobs on one page of the list.
const DEFAULT_LIMIT: u32 = 20;
const MAX_LIMIT: u32 = 100;

type Answer = Result<HttpResponse, Problem>;

/// What is asked for, raw.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct JobIn {
    url: String,
    preset: Option<String>,
    folder: Option<String>,
    idempotency_key: Option<String>,
}

/// `POST /jobs`: the same idempotency key again answers with the same job; with another link it is refused, or that link would be lost.
pub(super) async fn create(request: HttpRequest, payload: Payload, state: Data<State>) -> Answer {
    let body = body::read(payload).await?;
    let (account, _) = caller(&state, &request).await?;
    let asked: JobIn = serde_json::from_slice(&body).map_err(|error| Problem::BadJson(error.to_string()))?;
    let JobIn { url, preset, folder, idempotency_key } = asked;
    let (mut preset, mut folder) = (preset, folder);
    // What is not said is as on the page: the account's own defaults.
    if preset.is_none() || folder.is_none() {
        let known = state.store.accounts().get(&account).await?;
        preset = preset.or_else(|| known.as_ref().map(|account| account.preset.to_string()));
        folder = folder.or_else(|| known.as_ref().map(|account| account.folder.to_string()));
    }
    let asked = JobRequest::parse(&url, preset.as_deref(), folder.as_deref(), idempotency_key.as_deref(), Origin::Api)?;
    let link = asked.url.clone();
    let job = state.queue.enqueue(&account, asked, Timestamp::now()).await?.job();
    if job.url != link {
        return Err(Problem::Conflict("This idempotency key was used for another link.".to_owned()));
    }
    Ok(HttpResponse::Accepted().insert_header((LOCATION, format!("/api/v1/jobs/{}", job.id))).json(JobOut::of(&job)))
}

/// Which part of the list.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Wish {
    state: Option<String>,
    before: Option<String>,
    limit: Option<String>,
}

#[derive(Serialize)]
struct List<'a> {
    jobs: Vec<JobOut<'a>>,
    next: Option<String>,
}

/// `GET /jobs`: newest first.
pub(super) async fn list(request: HttpRequest, wish: Query<Wish>, state: Data<State>) -> Answer {
    let (account, _) = caller(&state, &request).await?;
    let wish = wish.into_inner();
    let only = wish.state.as_deref().map(job_state).transpose()?;
    let limit = wish.limit.map(|text| text.parse::<u32>()).transpose();
    let limit = limit.map_err(|_| Problem::BadQuery("limit is a number from 1 to 100."))?;
    let limit = limit.unwrap_or(DEFAULT_LIMIT).clamp(1, MAX_LIMIT);
    let before = wish.before.map(|text| text.parse()).transpose();
    let before = before.map_err(|BadCursor| Problem::BadQuery("before is the `next` of an earlier answer."))?;
    let page = state.queue.recents(&account, RecentsQuery { state: only, before, limit }).await?;
    Ok(HttpResponse::Ok()
        .json(List { jobs: page.items.iter().map(JobOut::of).collect(), next: page.next.map(|next| next.to_string()) }))
}

/// `GET /jobs/{id}`.
pub(super) async fn get(request: HttpRequest, id: Path<String>, state: Data<State>) -> Answer {
    let (account, _) = caller(&state, &request).await?;
    let job = state.queue.get(&account, &job_id(&id)?).await?;
    told(StatusCode::OK, job.as_ref())
}

/// `POST /jobs/{id}/cancel`. A job that has ended stays as it is.
pub(super) async fn cancel(request: HttpRequest, id: Path<String>, state: Data<State>) -> Answer {
    let (account, _) = caller(&state, &request).await?;
    let job = state.queue.cancel(&account, &job_id(&id)?).await?;
    told(StatusCode::OK, job.as_ref())
}

/// `POST /jobs/{id}/retry`: the same job again.
pub(super) async fn retry(request: HttpRequest, id: Path<String>, state: Data<State>) -> Answer {
    let (account, _) = caller(&state, &request).await?;
    let job = state.queue.retry(&account, &job_id(&id)?).await?;
    told(StatusCode::ACCEPTED, job.as_ref())
}

/// `DELETE /jobs/{id}`: off the list. The file in Dropbox stays.
pub(super) async fn delete(request: HttpRequest, id: Path<String>, state: Data<State>) -> Answer {
    let (account, _) = caller(&state, &request).await?;
    match state.queue.delete(&account, &job_id(&id)?).await? {
        true => Ok(HttpResponse::NoContent().finish()),
        false => Err(Problem::NotFound),
    }
}

/// A text that is no id is no job of anybody's.
fn job_id(text: &str) -> Result<JobId, Problem> {
    text.parse().map_err(|_| Problem::NotFound)
}

fn job_state(text: &str) -> Result<JobState, Problem> {
    serde_json::from_value(text.into()).map_err(|_| {
        Problem::BadQuery("state is one of: queued, running, retrying, completed, failed, cancelled, refused.")
    })
}

fn told(status: StatusCode, job: Option<&Job>) -> Answer {
    let job = job.ok_or(Problem::NotFound)?;
    Ok(HttpResponse::build(status).json(JobOut::of(job)))
}
