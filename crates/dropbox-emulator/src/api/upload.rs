//! `files/upload`: a whole small file in one request.
//!
//! Inside it is a session of one append, which is also what a refused one leaves behind: the error names it, and a
//! finish can commit it later.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::api::argument::At;
use crate::api::call::Stop;
use crate::api::caller::Caller;
use crate::api::commit_info::{CommitInfo, commit};
use crate::api::refusal::{Refusal, write_error};
use crate::api::session_routes::append_error;
use crate::service::Service;
use crate::sessions::append::{Append, AppendError};
use crate::wire::body::RequestBody;

/// `files/upload`
pub(crate) async fn upload(
    service: &Arc<Service>,
    caller: &Caller,
    arg: At,
    body: &mut RequestBody,
) -> Result<Value, Stop> {
    let mut fields = arg.fields()?;
    let info = CommitInfo::read(&mut fields)?;
    let content_hash = fields.optional("content_hash", At::sha256)?;
    fields.end()?;
    let session = service.sessions.start(&caller.account.id, false, service.clock.seconds())?;
    let append =
        Append { offset: 0, close: false, content_hash: content_hash.as_deref(), switches: service.switches() };
    if let Err(error) = session.append(body, &append).await {
        service.sessions.forget(&session.id);
        return Err(refused(error));
    }
    let (committing, inside, caller) = (Arc::clone(&session), Arc::clone(service), caller.clone());
    let committed = tokio::task::spawn_blocking(move || commit(&inside, &caller, &committing, &info)).await;
    match committed {
        Ok(Ok(metadata)) => {
            // Nobody knows this session's id, so nobody can come back for it.
            service.sessions.forget(&session.id);
            Ok(metadata)
        }
        Ok(Err(error)) => {
            let reason = write_error(error)?;
            let failed = json!({ ".tag": "path", "reason": reason, "upload_session_id": session.id });
            Err(Refusal::Route(failed).into())
        }
        Err(_panicked) => Err(Stop::Cut),
    }
}

fn refused(error: AppendError) -> Stop {
    append_error(error).map_or_else(|stop| stop, |value| Refusal::Route(value).into())
}
