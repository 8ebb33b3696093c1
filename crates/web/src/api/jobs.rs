//! `/api/v1/jobs`.

use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header::LOCATION},
    web::{Data, Path, Payload, Query},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sluice_domain::{AccountId, Job, JobId, JobRequest, JobState, Origin};
use sluice_queue::{BadCursor, Cursor, Enqueued, Page, RecentsQuery};
use sluice_store::Scope;

use super::{
    JobOut, Problem,
    token::{caller, caller_with_body},
};
use crate::{known, pages::rows, state::State};

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
    #[serde(default)]
    force: bool,
}

/// A job that the account had already.
#[derive(Serialize)]
struct Duplicate<'a> {
    duplicate: bool,
    #[serde(flatten)]
    job: JobOut<'a>,
}

/// `POST /jobs`: the same idempotency key again answers with the same job; with another link it is refused, or that link would be lost.
/// A link that the account has already is not queued, unless its file is there no more or `force` says so.
pub(super) async fn create(request: HttpRequest, payload: Payload, state: Data<State>) -> Answer {
    let (account, body) = caller_with_body(&state, &request, payload, Scope::Send).await?;
    let asked = requested(&state, &account, &body).await?;
    let link = asked.url.clone();
    let mut taken = state.queue.enqueue(&account, asked.clone(), Timestamp::now()).await?;
    if let Enqueued::Duplicate(known) = &taken
        && !state.still_has(known, known::deadline()).await
    {
        taken = state.queue.enqueue(&account, asked.forced(true), Timestamp::now()).await?;
    }
    let (status, duplicate) = match &taken {
        Enqueued::Duplicate(_) => (StatusCode::OK, true),
        Enqueued::New(_) | Enqueued::Existed(_) => (StatusCode::ACCEPTED, false),
    };
    let existed = matches!(taken, Enqueued::Existed(_));
    let job = taken.job();
    if existed && job.url != link {
        return Err(Problem::Conflict("This idempotency key was used for another link.".to_owned()));
    }
    let arounds = rows::arounds(&state, &account, std::slice::from_ref(&job)).await?;
    let told = JobOut::whole(&job, &arounds.into_iter().next().unwrap_or_default());
    let mut response = HttpResponse::build(status);
    response.insert_header((LOCATION, format!("/api/v1/jobs/{}", job.id)));
    Ok(if duplicate { response.json(Duplicate { duplicate, job: told }) } else { response.json(told) })
}

/// What a body asks for.
pub(super) async fn requested(state: &State, account: &AccountId, body: &[u8]) -> Result<JobRequest, Problem> {
    let asked: JobIn = serde_json::from_slice(body).map_err(|error| Problem::BadJson(error.to_string()))?;
    let JobIn { url, preset, folder, idempotency_key, force } = asked;
    let (mut preset, mut folder) = (preset, folder);
    // What is not said is as on the page: the account's own defaults.
    if preset.is_none() || folder.is_none() {
        let known = state.store.accounts().get(account).await?;
        preset = preset.or_else(|| known.as_ref().map(|account| account.preset.to_string()));
        folder = folder.or_else(|| known.as_ref().map(|account| account.folder.to_string()));
    }
    let asked = JobRequest::parse(&url, preset.as_deref(), folder.as_deref(), idempotency_key.as_deref(), Origin::Api)?;
    Ok(asked.forced(force))
}

/// Which part of the list.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Wish {
    state: Option<String>,
    /// The page before, where the newest come first.
    before: Option<String>,
    /// The page before, where the order is a list's own.
    after: Option<String>,
    limit: Option<String>,
}

impl Wish {
    fn query(self, from: Option<String>) -> Result<RecentsQuery, Problem> {
        let state = self.state.as_deref().map(job_state).transpose()?;
        let limit = self.limit.map_or(Ok(DEFAULT_LIMIT), |text| text.parse());
        let limit = limit.ok().filter(|limit| (1..=MAX_LIMIT).contains(limit));
        let limit = limit.ok_or(Problem::BadQuery("limit is a number from 1 to 100."))?;
        let before = from.map(|text| text.parse::<Cursor>()).transpose();
        let before = before.map_err(|BadCursor| {
            Problem::BadQuery("before (for items of a list: after) is the `next` of an earlier answer.")
        })?;
        Ok(RecentsQuery { state, before, limit })
    }
}

#[derive(Serialize)]
struct List<'a> {
    jobs: Vec<JobOut<'a>>,
    next: Option<String>,
}

/// `GET /jobs`: newest first, lists in place of their items.
pub(super) async fn list(request: HttpRequest, wish: Query<Wish>, state: Data<State>) -> Answer {
    let (account, _) = caller(&state, &request, Scope::Read).await?;
    let mut wish = wish.into_inner();
    let from = wish.before.take();
    let page = state.queue.recents(&account, wish.query(from)?).await?;
    told_page(&state, &account, &page).await
}

/// `GET /jobs/{id}/items`: the items of a list, in its order.
pub(super) async fn items(request: HttpRequest, id: Path<String>, wish: Query<Wish>, state: Data<State>) -> Answer {
    let (account, _) = caller(&state, &request, Scope::Read).await?;
    let id = job_id(&id)?;
    state.queue.get(&account, &id).await?.ok_or(Problem::NotFound)?;
    let mut wish = wish.into_inner();
    let from = wish.after.take();
    let page = state.queue.items(&account, &id, wish.query(from)?).await?;
    told_page(&state, &account, &page).await
}

/// `GET /jobs/{id}`.
pub(super) async fn get(request: HttpRequest, id: Path<String>, state: Data<State>) -> Answer {
    let (account, _) = caller(&state, &request, Scope::Read).await?;
    let job = state.queue.get(&account, &job_id(&id)?).await?;
    told(StatusCode::OK, &state, &account, job).await
}

/// `POST /jobs/{id}/cancel`. A job that has ended stays as it is.
pub(super) async fn cancel(request: HttpRequest, id: Path<String>, state: Data<State>) -> Answer {
    let (account, _) = caller(&state, &request, Scope::Send).await?;
    let job = state.queue.cancel(&account, &job_id(&id)?).await?;
    told(StatusCode::OK, &state, &account, job).await
}

/// `POST /jobs/{id}/pause`. A job that has ended stays as it is.
pub(super) async fn pause(request: HttpRequest, id: Path<String>, state: Data<State>) -> Answer {
    let (account, _) = caller(&state, &request, Scope::Send).await?;
    let job = state.queue.pause(&account, &job_id(&id)?).await?;
    told(StatusCode::OK, &state, &account, job).await
}

/// `POST /jobs/{id}/resume`. A job that is not paused stays as it is.
pub(super) async fn resume(request: HttpRequest, id: Path<String>, state: Data<State>) -> Answer {
    let (account, _) = caller(&state, &request, Scope::Send).await?;
    let job = state.queue.resume(&account, &job_id(&id)?).await?;
    told(StatusCode::OK, &state, &account, job).await
}

/// `POST /jobs/{id}/retry`: the same job again.
pub(super) async fn retry(request: HttpRequest, id: Path<String>, state: Data<State>) -> Answer {
    let (account, _) = caller(&state, &request, Scope::Send).await?;
    let job = state.queue.retry(&account, &job_id(&id)?).await?;
    told(StatusCode::ACCEPTED, &state, &account, job).await
}

/// `DELETE /jobs/{id}`: off the list. The file in Dropbox stays.
pub(super) async fn delete(request: HttpRequest, id: Path<String>, state: Data<State>) -> Answer {
    let (account, _) = caller(&state, &request, Scope::Send).await?;
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
        Problem::BadQuery(
            "state is one of: queued, running, retrying, paused, collecting, completed, failed, cancelled, refused.",
        )
    })
}

async fn told(status: StatusCode, state: &State, account: &AccountId, job: Option<Job>) -> Answer {
    let job = job.ok_or(Problem::NotFound)?;
    let arounds = rows::arounds(state, account, std::slice::from_ref(&job)).await?;
    Ok(HttpResponse::build(status).json(JobOut::whole(&job, &arounds.into_iter().next().unwrap_or_default())))
}

async fn told_page(state: &State, account: &AccountId, page: &Page<Job>) -> Answer {
    let arounds = rows::arounds(state, account, &page.items).await?;
    let jobs = page.items.iter().zip(&arounds).map(|(job, around)| JobOut::of(job, around)).collect();
    Ok(HttpResponse::Ok().json(List { jobs, next: page.next.map(|next| next.to_string()) }))
}
