//! What an answer means, whatever the route: judged by the recorded status first, by the body second.
//!
//! Source of the table: Dropbox, "Error handling guide", and what its users met (texts instead of JSON on 429, empty 5xx, "Unknown API
//! function" for known routes during an outage).

use std::time::Duration;

use dropbox_sdk::Error;
use serde::Deserialize;
use sluice_domain::{Failure, FailureKind};

use crate::{
    call::Record,
    wire::{self, Answer},
};

/// Something that may pass: the same call can be repeated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// The request certainly did not arrive.
    Unreachable(String),
    /// Nobody knows whether it took effect: cut, timed out, 5xx, or an answer that cannot be read.
    Lost(String),
    /// 429. Dropbox may have named a time.
    Busy(Option<Duration>),
    /// Somebody writes to the account at this moment.
    Locked(Option<Duration>),
    /// The account waits because another call was told to.
    Paused(Duration),
    /// The access token is no longer good. It has been forgotten; the next call gets a new one.
    Expired,
    /// Dropbox claims not to know the route.
    Outage(String),
}

/// Why a call has no answer.
#[derive(Debug)]
pub(crate) enum CallError<P> {
    /// The route refused (409). What that means depends on the route.
    Refused(P, Said),
    /// The body was too large for one request.
    TooBig,
    /// It may pass.
    Trouble(Trouble),
    /// It will not, whatever the route.
    Failed(Failure),
}

/// Dropbox's own words, for the log; and for the person where Dropbox has some for them.
#[derive(Debug, Default)]
pub(crate) struct Said {
    pub(crate) detail: String,
    pub(crate) to_user: Option<String>,
}

impl Said {
    /// As a failure of this kind, with our sentence unless Dropbox has its own.
    pub(crate) fn failure(self, kind: FailureKind, sentence: impl Into<String>) -> Failure {
        Failure::new(kind, self.detail).permanent().explained(self.to_user.unwrap_or_else(|| sentence.into()))
    }
}

#[derive(Deserialize, Default)]
struct Envelope {
    #[serde(default)]
    error_summary: String,
    #[serde(default)]
    error: serde_json::Value,
    user_message: Option<UserMessage>,
}

#[derive(Deserialize)]
struct UserMessage {
    text: String,
}

/// Judges what the SDK made of a call by what really came back.
pub(crate) fn judge<T, P>(route: &str, result: Result<T, Error<P>>, record: Record) -> Result<T, CallError<P>>
where
    P: std::error::Error,
{
    let error = match result {
        Ok(value) => return Ok(value),
        Err(error) => error,
    };
    Err(match (error, record) {
        (Error::Api(problem), Record::Answered(answer)) if answer.status == 409 => {
            CallError::Refused(problem, said(route, &answer, &envelope(&answer)))
        }
        (error, Record::Answered(answer)) => by_status(route, &answer, &error.to_string()),
        (_, Record::Cut(cut)) if cut.unsent => {
            CallError::Trouble(Trouble::Unreachable(format!("{route}: {}", cut.why)))
        }
        (_, Record::Cut(cut)) => CallError::Trouble(Trouble::Lost(format!("{route}: {}", cut.why))),
        (error, Record::Nothing) => CallError::Failed(Failure::internal(format!("{route}: {error}"))),
    })
}

fn by_status<P>(route: &str, answer: &Answer, unreadable: &str) -> CallError<P> {
    let envelope = envelope(answer);
    let said = said(route, answer, &envelope);
    let tag = tag(&envelope.error);
    match answer.status {
        // The call may have taken effect; what it led to is unknown.
        200..300 => CallError::Trouble(Trouble::Lost(format!("{route}: {unreadable}"))),
        400 => bad_request(answer, said),
        401 => unauthorized(tag, &envelope, said),
        403 => CallError::Failed(
            said.failure(FailureKind::DropboxRefused, "Your type of Dropbox account does not allow this."),
        ),
        409 => CallError::Failed(refused(said)),
        413 => CallError::TooBig,
        429 => {
            let named = || envelope.error.get("retry_after").and_then(serde_json::Value::as_u64).and_then(wire::wait);
            let asked = answer.retry_after.or_else(named);
            let locked =
                envelope.error.get("reason").is_some_and(|reason| self::tag(reason) == "too_many_write_operations");
            CallError::Trouble(if locked { Trouble::Locked(asked) } else { Trouble::Busy(asked) })
        }
        408 | 500..600 => CallError::Trouble(Trouble::Lost(said.detail)),
        _ => CallError::Failed(Failure::internal(said.detail).permanent()),
    }
}

fn unauthorized<P>(tag: &str, envelope: &Envelope, said: Said) -> CallError<P> {
    match tag {
        "invalid_access_token" | "user_suspended" => CallError::Failed(disconnected(&said.detail)),
        "missing_scope" => {
            let scope = envelope.error.get("required_scope").and_then(serde_json::Value::as_str).unwrap_or("unknown");
            CallError::Failed(missing_scope(&format!("required scope {scope}: {}", said.detail)))
        }
        "route_access_denied" | "invalid_select_user" | "invalid_select_admin" => CallError::Failed(refused(said)),
        // `expired_access_token`; and whatever else a 401 says, a new token is the one thing to try.
        _ => CallError::Trouble(Trouble::Expired),
    }
}

/// A 400 is our mistake, with two exceptions that only its text tells apart.
fn bad_request<P>(answer: &Answer, said: Said) -> CallError<P> {
    let text = String::from_utf8_lossy(&answer.body);
    if text.contains("Unknown API function") {
        CallError::Trouble(Trouble::Outage(said.detail))
    } else if text.contains("required scope") {
        CallError::Failed(missing_scope(&said.detail))
    } else {
        CallError::Failed(Failure::internal(said.detail).permanent())
    }
}

/// A refusal that we do not know. Refusals are final unless the status says otherwise.
pub(crate) fn refused(said: Said) -> Failure {
    said.failure(FailureKind::DropboxRefused, FailureKind::DropboxRefused.user_message())
}

/// The person has to connect again.
pub(crate) fn disconnected(detail: &str) -> Failure {
    Failure::new(FailureKind::DropboxDisconnected, detail)
}

fn missing_scope(detail: &str) -> Failure {
    disconnected(detail)
        .explained("Sluice needs another permission in your Dropbox. Connect your Dropbox again, then retry.")
}

fn envelope(answer: &Answer) -> Envelope {
    serde_json::from_slice(&answer.body).unwrap_or_default()
}

fn tag(value: &serde_json::Value) -> &str {
    value.get(".tag").and_then(serde_json::Value::as_str).unwrap_or_default()
}

fn said(route: &str, answer: &Answer, envelope: &Envelope) -> Said {
    let id = answer.request_id.as_deref().unwrap_or("none");
    let body: String = String::from_utf8_lossy(&answer.body).chars().take(500).collect();
    let summary = &envelope.error_summary;
    Said {
        detail: format!("{route}: HTTP {} {summary} (request {id}): {body}", answer.status),
        to_user: envelope.user_message.as_ref().map(|message| message.text.chars().take(300).collect()),
    }
}

#[cfg(test)]
mod tests;
