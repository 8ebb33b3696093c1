//! What is remembered of an attempt that has ended.

use serde::{Deserialize, Serialize};

use crate::{FailureKind, Route};

/// So many ended attempts are kept on record.
pub const MAX_ATTEMPTS_KEPT: usize = 20;

/// An attempt that has ended, for whoever asks what happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// Its number. A number comes twice when an attempt cost nothing: a snooze, a hand-back.
    pub number: u32,
    /// The worker that made it.
    pub worker: String,
    /// When it began, ms since 1970.
    pub started_at: i64,
    /// When it ended, ms since 1970.
    pub ended_at: i64,
    /// How the bytes travelled, if it came so far.
    #[serde(default)]
    pub route: Option<Route>,
    /// Bytes fetched.
    pub bytes_in: u64,
    /// Bytes that Dropbox acknowledged.
    pub bytes_out: u64,
    /// How it ended.
    pub end: AttemptEnd,
    /// The kind of failure, where it failed.
    #[serde(default)]
    pub kind: Option<FailureKind>,
    /// What the person was told, where it failed.
    #[serde(default)]
    pub message: Option<String>,
}

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AttemptEnd {
    /// The file landed.
    Completed,
    /// The list was read: its items are jobs of their own.
    Listed,
    /// For good.
    Failed,
    /// At a limit, or because the person has it.
    Refused,
    /// By the person.
    Cancelled,
    /// By the person, for later.
    Paused,
    /// With a failure that may pass.
    Retry,
    /// Too early: it costs no attempt.
    Snooze,
    /// Its worker shut down: it costs no attempt.
    Handback,
    /// Its worker vanished.
    Lost,
}

impl AttemptEnd {
    /// Did something go wrong that was nobody's wish?
    #[must_use]
    pub fn is_failure(self) -> bool {
        matches!(self, Self::Failed | Self::Retry)
    }
}
