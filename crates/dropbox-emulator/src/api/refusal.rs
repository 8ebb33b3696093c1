//! Every way in which a call is refused, and its exact wording on the wire.
//!
//! `.tag` is always the first key and a nested value the second (some clients read them by position); the summary is
//! derived from the tags, so the two cannot contradict each other.

use http::header::{CONTENT_RANGE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderName, StatusCode};
use serde_json::{Value, json};

use crate::api::argument::BadArgument;
use crate::chance;
use crate::error::Error;
use crate::files::commit::{Conflict, WriteError};
use crate::files::names::MalformedPath;
use crate::wire::answer::{Answer, TEXT, answer, json as json_answer, set};

/// A refused call.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// 400: a wrong argument, before it is said where it was found.
    BadArgument(String),
    /// 400: a text that names the route.
    BadCall(String),
    /// 400: a text that stands by itself.
    BadRequest(String),
    /// 401: `auth.AuthError`.
    Unauthorized(Value),
    /// 403: `auth.AccessError`.
    Forbidden(Value),
    /// 409: the route's own error.
    Route(Value),
    /// 409 with a text for the user.
    RouteWithMessage(Value, String),
    /// 422: `common.PathRootError`.
    PathRoot(Value),
    /// 429.
    Busy(Busy),
    /// 416: the range is outside a file of this size.
    NotSatisfiable(u64),
    /// An answer of the edge in front of the API, as a fault scripts it.
    Edge { status: StatusCode, body: String, content_type: String, retry_after: Option<u64> },
    /// 500: the emulator's own failure, which is also logged.
    Broken(Error),
}

/// The shapes of 429 that have been seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Busy {
    /// JSON with `retry_after`.
    Json { reason: String, retry_after: u64 },
    /// JSON without `retry_after`, the header only when given.
    JsonWithoutRetry { reason: String, retry_after: Option<u64> },
    /// A plain text.
    Text { retry_after: Option<u64> },
}

impl Refusal {
    /// A route error that is a bare tag.
    pub(crate) fn tag(tag: &str) -> Self {
        Self::Route(json!({ ".tag": tag }))
    }

    /// A route error that wraps another union.
    pub(crate) fn nested(tag: &str, inner: &Value) -> Self {
        Self::Route(nest(tag, inner))
    }

    pub(crate) fn auth(tag: &str) -> Self {
        Self::Unauthorized(json!({ ".tag": tag }))
    }

    /// Says where a wrong argument was found.
    pub(crate) fn located(self, place: &str) -> Self {
        match self {
            Self::BadArgument(text) => Self::BadCall(format!("{place}: {text}")),
            other => other,
        }
    }

    /// A file operation that failed, for routes whose error wraps a `WriteError` in `path`.
    pub(crate) fn write(error: WriteError) -> Self {
        match write_error(error) {
            Ok(value) => Self::nested("path", &value),
            Err(broken) => Self::Broken(broken),
        }
    }

    /// The answer on the wire; `route` as Dropbox spells it in texts.
    pub(crate) fn answer(&self, route: &str) -> Answer {
        match self {
            Self::BadArgument(text) | Self::BadCall(text) => {
                answer(StatusCode::BAD_REQUEST, TEXT, format!("Error in call to API function \"{route}\": {text}"))
            }
            Self::BadRequest(text) => answer(StatusCode::BAD_REQUEST, TEXT, text.clone()),
            Self::Unauthorized(error) => {
                let mut answer = json_answer(StatusCode::UNAUTHORIZED, &envelope(error));
                set(&mut answer, WWW_AUTHENTICATE, "Bearer realm=\"Dropbox-API\"");
                answer
            }
            Self::Forbidden(error) => {
                let text = "Your team has used up its API upload calls for this month.";
                json_answer(StatusCode::FORBIDDEN, &with_message(envelope(error), text))
            }
            Self::Route(error) => json_answer(StatusCode::CONFLICT, &envelope(error)),
            Self::RouteWithMessage(error, text) => {
                json_answer(StatusCode::CONFLICT, &with_message(envelope(error), text))
            }
            Self::PathRoot(error) => json_answer(StatusCode::UNPROCESSABLE_ENTITY, &envelope(error)),
            Self::Busy(busy) => busy.answer(),
            Self::NotSatisfiable(size) => {
                let mut answer =
                    answer(StatusCode::RANGE_NOT_SATISFIABLE, TEXT, "The requested range is not satisfiable");
                set(&mut answer, CONTENT_RANGE, &format!("bytes */{size}"));
                answer
            }
            Self::Edge { status, body, content_type, retry_after } => {
                with_retry(answer(*status, content_type, body.clone()), *retry_after)
            }
            Self::Broken(_) => answer(StatusCode::INTERNAL_SERVER_ERROR, TEXT, ""),
        }
    }
}

impl Busy {
    fn answer(&self) -> Answer {
        const STATUS: StatusCode = StatusCode::TOO_MANY_REQUESTS;
        match self {
            Self::Json { reason, retry_after } => {
                let error = json!({ "reason": { ".tag": reason }, "retry_after": retry_after });
                with_retry(json_answer(STATUS, &summarised(reason, &error)), Some(*retry_after))
            }
            Self::JsonWithoutRetry { reason, retry_after } => {
                let error = json!({ "reason": { ".tag": reason } });
                with_retry(json_answer(STATUS, &summarised(reason, &error)), *retry_after)
            }
            Self::Text { retry_after } => with_retry(answer(STATUS, TEXT, "Too many requests."), *retry_after),
        }
    }
}

impl From<BadArgument> for Refusal {
    fn from(BadArgument(text): BadArgument) -> Self {
        Self::BadArgument(text)
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Broken(error)
    }
}

/// A union member that holds a union: nested under a key named like the tag.
pub(crate) fn nest(tag: &str, inner: &Value) -> Value {
    json!({ ".tag": tag, tag: inner })
}

/// `files.WriteError`, or the emulator's own failure.
pub(crate) fn write_error(error: WriteError) -> Result<Value, Error> {
    let tag = match error {
        WriteError::MalformedPath => "malformed_path",
        WriteError::DisallowedName => "disallowed_name",
        WriteError::InsufficientSpace => "insufficient_space",
        WriteError::TooManyWriteOperations => "too_many_write_operations",
        WriteError::Conflict(conflict) => {
            let what = match conflict {
                Conflict::File => "file",
                Conflict::Folder => "folder",
                Conflict::FileAncestor => "file_ancestor",
            };
            return Ok(nest("conflict", &json!({ ".tag": what })));
        }
        WriteError::Broken(error) => return Err(error),
    };
    Ok(json!({ ".tag": tag }))
}

impl From<MalformedPath> for WriteError {
    fn from(_: MalformedPath) -> Self {
        Self::MalformedPath
    }
}

/// `{"error_summary": ..., "error": ...}`.
fn envelope(error: &Value) -> Value {
    summarised(&tags(error), error)
}

fn summarised(tags: &str, error: &Value) -> Value {
    json!({ "error_summary": format!("{tags}/{}", chance::dots()), "error": error })
}

fn with_message(mut envelope: Value, text: &str) -> Value {
    if let Some(envelope) = envelope.as_object_mut() {
        envelope.insert("user_message".into(), json!({ "locale": "en", "text": text }));
    }
    envelope
}

/// The tags from the outside in, joined with slashes.
fn tags(error: &Value) -> String {
    let Some(tag) = error.get(".tag").and_then(Value::as_str) else { return "other".into() };
    // A flattened struct (UploadWriteFailed) keeps its union in `reason`; `metadata` holds a struct, not a reason.
    let inner = error.get(tag).or_else(|| error.get("reason")).filter(|inner| inner.get(".tag").is_some());
    match inner {
        Some(inner) if tag != "metadata" => format!("{tag}/{}", tags(inner)),
        Some(_) | None => tag.to_owned(),
    }
}

fn with_retry(mut answer: Answer, seconds: Option<u64>) -> Answer {
    if let Some(seconds) = seconds {
        set(&mut answer, RETRY_AFTER, &seconds.to_string());
    }
    answer
}

/// Header with the result of a download.
pub(crate) const API_RESULT: HeaderName = HeaderName::from_static("dropbox-api-result");

#[cfg(test)]
mod tests {
    use super::*;

    fn check(error: &Value, expected: &str) {
        assert_eq!(tags(error), expected);
        let text = envelope(error).to_string();
        assert!(text.starts_with(&format!(r#"{{"error_summary":"{expected}/"#)), "{text}");
    }

    #[test]
    fn summaries_name_the_tags() {
        check(&json!({".tag": "closed"}), "closed");
        check(&json!({".tag": "incorrect_offset", "correct_offset": 5}), "incorrect_offset");
        check(
            &nest("lookup_failed", &json!({".tag": "incorrect_offset", "correct_offset": 5})),
            "lookup_failed/incorrect_offset",
        );
        check(&nest("path", &nest("conflict", &json!({".tag": "file"}))), "path/conflict/file");
        check(
            &json!({".tag": "path", "reason": {".tag": "insufficient_space"}, "upload_session_id": "x"}),
            "path/insufficient_space",
        );
        check(
            &nest("shared_link_already_exists", &nest("metadata", &json!({".tag": "file"}))),
            "shared_link_already_exists/metadata",
        );
    }

    #[test]
    fn tags_come_first() {
        let error = nest("lookup_failed", &json!({".tag": "incorrect_offset", "correct_offset": 5}));
        let expected = r#"{".tag":"lookup_failed","lookup_failed":{".tag":"incorrect_offset","correct_offset":5}}"#;
        assert_eq!(error.to_string(), expected);
    }
}
