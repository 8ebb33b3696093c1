//! What can go wrong, once for every layer: a kind for people, a permanence for retries, a detail for the operator.

use std::{borrow::Cow, fmt, time::Duration};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{ByteSize, redact::redact_urls};

/// The kinds of failure. Each has one fixed sentence for people ([`FailureKind::user_message`]) and a word for the API and for metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// Not a link, or one that leads nowhere (404).
    BadLink,
    /// yt-dlp finds no media there.
    UnsupportedSite,
    /// Login, age or membership needed.
    Private,
    /// Not available in the server's country.
    GeoBlocked,
    /// Taken down.
    Removed,
    /// A live stream that has not ended.
    LiveNotFinished,
    /// Copy protection.
    Drm,
    /// The site has nothing that the preset asks for.
    NoSuchFormat,
    /// Over `limits.max_file_bytes`.
    TooLarge,
    /// What the site says of the link, rather than the media, is more than is taken in.
    PageTooLarge,
    /// The account has too little free space.
    QuotaExceeded,
    /// The connection to Dropbox was withdrawn.
    DropboxDisconnected,
    /// Dropbox asks to slow down, or is out of order.
    DropboxBusy,
    /// Dropbox refuses for good: permission, account type, folder rules.
    DropboxRefused,
    /// Something with that name is in the way.
    NameTaken,
    /// The site blocks us, asks to slow down, or is out of order.
    SiteBusy,
    /// The network between here and the site, or a source that ended too early.
    Network,
    /// An address that may not be dialled.
    RefusedAddress,
    /// Too long without a byte, or over the deadline.
    TimedOut,
    /// The person cancelled it.
    Cancelled,
    /// The person has it already, or it is on its way.
    Duplicate,
    /// Items of a list did not arrive.
    Incomplete,
    /// Workers died with it again and again.
    WorkerLost,
    /// The worker's spool has too little room.
    NoSpool,
    /// Our fault.
    Internal,
}

impl FailureKind {
    /// Every kind: what the runbook in `docs/operator.md` and the tests go through.
    pub const ALL: [Self; 25] = [
        Self::BadLink,
        Self::UnsupportedSite,
        Self::Private,
        Self::GeoBlocked,
        Self::Removed,
        Self::LiveNotFinished,
        Self::Drm,
        Self::NoSuchFormat,
        Self::TooLarge,
        Self::PageTooLarge,
        Self::QuotaExceeded,
        Self::DropboxDisconnected,
        Self::DropboxBusy,
        Self::DropboxRefused,
        Self::NameTaken,
        Self::SiteBusy,
        Self::Network,
        Self::RefusedAddress,
        Self::TimedOut,
        Self::Cancelled,
        Self::Duplicate,
        Self::Incomplete,
        Self::WorkerLost,
        Self::NoSpool,
        Self::Internal,
    ];

    /// The word used in the API, in metrics and in logs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BadLink => "bad_link",
            Self::UnsupportedSite => "unsupported_site",
            Self::Private => "private",
            Self::GeoBlocked => "geo_blocked",
            Self::Removed => "removed",
            Self::LiveNotFinished => "live_not_finished",
            Self::Drm => "drm",
            Self::NoSuchFormat => "no_such_format",
            Self::TooLarge => "too_large",
            Self::PageTooLarge => "page_too_large",
            Self::QuotaExceeded => "quota_exceeded",
            Self::DropboxDisconnected => "dropbox_disconnected",
            Self::DropboxBusy => "dropbox_busy",
            Self::DropboxRefused => "dropbox_refused",
            Self::NameTaken => "name_taken",
            Self::SiteBusy => "site_busy",
            Self::Network => "network",
            Self::RefusedAddress => "refused_address",
            Self::TimedOut => "timed_out",
            Self::Cancelled => "cancelled",
            Self::Duplicate => "duplicate",
            Self::Incomplete => "incomplete",
            Self::WorkerLost => "worker_lost",
            Self::NoSpool => "no_spool",
            Self::Internal => "internal",
        }
    }

    /// What happened and what to do next, in plain words. No codes, no blame.
    #[must_use]
    pub fn user_message(self) -> &'static str {
        match self {
            Self::BadLink => "There is nothing at this link. Check that it was copied whole.",
            Self::UnsupportedSite => {
                "No video or sound was found at this link. Try the link of the page that plays it."
            }
            Self::Private => "This is private: the site wants a login, so it cannot be fetched from here.",
            Self::GeoBlocked => "The site does not show this in the country of this server.",
            Self::Removed => "The site says that this was taken down.",
            Self::LiveNotFinished => "This is still live. It is fetched when the stream has ended.",
            Self::Drm => "This is copy-protected, so it cannot be fetched.",
            Self::NoSuchFormat => "The site has nothing in this quality. Choose another one.",
            Self::TooLarge => "This is larger than this server allows.",
            Self::PageTooLarge => {
                "The site says more about this link than this server can take in. Try the link of a single video."
            }
            Self::QuotaExceeded => "Your Dropbox has too little free space for this. Free some, then retry.",
            Self::DropboxDisconnected => "Dropbox no longer lets Sluice in. Connect your Dropbox again, then retry.",
            Self::DropboxBusy => "Dropbox was too busy for too long. Retry in a while.",
            Self::DropboxRefused => "Dropbox does not allow this file there. Choose another folder.",
            Self::NameTaken => "Something else with this name is in the way in your Dropbox. Choose another folder.",
            Self::SiteBusy => "The site turned us away or was out of order. Retry in a while.",
            Self::Network => "The connection to the site broke off too often. Retry in a while.",
            Self::RefusedAddress => "This link leads to an address that this server does not visit.",
            Self::TimedOut => "This took too long without an end in sight. Retry, or choose a smaller quality.",
            Self::Cancelled => "Cancelled.",
            Self::Duplicate => "You already have this. Send it again if you want it fetched once more.",
            Self::Incomplete => "Some items of this list did not arrive. Retry sends those once more.",
            Self::WorkerLost => {
                "The server stopped several times while working on this. Retry; if it happens again, tell whoever runs it."
            }
            Self::NoSpool => {
                "The server has too little room to work on this now. Retry later; whoever runs it can give it more."
            }
            Self::Internal => {
                "Something went wrong on our side. Retry; if it happens again, tell whoever runs this server."
            }
        }
    }

    /// Is another attempt likely to end the same way? A layer that knows better says so in [`Failure::permanence`].
    #[must_use]
    pub fn default_permanence(self) -> Permanence {
        match self {
            Self::DropboxBusy | Self::SiteBusy | Self::Network | Self::TimedOut | Self::NoSpool | Self::Internal => {
                Permanence::Transient
            }
            Self::BadLink
            | Self::UnsupportedSite
            | Self::Private
            | Self::GeoBlocked
            | Self::Removed
            | Self::LiveNotFinished
            | Self::Drm
            | Self::NoSuchFormat
            | Self::TooLarge
            | Self::PageTooLarge
            | Self::QuotaExceeded
            | Self::DropboxDisconnected
            | Self::DropboxRefused
            | Self::NameTaken
            | Self::RefusedAddress
            | Self::Cancelled
            | Self::Duplicate
            | Self::Incomplete
            | Self::WorkerLost => Permanence::Permanent,
        }
    }

    /// Does a limit, or what the person has already, stand in the way, rather than a fault? Such jobs end `refused`.
    #[must_use]
    pub fn is_refusal(self) -> bool {
        matches!(self, Self::TooLarge | Self::QuotaExceeded | Self::Duplicate)
    }
}

impl fmt::Display for FailureKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Would the same thing, tried again, end the same way?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Permanence {
    /// It may pass: try again within the budget.
    Transient,
    /// It will not pass by itself.
    Permanent,
}

/// One failure for its two audiences: [`Failure::message`] is for the person, [`Failure::detail`] for the operator's log, redacted.
#[derive(Debug, Clone, PartialEq, Eq, Error, Serialize, Deserialize)]
#[error("{kind}: {detail}")]
pub struct Failure {
    /// What it is.
    pub kind: FailureKind,
    /// Whether another attempt makes sense.
    pub permanence: Permanence,
    /// The other side asked to wait at least this long.
    pub retry_after: Option<Duration>,
    /// A sentence that is more precise than the kind's own, in plain words; it names sizes and limits, never internals.
    pub explanation: Option<String>,
    /// For the operator. URLs are cut to host and path.
    pub detail: String,
}

impl Failure {
    /// A failure with the kind's own permanence; `detail` is redacted here.
    pub fn new(kind: FailureKind, detail: impl AsRef<str>) -> Self {
        /// What a log line can bear.
        const MAX_DETAIL_CHARS: usize = 2000;
        // One line of plain text: a foreign program must not write lines of its own into the log, nor move a terminal's cursor.
        let plain = |char: char| if char.is_control() { ' ' } else { char };
        let detail = redact_urls(detail.as_ref()).chars().take(MAX_DETAIL_CHARS).map(plain).collect();
        Self { kind, permanence: kind.default_permanence(), retry_after: None, explanation: None, detail }
    }

    /// Our own fault.
    pub fn internal(detail: impl AsRef<str>) -> Self {
        Self::new(FailureKind::Internal, detail)
    }

    /// "Too large: at least X, the limit is Y", with what would fit when that is known.
    #[must_use]
    pub fn too_large(at_least: ByteSize, limit: ByteSize, fits: Option<&str>) -> Self {
        let fits = fits.map(|fits| format!(" {fits}")).unwrap_or_default();
        Self::new(FailureKind::TooLarge, format!("at least {} bytes, limit {} bytes", at_least.0, limit.0))
            .explained(format!("Too large: at least {at_least}, the limit is {limit}.{fits}"))
    }

    /// "Your Dropbox is too full", with the figures.
    #[must_use]
    pub fn quota(needs: ByteSize, free: ByteSize) -> Self {
        Self::new(FailureKind::QuotaExceeded, format!("needs {} bytes, {} bytes free", needs.0, free.0)).explained(
            format!("Your Dropbox is too full: this needs {needs}, {free} are free. Free some space, then retry."),
        )
    }

    /// With a more precise sentence for the person.
    #[must_use]
    pub fn explained(mut self, explanation: impl Into<String>) -> Self {
        self.explanation = Some(explanation.into());
        self
    }

    /// One that will not pass by itself.
    #[must_use]
    pub fn permanent(mut self) -> Self {
        self.permanence = Permanence::Permanent;
        self
    }

    /// One that may pass.
    #[must_use]
    pub fn transient(mut self) -> Self {
        self.permanence = Permanence::Transient;
        self
    }

    /// The other side asked to wait this long.
    #[must_use]
    pub fn after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// May another attempt succeed?
    #[must_use]
    pub fn is_transient(&self) -> bool {
        self.permanence == Permanence::Transient
    }

    /// What the person reads.
    #[must_use]
    pub fn message(&self) -> Cow<'_, str> {
        match &self.explanation {
            Some(explanation) => Cow::Borrowed(explanation),
            None => Cow::Borrowed(self.kind.user_message()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_speaks_plainly() {
        for kind in FailureKind::ALL {
            let message = kind.user_message();
            assert!(message.ends_with('.') && message.len() < 140, "{kind}: {message}");
            assert!(!message.contains("error") && !message.contains('_'), "{kind}: {message}");
            assert_eq!(serde_json::to_string(&kind).unwrap(), format!("\"{kind}\""));
        }
    }

    #[test]
    fn a_failure_keeps_secrets_to_itself() {
        let failure = Failure::new(FailureKind::Network, "reset by https://cdn.example/v?sig=secret");
        assert!(!failure.to_string().contains("secret"));
        assert_eq!(failure.message(), FailureKind::Network.user_message());
    }

    #[test]
    fn a_detail_is_one_line_of_plain_text() {
        let failure = Failure::internal("boom\n2026-01-01 INFO forged\x1b[2J");
        assert_eq!(failure.detail, "boom 2026-01-01 INFO forged [2J");
    }

    #[test]
    fn too_large_names_both_figures() {
        let failure =
            Failure::too_large(ByteSize(1_200_000_000), ByteSize(300_000_000), Some("480p would fit (210 MB)."));
        assert_eq!(failure.message(), "Too large: at least 1.2 GB, the limit is 300 MB. 480p would fit (210 MB).");
        assert!(!failure.is_transient());
    }
}
