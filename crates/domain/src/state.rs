//! Where a job is in its life.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A job's state. The comment of each says who moves a job into it and how long it stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JobState {
    /// Enqueue, a person's retry, or a worker that hands it back while shutting down; until a worker claims it.
    Queued,
    /// The claim of a worker; as long as that worker lives and its heartbeat is seen. Or a device that takes a file; as long as it does.
    Running,
    /// A worker, after a failure that may pass; until the time in `retry_at`.
    Retrying,
    /// The person, who wants it later; until they resume it. Only what waits or runs can be paused; what ran starts again where it can.
    Paused,
    /// A worker, after it listed a playlist, channel or feed: each item is a job of its own; until the last of them is over.
    Collecting,
    /// The worker, after the commit was proven. Kept as long as the retention says.
    Completed,
    /// The worker, after a failure that does not pass or too many attempts. A person may retry it.
    Failed,
    /// The person. Kept as long as the retention says.
    Cancelled,
    /// The worker, because a limit stands in the way; the error names the limit. A person may retry it.
    Refused,
}

impl JobState {
    /// Every state, in the order of a life.
    pub const ALL: [Self; 9] = [
        Self::Queued,
        Self::Running,
        Self::Retrying,
        Self::Paused,
        Self::Collecting,
        Self::Completed,
        Self::Failed,
        Self::Cancelled,
        Self::Refused,
    ];

    /// Will nothing more happen unless a person asks?
    #[must_use]
    pub fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled | Self::Refused)
    }

    /// The word used in the API and in Redis.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Retrying => "retrying",
            Self::Paused => "paused",
            Self::Collecting => "collecting",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Refused => "refused",
        }
    }
}

impl fmt::Display for JobState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a running job is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// yt-dlp looks at the link.
    Extracting,
    /// Bytes flow.
    Transferring,
    /// Every byte is at Dropbox; the file is being put in its place and proven.
    Committing,
}

impl Phase {
    /// The word used in the API and in Redis.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Extracting => "extracting",
            Self::Transferring => "transferring",
            Self::Committing => "committing",
        }
    }
}
