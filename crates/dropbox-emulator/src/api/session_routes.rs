//! Upload sessions: start, append, finish.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::api::argument::{At, BadArgument};
use crate::api::call::Stop;
use crate::api::caller::Caller;
use crate::api::commit_info::{CommitInfo, commit};
use crate::api::refusal::{Refusal, nest};
use crate::control::faults::Fault;
use crate::service::Service;
use crate::sessions::append::{Append, AppendError};
use crate::sessions::session::Session;
use crate::settings::FinishAgain;
use crate::wire::body::RequestBody;

/// `UploadSessionCursor`
#[derive(Debug, Clone)]
pub(crate) struct SessionCursor {
    pub(crate) session_id: String,
    pub(crate) offset: u64,
}

impl SessionCursor {
    pub(crate) fn read(at: At) -> Result<Self, BadArgument> {
        let mut fields = at.fields()?;
        let cursor = Self {
            session_id: fields.required("session_id", At::text)?,
            offset: fields.required("offset", At::unsigned)?,
        };
        fields.end()?;
        Ok(cursor)
    }
}

/// `UploadSessionType`: whether it is concurrent.
pub(crate) fn session_type(at: At) -> Result<bool, BadArgument> {
    let (tag, fields) = at.union()?;
    let concurrent = match tag.as_str() {
        "sequential" => false,
        "concurrent" => true,
        _ => return fields.unknown_tag(&tag),
    };
    fields.end()?;
    Ok(concurrent)
}

/// `files/upload_session/start`
pub(crate) async fn start(service: &Service, caller: &Caller, arg: At, body: &mut RequestBody) -> Result<Value, Stop> {
    let mut fields = arg.fields()?;
    let close = fields.defaulted("close", false, At::boolean)?;
    let concurrent = fields.optional("session_type", session_type)?.unwrap_or(false);
    let content_hash = fields.optional("content_hash", At::sha256)?;
    fields.end()?;
    if concurrent && close {
        return Err(Refusal::tag("concurrent_session_close_not_allowed").into());
    }
    if concurrent && body.next().await?.is_some() {
        return Err(Refusal::tag("concurrent_session_data_not_allowed").into());
    }
    let session = service.sessions.start(&caller.account.id, concurrent, service.clock.seconds())?;
    let append = Append { offset: 0, close, content_hash: content_hash.as_deref(), switches: service.switches() };
    if !concurrent && let Err(error) = session.append(body, &append).await {
        service.sessions.forget(&session.id);
        return Err(append_stop(error));
    }
    Ok(json!({ "session_id": session.id }))
}

/// `files/upload_session/append`, whose argument is the bare cursor.
pub(crate) async fn append(service: &Service, caller: &Caller, arg: At, body: &mut RequestBody) -> Result<Value, Stop> {
    let cursor = SessionCursor::read(arg)?;
    append_at(service, caller, &cursor, false, None, body).await
}

/// `files/upload_session/append_v2`
pub(crate) async fn append_v2(
    service: &Service,
    caller: &Caller,
    arg: At,
    body: &mut RequestBody,
) -> Result<Value, Stop> {
    let mut fields = arg.fields()?;
    let cursor = fields.required("cursor", SessionCursor::read)?;
    let close = fields.defaulted("close", false, At::boolean)?;
    let content_hash = fields.optional("content_hash", At::sha256)?;
    fields.end()?;
    append_at(service, caller, &cursor, close, content_hash.as_deref(), body).await
}

async fn append_at(
    service: &Service,
    caller: &Caller,
    cursor: &SessionCursor,
    close: bool,
    content_hash: Option<&str>,
    body: &mut RequestBody,
) -> Result<Value, Stop> {
    append_bytes(service, caller, cursor, close, content_hash, body).await.map_err(append_stop)?;
    Ok(Value::Null)
}

/// Appends a body to a session that is not committed.
pub(crate) async fn append_bytes(
    service: &Service,
    caller: &Caller,
    cursor: &SessionCursor,
    close: bool,
    content_hash: Option<&str>,
    body: &mut RequestBody,
) -> Result<(), AppendError> {
    let session = find(service, caller, &cursor.session_id).ok_or(AppendError::NotFound)?;
    let _turn = match session.concurrent {
        true => None,
        false => Some(session.turn().await.ok_or_else(|| AppendError::IncorrectOffset(session.length()))?),
    };
    let switches = service.switches();
    if session.committed().is_some() && switches.finish_again == FinishAgain::NotFound {
        return Err(AppendError::NotFound);
    }
    session.append(body, &Append { offset: cursor.offset, close, content_hash, switches }).await
}

/// `files/upload_session/finish`
pub(crate) async fn finish(
    service: &Arc<Service>,
    caller: &Caller,
    arg: At,
    body: &mut RequestBody,
) -> Result<Value, Stop> {
    let mut fields = arg.fields()?;
    let cursor = fields.required("cursor", SessionCursor::read)?;
    let info = fields.required("commit", CommitInfo::whole)?;
    let content_hash = fields.optional("content_hash", At::sha256)?;
    fields.end()?;
    let session = find(service, caller, &cursor.session_id).ok_or_else(|| lookup_failed("not_found"))?;
    let Some(_turn) = session.turn().await else { return Err(incorrect_offset(session.length()).into()) };
    if let Some(answer) = finished(service, &session)? {
        return Ok(answer);
    }
    let before = body.taken;
    if session.concurrent || session.is_closed() {
        if body.next().await?.is_some() {
            let refusal = if session.concurrent {
                Refusal::tag("concurrent_session_data_not_allowed")
            } else {
                lookup_failed("closed")
            };
            return Err(refusal.into());
        }
    } else {
        let append = Append {
            offset: cursor.offset,
            close: false,
            content_hash: content_hash.as_deref(),
            switches: service.switches(),
        };
        session.append(body, &append).await.map_err(finish_stop)?;
    }
    check_ready(&session, cursor.offset + (body.taken - before))?;
    let (service, caller) = (Arc::clone(service), caller.clone());
    let committing = Arc::clone(&session);
    let committed = tokio::task::spawn_blocking(move || commit(&service, &caller, &committing, &info)).await;
    match committed {
        Ok(Ok(metadata)) => Ok(metadata),
        Ok(Err(crate::files::commit::WriteError::TooManyWriteOperations)) => {
            Err(Refusal::tag("too_many_write_operations").into())
        }
        Ok(Err(error)) => Err(Refusal::write(error).into()),
        Err(_panicked) => Err(Stop::Cut),
    }
}

/// Whether every byte is there. `reached` is where the client thinks the end is.
pub(crate) fn check_ready(session: &Session, reached: u64) -> Result<(), Refusal> {
    if session.concurrent && !session.is_closed() {
        return Err(Refusal::tag("concurrent_session_not_closed"));
    }
    if !session.is_complete() {
        return Err(Refusal::tag("concurrent_session_missing_data"));
    }
    if reached == session.length() { Ok(()) } else { Err(incorrect_offset(session.length())) }
}

/// What a second finish is told, by the switch; `None` for the first.
pub(crate) fn finished(service: &Service, session: &Session) -> Result<Option<Value>, Refusal> {
    match (session.committed(), service.switches().finish_again) {
        (None, _) => Ok(None),
        (Some(answer), FinishAgain::Idempotent) => Ok(Some(answer)),
        (Some(_), FinishAgain::NotFound) => Err(lookup_failed("not_found")),
        (Some(_), FinishAgain::Closed) => Err(lookup_failed("closed")),
    }
}

/// The caller's session, after the faults that happen to sessions.
pub(crate) fn find(service: &Service, caller: &Caller, id: &str) -> Option<Arc<Session>> {
    if matches!(caller.fault, Some(Fault::ExpireSession)) {
        service.sessions.forget(id);
    }
    let session = service.sessions.find(id, &caller.account.id, service.clock.seconds(), service.session_days())?;
    if let Some(Fault::LoseBytes { bytes }) = caller.fault
        && let Err(error) = session.lose(bytes)
    {
        tracing::error!(%error, "The session could not be shortened");
    }
    Some(session)
}

pub(crate) fn lookup_failed(tag: &str) -> Refusal {
    Refusal::nested("lookup_failed", &json!({ ".tag": tag }))
}

fn incorrect_offset(correct: u64) -> Refusal {
    Refusal::nested("lookup_failed", &json!({ ".tag": "incorrect_offset", "correct_offset": correct }))
}

/// An append's failure as `UploadSessionAppendError`, or no answer at all.
pub(crate) fn append_error(error: AppendError) -> Result<Value, Stop> {
    let tag = match error {
        AppendError::IncorrectOffset(correct) => {
            return Ok(json!({ ".tag": "incorrect_offset", "correct_offset": correct }));
        }
        AppendError::NotFound => "not_found",
        AppendError::Closed => "closed",
        AppendError::TooLarge => "too_large",
        AppendError::InvalidOffset => "concurrent_session_invalid_offset",
        AppendError::InvalidSize => "concurrent_session_invalid_data_size",
        AppendError::PayloadTooLarge => "payload_too_large",
        AppendError::HashMismatch => "content_hash_mismatch",
        AppendError::Ended => return Err(Stop::Cut),
        AppendError::Broken(error) => return Err(Refusal::Broken(error).into()),
    };
    Ok(json!({ ".tag": tag }))
}

fn append_stop(error: AppendError) -> Stop {
    append_error(error).map_or_else(|stop| stop, |value| Refusal::Route(value).into())
}

/// At a finish the session's own troubles are wrapped, those of the body are not.
fn finish_stop(error: AppendError) -> Stop {
    let of_body = matches!(error, AppendError::PayloadTooLarge | AppendError::HashMismatch);
    match append_error(error) {
        Err(stop) => stop,
        Ok(value) if of_body => Refusal::Route(value).into(),
        Ok(value) => Refusal::Route(nest("lookup_failed", &value)).into(),
    }
}
