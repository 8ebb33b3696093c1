//! `POST /save` with `send=1`, and `POST /api/v1/save`: one file to the device and to the Dropbox, fetched once. The answer is the file. It makes
//! a job, so it is no address that one could be led to.
//!
//! Ranges of it, later, are an ordinary `GET /save`, at the address that `Content-Location` names.

use actix_web::{
    HttpRequest, HttpResponse,
    body::SizedStream,
    http::{StatusCode, Version, header::CONTENT_LOCATION},
};
use jiff::Timestamp;
use sluice_domain::{AccountId, Job, JobId, JobRequest, Origin};
use sluice_queue::{Begun, Enqueued, QueueError, Sent};
use sluice_store::StoreError;
use url::form_urlencoded::Serializer;

use super::{
    home::{Said, home},
    page,
    posted::Posted,
    save::{ONE_LINK, headed, record},
    send::requests,
};
use crate::{
    error::PageError,
    known,
    save::{Given, NoFile, Wish, flow, let_go_of, start},
    state::State,
    view::Fault,
    visitor::Visitor,
};

/// The header that names the job on the way to the Dropbox.
const JOB: &str = "sluice-job";

/// The form, as it was filled in for sending. One link at a time.
pub(super) async fn by_form(
    request: &HttpRequest,
    state: &State,
    posted: &Posted,
    visitor: &Visitor,
) -> Result<HttpResponse, PageError> {
    let asked = match requests(&posted.typed, &posted.key) {
        Ok(requests) => {
            <[JobRequest; 1]>::try_from(requests).map_err(|_| Fault { field: "url", message: ONE_LINK.to_owned() })
        }
        Err(fault) => Err(fault),
    };
    match asked {
        Ok([asked]) => save_both(request, state, &visitor.account.id, &asked).await,
        Err(fault) => {
            let said = Said { fault: Some(fault), ..Said::default() };
            let home = home(state, visitor, posted.typed.clone(), posted.key.clone(), said, None).await;
            page(StatusCode::UNPROCESSABLE_ENTITY, &home.map_err(|error| posted.keep(error))?)
        }
    }
}

/// Gives the file to the device, and sends it meanwhile.
pub(crate) async fn save_both<E: From<NoFile> + From<QueueError> + From<StoreError>>(
    request: &HttpRequest,
    state: &State,
    account: &AccountId,
    asked: &JobRequest,
) -> Result<HttpResponse, E> {
    let wish = Wish { url: asked.url.clone(), item: None, preset: asked.preset, play: false, as_sent: true };
    let free = match state.store.accounts().get(account).await? {
        Some(account) => state.spaces.free(state, &account).await,
        None => None,
    };
    let opened = state.open(account, &wish, free).await?;
    let total = opened.total();
    if total.is_none() && request.version() < Version::HTTP_11 {
        return Err(NoFile::OldHttp.into());
    }
    let part = match state.queue.save(account, &record(&wish, &opened, asked.origin), true).await? {
        Begun::Part(part) => part,
        Begun::Full { limit } => return Err(NoFile::Full { limit }.into()),
        Begun::Barred => return Err(NoFile::Barred.into()),
    };
    let given = Given { part: part.clone(), from: 0, to: None, idle: state.saves.idle, stop: state.stop.clone() };
    let stream = start(&opened, &given).await.map_err(NoFile::Failed)?;
    let (stream, upload) = opened.split(stream, state.saves.limits());
    let sent = match &upload {
        Some(_) => begin(state, account, asked, part.job()).await,
        None => enqueue(state, account, asked).await,
    };
    let sent = sent.inspect_err(|_| let_go_of(part.clone()))?;
    if matches!(&sent, Sent::Existed(job) if job.url != asked.url) {
        let_go_of(part);
        return Err(NoFile::OtherLink.into());
    }
    let job = job_of(&sent).id.clone();
    if let (Sent::Held(held), Some(upload)) = (sent, upload) {
        upload.bring(held, state);
    }
    let mut answer = headed(StatusCode::OK, &opened, false);
    answer.insert_header((JOB, job.as_str())).insert_header((CONTENT_LOCATION, location(&wish, asked.origin)));
    let giving = flow(stream, &opened, given);
    Ok(match total {
        Some(total) => answer.body(SizedStream::new(total, giving)),
        None => answer.streaming(giving),
    })
}

/// Where its bytes can be asked for again.
fn location(wish: &Wish, origin: Origin) -> String {
    let mut query = Serializer::new(String::new());
    query.append_pair("url", wish.url.as_str()).append_pair("preset", wish.preset.as_str()).append_pair("as_sent", "1");
    let path = if origin == Origin::Api { "/api/v1/save" } else { "/save" };
    format!("{path}?{}", query.finish())
}

/// Makes a job of it that this process has, where it may. What was sent once and is there no more is sent again without a question.
async fn begin(state: &State, account: &AccountId, asked: &JobRequest, beside: &JobId) -> Result<Sent, QueueError> {
    let holder = &state.senders.holder;
    let sent = holder.begin(account, asked, beside, Timestamp::now()).await?;
    match &sent {
        Sent::Duplicate(job) if !state.still_has(job, known::deadline()).await => {
            holder.begin(account, &asked.clone().forced(true), beside, Timestamp::now()).await
        }
        _ => Ok(sent),
    }
}

/// Makes a job of it that a worker carries out.
async fn enqueue(state: &State, account: &AccountId, asked: &JobRequest) -> Result<Sent, QueueError> {
    let sent = state.queue.enqueue(account, asked.clone(), Timestamp::now()).await?;
    Ok(match sent {
        Enqueued::Duplicate(job) if !state.still_has(&job, known::deadline()).await => {
            Sent::Waits(state.queue.enqueue(account, asked.clone().forced(true), Timestamp::now()).await?.job())
        }
        Enqueued::Duplicate(job) => Sent::Duplicate(job),
        Enqueued::Existed(job) => Sent::Existed(job),
        Enqueued::New(job) => Sent::Waits(job),
    })
}

fn job_of(sent: &Sent) -> &Job {
    match sent {
        Sent::Held(held) => held.lease().job(),
        Sent::Waits(job) | Sent::Existed(job) | Sent::Duplicate(job) => job,
    }
}
