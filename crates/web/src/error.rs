//! What a page says when it cannot do what was asked. Each variant is one plain message with one way on.
//!
//! The reason for the operator is logged here, once; the person never sees it.

use std::time::Duration;

use actix_web::{
    HttpResponse, ResponseError,
    http::{
        StatusCode,
        header::{LOCATION, RETRY_AFTER},
    },
};
use askama::Template;
use sluice_domain::FailureKind;
use sluice_queue::QueueError;
use sluice_store::StoreError;
use thiserror::Error;
use url::form_urlencoded;

use crate::{
    body::BodyFault,
    limits::{NotNow, seconds},
    save::NoFile,
    view::{Form, Frame, Go, Later, Message},
};

/// Seconds after which trying again makes sense while Redis is away.
pub(crate) const RETRY_SECONDS: &str = "5";

/// Everything that can stand in the way of a page.
#[derive(Debug, Error)]
pub(crate) enum PageError {
    /// No session, or one that has ended; where to go after signing in.
    #[error("not signed in")]
    SignedOut { return_to: String },
    /// No such page, no such job, or somebody else's.
    #[error("not found")]
    NotFound,
    /// The form does not carry the session's token.
    #[error("the form is stale")]
    Stale,
    /// The body of the request.
    #[error(transparent)]
    Body(#[from] BodyFault),
    /// Signing in came to nothing.
    #[error("sign-in: {0:?}")]
    SignIn(SignInFault),
    /// Redis cannot be reached; what was typed, to be kept.
    #[error("redis cannot be reached")]
    Unavailable { form: Option<Box<Form>> },
    /// Asked too often; how long to wait, and what was typed, to be kept.
    #[error("asked too often")]
    TooOften { wait: Duration, form: Option<Box<Form>> },
    /// The queue does not take it; why, for people.
    #[error("{0}")]
    Refused(String),
    /// Too many live pages at once.
    #[error("too many live pages")]
    Busy,
    /// There is no file for the device that asks.
    #[error(transparent)]
    NoFile(#[from] NoFile),
    /// Our fault.
    #[error("internal: {0}")]
    Internal(String),
}

/// Why somebody could not be signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SignInFault {
    /// They said no on Dropbox's page.
    Denied,
    /// The state is unknown, used, too old, or was begun in another browser.
    Expired,
    /// Dropbox did not give the connection.
    Dropbox(FailureKind),
    /// Not on the list of `access.accounts`.
    NotInvited { account: String },
}

impl From<askama::Error> for PageError {
    fn from(error: askama::Error) -> Self {
        Self::Internal(error.to_string())
    }
}

impl From<StoreError> for PageError {
    fn from(error: StoreError) -> Self {
        if error.is_unavailable() { Self::Unavailable { form: None } } else { Self::Internal(error.to_string()) }
    }
}

impl From<QueueError> for PageError {
    fn from(error: QueueError) -> Self {
        match error {
            QueueError::Store(error) => error.into(),
            other => Self::Refused(other.to_string()),
        }
    }
}

impl From<NotNow> for PageError {
    fn from(error: NotNow) -> Self {
        match error {
            NotNow::TooOften(wait) => Self::TooOften { wait, form: None },
            NotNow::Store(error) => error.into(),
        }
    }
}

impl PageError {
    /// The way to the sign-in that ends at `return_to`.
    pub(crate) fn signed_out(return_to: &str) -> Self {
        Self::SignedOut { return_to: return_to.to_owned() }
    }

    fn message(&self) -> (StatusCode, &'static str, String, Option<Go>) {
        let home = Some(Go { word: "To your downloads", href: "/" });
        let again = Some(Go { word: "Connect your Dropbox", href: "/login" });
        let (status, heading, message, go) = match self {
            Self::NotFound | Self::SignedOut { .. } => {
                (StatusCode::NOT_FOUND, "Nothing here.", "There is no such page, or it is not yours.", home)
            }
            Self::Stale => (
                StatusCode::FORBIDDEN,
                "This form is out of date.",
                "It was opened before you signed in, or comes from another site. Nothing was done. Open the page again and repeat it.",
                home,
            ),
            Self::Body(BodyFault::TooLarge) => (
                StatusCode::PAYLOAD_TOO_LARGE,
                "That is too much text.",
                "A link has a few hundred characters. Paste just the links, one on each line.",
                home,
            ),
            Self::Body(BodyFault::TooSlow | BodyFault::Broken) => (
                StatusCode::REQUEST_TIMEOUT,
                "That took too long.",
                "The connection was too slow or broke off. Try again.",
                home,
            ),
            Self::SignIn(SignInFault::Denied) => (
                StatusCode::FORBIDDEN,
                "Not connected.",
                "You did not allow it, so Sluice has no access to your Dropbox. You can change your mind at any time.",
                again,
            ),
            Self::SignIn(SignInFault::Expired) => (
                StatusCode::BAD_REQUEST,
                "This sign-in has expired.",
                "It took longer than ten minutes, was used already, or began in another browser. Start again.",
                again,
            ),
            Self::SignIn(SignInFault::Dropbox(
                FailureKind::DropboxBusy | FailureKind::Network | FailureKind::TimedOut,
            )) => (
                StatusCode::BAD_GATEWAY,
                "Dropbox did not answer.",
                "Dropbox is busy or cannot be reached just now. Try again in a minute.",
                again,
            ),
            Self::SignIn(SignInFault::Dropbox(_)) => (
                StatusCode::BAD_GATEWAY,
                "Dropbox did not connect.",
                "Dropbox did not accept this sign-in. Start again; if it happens again, tell whoever runs this server.",
                again,
            ),
            Self::SignIn(SignInFault::NotInvited { account }) => {
                let message = format!(
                    "This server is for invited accounts only. Give your account id to whoever runs it: {account}"
                );
                return (StatusCode::FORBIDDEN, "Not on the list.", message, None);
            }
            Self::NoFile(error) => return (error.status(), "This cannot be saved.", error.to_string(), home),
            Self::Refused(message) => return (StatusCode::CONFLICT, "Not now.", message.clone(), home),
            Self::Unavailable { .. } => (
                StatusCode::SERVICE_UNAVAILABLE,
                "One moment, please.",
                "The server cannot reach its memory just now. Nothing was lost: what was accepted before is safe and goes on by itself.",
                home,
            ),
            Self::TooOften { wait, .. } => {
                let message = format!(
                    "That was more than this server takes at once. Nothing was lost. Go on in {}.",
                    told(*wait)
                );
                return (StatusCode::TOO_MANY_REQUESTS, "Not so fast.", message, home);
            }
            Self::Busy => (
                StatusCode::SERVICE_UNAVAILABLE,
                "Too busy.",
                "Too many pages are open on this server. Reload this one in a moment.",
                home,
            ),
            Self::Internal(_) => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "Something went wrong.",
                "It is our fault, and nothing was lost. Try again; if it happens again, tell whoever runs this server.",
                home,
            ),
        };
        (status, heading, message.to_owned(), go)
    }

    fn page(&self, heading: &'static str, message: String, go: Option<Go>) -> String {
        let frame = Frame::new(None);
        let page = match self {
            Self::Unavailable { form } | Self::TooOften { form, .. } => {
                Later { frame, heading, message, form: form.as_deref().cloned() }.render()
            }
            _ => Message { frame, heading, message, go }.render(),
        };
        page.unwrap_or_else(|_| heading.to_owned())
    }
}

impl ResponseError for PageError {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::SignedOut { .. } => StatusCode::SEE_OTHER,
            _ => self.message().0,
        }
    }

    fn error_response(&self) -> HttpResponse {
        if let Self::SignedOut { return_to } = self {
            return HttpResponse::SeeOther().insert_header((LOCATION, welcome(return_to))).finish();
        }
        if let Self::Internal(reason) = self {
            tracing::error!("A page failed: {reason}");
        }
        let (status, heading, message, go) = self.message();
        let mut response = HttpResponse::build(status);
        if matches!(status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS) {
            response.insert_header((RETRY_AFTER, RETRY_SECONDS));
        }
        if let Self::TooOften { wait, .. } = self {
            response.insert_header((RETRY_AFTER, seconds(*wait)));
        }
        response.content_type("text/html; charset=utf-8").body(self.page(heading, message, go))
    }
}

/// A wait in words.
fn told(wait: Duration) -> String {
    match seconds(wait) {
        1 => "a second".to_owned(),
        seconds if seconds < 120 => format!("{seconds} seconds"),
        seconds => format!("{} minutes", seconds.div_ceil(60)),
    }
}

/// The signed-out page that leads, after signing in, to `return_to`.
fn welcome(return_to: &str) -> String {
    if return_to == "/" {
        return "/".to_owned();
    }
    let query: String = form_urlencoded::Serializer::new(String::new()).append_pair("next", return_to).finish();
    format!("/?{query}")
}
