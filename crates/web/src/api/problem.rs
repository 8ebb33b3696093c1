//! What the API says when it cannot do what was asked (RFC 9457).

use std::time::Duration;

use actix_web::{
    HttpResponse, ResponseError,
    http::{
        StatusCode,
        header::{ALLOW, RETRY_AFTER, WWW_AUTHENTICATE},
    },
};
use serde::Serialize;
use sluice_domain::{BadRequest, FailureKind};
use sluice_queue::QueueError;
use sluice_store::{Scope, StoreError};
use thiserror::Error;

use crate::{
    body::BodyFault,
    error::RETRY_SECONDS,
    limits::{NotNow, seconds},
    live::Busy,
    preview::NoPreview,
    save::{NoFile, about_the_link},
};

/// Everything that can stand in the way of a call. The text of each is for people.
#[derive(Debug, Error)]
pub(crate) enum Problem {
    /// No token, or one that is not good.
    #[error("Give an API token: `Authorization: Bearer slc_…`. Make one under Settings.")]
    NoToken,
    /// A token that may do other things.
    #[error("This token may not do that: it takes one with the scope {0}, or all. Make one under Settings.")]
    Scope(Scope),
    /// Asked too often; how long to wait.
    #[error("That was more than this server takes at once. Go on in {} s.", seconds(*.0))]
    TooOften(Duration),
    /// No such job, or somebody else's; no such address.
    #[error("There is no such thing, or it is not yours.")]
    NotFound,
    /// A method that this address does not know; those that it does.
    #[error("This address does not know this method, but these: {allowed}.")]
    NoMethod { allowed: &'static str },
    /// The body is no JSON of the shape asked for.
    #[error("The body is not the JSON that is asked for: {0}")]
    BadJson(String),
    /// The query is not understood.
    #[error("{0}")]
    BadQuery(&'static str),
    /// The body.
    #[error("{}", match .0 { BodyFault::TooLarge => "The body is larger than 256 KiB.", BodyFault::TooSlow | BodyFault::Broken => "The body did not arrive in time." })]
    Body(#[from] BodyFault),
    /// A value.
    #[error(transparent)]
    BadRequest(#[from] BadRequest),
    /// The job has moved on.
    #[error("{0}")]
    Conflict(String),
    /// The backlog of this account is full.
    #[error("{0}")]
    Full(String),
    /// Redis cannot be reached.
    #[error("The server cannot reach its memory just now. Nothing was lost; try again in a moment.")]
    Unavailable,
    /// Too many listeners.
    #[error("Too many clients are listening. Try again in a moment.")]
    Busy,
    /// What is behind the link cannot be told; why, for people.
    #[error(transparent)]
    NoPreview(#[from] NoPreview),
    /// There is no file for the program that asks.
    #[error(transparent)]
    NoFile(#[from] NoFile),
    /// Our fault; the reason is in the log only.
    #[error("Something went wrong on our side.")]
    Internal,
}

/// The document.
#[derive(Serialize)]
struct Document<'a> {
    r#type: &'static str,
    title: &'a str,
    status: u16,
    detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<FailureKind>,
}

impl Problem {
    fn field(&self) -> Option<&'static str> {
        match self {
            Self::BadRequest(BadRequest::Url(_)) => Some("url"),
            Self::BadRequest(BadRequest::Preset(_)) => Some("preset"),
            Self::BadRequest(BadRequest::Folder(_)) => Some("folder"),
            Self::BadRequest(BadRequest::IdempotencyKey) => Some("idempotency_key"),
            _ if self.status_code() == StatusCode::UNPROCESSABLE_ENTITY => Some("url"),
            _ => None,
        }
    }

    /// What the site said, in a word.
    fn kind(&self) -> Option<FailureKind> {
        match self {
            Self::NoPreview(NoPreview::Failed(failure)) => Some(failure.kind),
            Self::NoFile(error) => error.kind(),
            _ => None,
        }
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::NoToken => StatusCode::UNAUTHORIZED,
            Self::Scope(_) => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::NoMethod { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Self::BadJson(_) | Self::BadQuery(_) => StatusCode::BAD_REQUEST,
            Self::Body(BodyFault::TooLarge) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Body(BodyFault::TooSlow | BodyFault::Broken) => StatusCode::REQUEST_TIMEOUT,
            Self::BadRequest(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Conflict(_) => StatusCode::CONFLICT,
            Self::Full(_) | Self::TooOften(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::NoPreview(NoPreview::Failed(failure)) => about_the_link(failure),
            Self::NoFile(error) => error.status(),
            Self::NoPreview(NoPreview::Busy) => StatusCode::TOO_MANY_REQUESTS,
            Self::NoPreview(NoPreview::Replaced) => StatusCode::CONFLICT,
            Self::Unavailable | Self::Busy | Self::NoPreview(NoPreview::Unavailable) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn error_response(&self) -> HttpResponse {
        let status = self.status_code();
        let mut response = HttpResponse::build(status);
        if status == StatusCode::SERVICE_UNAVAILABLE || status == StatusCode::TOO_MANY_REQUESTS {
            response.insert_header((RETRY_AFTER, RETRY_SECONDS));
        }
        match self {
            Self::TooOften(wait) => {
                response.insert_header((RETRY_AFTER, seconds(*wait)));
            }
            Self::NoMethod { allowed } => {
                response.insert_header((ALLOW, *allowed));
            }
            Self::NoToken => {
                response.insert_header((WWW_AUTHENTICATE, "Bearer"));
            }
            // RFC 6750, section 3.1.
            Self::Scope(scope) => {
                let wanted = format!("Bearer error=\"insufficient_scope\", scope=\"{scope}\"");
                response.insert_header((WWW_AUTHENTICATE, wanted));
            }
            _ => {}
        }
        let document = Document {
            r#type: "about:blank",
            title: status.canonical_reason().unwrap_or("Problem"),
            status: status.as_u16(),
            detail: self.to_string(),
            field: self.field(),
            kind: self.kind(),
        };
        response.insert_header(("content-type", "application/problem+json")).json(document)
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        if error.is_unavailable() {
            return Self::Unavailable;
        }
        tracing::error!("A call failed: {error}");
        Self::Internal
    }
}

impl From<QueueError> for Problem {
    fn from(error: QueueError) -> Self {
        match error {
            QueueError::Store(error) => error.into(),
            error @ QueueError::Full { .. } => Self::Full(error.to_string()),
            error => Self::Conflict(error.to_string()),
        }
    }
}

impl From<NotNow> for Problem {
    fn from(error: NotNow) -> Self {
        match error {
            NotNow::TooOften(wait) => Self::TooOften(wait),
            NotNow::Store(error) => error.into(),
        }
    }
}

impl From<Busy> for Problem {
    fn from(_: Busy) -> Self {
        Self::Busy
    }
}
