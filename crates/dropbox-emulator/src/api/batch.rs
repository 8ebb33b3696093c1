//! Many sessions at once: `start_batch`, `finish_batch_v2`, and `finish_batch` with its check.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};

use crate::api::argument::At;
use crate::api::caller::Caller;
use crate::api::commit_info::{CommitInfo, commit};
use crate::api::refusal::{Refusal, nest, write_error};
use crate::api::session_routes::{SessionCursor, check_ready, find, finished, lookup_failed, session_type};
use crate::chance;
use crate::files::commit::WriteError;
use crate::service::Service;

const MOST: usize = 1000;

/// Finished asynchronous batches whose answer has not been fetched: by job id, with the account and the entries.
#[derive(Default)]
pub(crate) struct Batches(Mutex<HashMap<String, Job>>);

struct Job {
    account: String,
    entries: Value,
    /// The first check is told to wait.
    asked: bool,
}

/// `files/upload_session/start_batch`
pub(crate) fn start_batch(service: &Service, caller: &Caller, arg: At) -> Result<Value, Refusal> {
    let mut fields = arg.fields()?;
    let number = fields.required("num_sessions", At::unsigned)?;
    let concurrent = fields.optional("session_type", session_type)?.unwrap_or(false);
    fields.end()?;
    if !(1..=MOST as u64).contains(&number) {
        return Err(Refusal::BadArgument(format!("num_sessions: {number} is not between 1 and {MOST}")));
    }
    let start = |_| service.sessions.start(&caller.account.id, concurrent, service.clock.seconds());
    let sessions = (0..number).map(start).collect::<Result<Vec<_>, _>>()?;
    Ok(json!({ "session_ids": sessions.iter().map(|session| &session.id).collect::<Vec<_>>() }))
}

/// `files/upload_session/finish_batch_v2`
pub(crate) fn finish_batch_v2(service: &Service, caller: &Caller, arg: At) -> Result<Value, Refusal> {
    Ok(json!({ "entries": finish_all(service, caller, arg)? }))
}

/// `files/upload_session/finish_batch`
pub(crate) fn finish_batch(service: &Service, caller: &Caller, arg: At) -> Result<Value, Refusal> {
    let mut jobs = service.batches.0.lock().unwrap_or_else(PoisonError::into_inner);
    // One at a time for an account: an older one that nobody asked about gives way.
    jobs.retain(|_, job| job.account != caller.account.id);
    let entries = finish_all(service, caller, arg)?.into();
    let id = chance::letters(40);
    jobs.insert(id.clone(), Job { account: caller.account.id.clone(), entries, asked: false });
    Ok(json!({ ".tag": "async_job_id", "async_job_id": id }))
}

/// `files/upload_session/finish_batch/check`
pub(crate) fn check(service: &Service, caller: &Caller, arg: At) -> Result<Value, Refusal> {
    let mut fields = arg.fields()?;
    let id = fields.required("async_job_id", At::text)?;
    fields.end()?;
    let mut jobs = service.batches.0.lock().unwrap_or_else(PoisonError::into_inner);
    let job = jobs.get_mut(&id).filter(|job| job.account == caller.account.id);
    let job = job.ok_or_else(|| Refusal::tag("invalid_async_job_id"))?;
    if !job.asked {
        job.asked = true;
        return Ok(json!({ ".tag": "in_progress" }));
    }
    Ok(json!({ ".tag": "complete", "entries": job.entries }))
}

fn finish_all(service: &Service, caller: &Caller, arg: At) -> Result<Vec<Value>, Refusal> {
    let mut fields = arg.fields()?;
    let entries = fields.required("entries", |at| at.list(MOST))?;
    fields.end()?;
    let mut commits = Vec::new();
    for entry in entries {
        let mut fields = entry.fields()?;
        let cursor = fields.required("cursor", SessionCursor::read)?;
        let info = fields.required("commit", CommitInfo::whole)?;
        fields.optional("content_hash", At::sha256)?;
        fields.end()?;
        commits.push((cursor, info));
    }
    commits.iter().map(|(cursor, info)| entry(service, caller, cursor, info)).collect()
}

/// One entry's result: a success is flattened, a failure nested.
fn entry(service: &Service, caller: &Caller, cursor: &SessionCursor, info: &CommitInfo) -> Result<Value, Refusal> {
    match finish(service, caller, cursor, info) {
        Ok(metadata) => {
            let mut success = json!({ ".tag": "success" });
            if let (Some(success), Value::Object(metadata)) = (success.as_object_mut(), metadata) {
                success.extend(metadata);
            }
            Ok(success)
        }
        Err(Refusal::Route(error)) => Ok(nest("failure", &error)),
        Err(other) => Err(other),
    }
}

fn finish(service: &Service, caller: &Caller, cursor: &SessionCursor, info: &CommitInfo) -> Result<Value, Refusal> {
    let session = find(service, caller, &cursor.session_id).ok_or_else(|| lookup_failed("not_found"))?;
    let _turn = session.turn_now().ok_or_else(|| Refusal::tag("too_many_write_operations"))?;
    if let Some(answer) = finished(service, &session)? {
        return Ok(answer);
    }
    if !session.is_closed() {
        return Err(lookup_failed("not_closed"));
    }
    check_ready(&session, cursor.offset)?;
    match commit(service, caller, &session, info) {
        Ok(metadata) => Ok(metadata),
        Err(WriteError::TooManyWriteOperations) => Err(Refusal::tag("too_many_write_operations")),
        Err(error) => Err(Refusal::nested("path", &write_error(error)?)),
    }
}
