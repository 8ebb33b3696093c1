//! Why a device gets no file, in words for people and as a status.

use actix_web::http::StatusCode;
use sluice_domain::{BadRequest, Failure, FailureKind};
use thiserror::Error;

use crate::preview::NoPreview;

/// Everything that can stand in the way before the first byte.
#[derive(Debug, Error)]
pub(crate) enum NoFile {
    /// What is asked for.
    #[error(transparent)]
    Bad(#[from] BadRequest),
    /// No such job, or somebody else's.
    #[error("There is no such download, or it is not yours.")]
    Unknown,
    /// What the site said, or a limit.
    #[error("{}", .0.message())]
    Failed(Failure),
    /// The link is no file.
    #[error("This link leads to a list. Send it to your Dropbox; each item that it finds can then be saved by itself.")]
    List,
    /// The device has enough connections already.
    #[error("{limit} connections give files to your devices already. Wait for one to end, or cancel one.")]
    Full {
        /// `limits.streams`.
        limit: u32,
    },
    /// The job under this key brings something else.
    #[error("This idempotency key was used for another link.")]
    OtherLink,
    /// Cancelled on the page; the device goes on by itself.
    #[error("You have cancelled this download. To have it after all, begin it again.")]
    Barred,
    /// This process has enough to do.
    #[error("This server gives as many files as it can just now. Try again in a moment.")]
    Busy,
    /// The programs that it needs are not here, or it is switched off.
    #[error("This server gives no files to devices. Sending them to your Dropbox works all the same.")]
    Unavailable,
    /// The end of a file of unknown length could not be told from a break.
    #[error("Use HTTP/1.1 for this: in HTTP/1.0, nobody could tell whether the whole file has come.")]
    OldHttp,
}

impl From<NoPreview> for NoFile {
    fn from(error: NoPreview) -> Self {
        match error {
            NoPreview::Failed(failure) => Self::Failed(failure),
            NoPreview::Unavailable => Self::Unavailable,
            NoPreview::Busy | NoPreview::Replaced => Self::Busy,
        }
    }
}

impl NoFile {
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::Failed(failure) => about_the_link(failure),
            Self::Unknown => StatusCode::NOT_FOUND,
            Self::Bad(_) | Self::List => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Full { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::OtherLink => StatusCode::CONFLICT,
            Self::Barred => StatusCode::GONE,
            Self::Busy | Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::OldHttp => StatusCode::HTTP_VERSION_NOT_SUPPORTED,
        }
    }

    /// What the site said, in a word.
    pub(crate) fn kind(&self) -> Option<FailureKind> {
        match self {
            Self::Failed(failure) => Some(failure.kind),
            _ => None,
        }
    }
}

/// Is it the link, the site, or us?
pub(crate) fn about_the_link(failure: &Failure) -> StatusCode {
    match failure.kind {
        FailureKind::TimedOut => StatusCode::GATEWAY_TIMEOUT,
        FailureKind::SiteBusy | FailureKind::Network => StatusCode::BAD_GATEWAY,
        _ if failure.is_transient() => StatusCode::INTERNAL_SERVER_ERROR,
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    }
}
