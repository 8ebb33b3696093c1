//! A job as data: what was asked, how far it is, how it ended.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    AccountId, Attempt, Checkpoint, Failure, FailureKind, Folder, Items, JobId, JobState, Length, Origin, Phase,
    Preset, Route, SourceUrl,
};

/// A job's record: the one truth about it, kept in Redis, shown to its owner alone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// Its name.
    pub id: JobId,
    /// Whose it is.
    pub account: AccountId,
    /// The link.
    pub url: SourceUrl,
    /// The quality asked for.
    pub preset: Preset,
    /// The folder asked for.
    pub folder: Folder,
    /// Where it was asked.
    pub origin: Origin,
    /// Where the file goes.
    pub destination: Destination,
    /// Where it is in its life.
    pub state: JobState,
    /// What it is doing while it runs.
    pub phase: Option<Phase>,
    /// Attempts begun, counting from 1.
    pub attempt: u32,
    /// The title, once extraction answered.
    pub title: Option<String>,
    /// A picture, once extraction answered.
    pub thumbnail: Option<String>,
    /// Seconds of media, once extraction answered.
    pub duration: Option<f64>,
    /// How the bytes travel, once planned.
    pub route: Option<Route>,
    /// How far it is.
    pub progress: Progress,
    /// What will be committed, stored before the commit: a later attempt looks for that file first.
    pub intent: Option<UploadIntent>,
    /// How far the upload of an attempt that ended too early has come.
    pub checkpoint: Option<Checkpoint>,
    /// What landed.
    pub receipt: Option<Receipt>,
    /// Why it failed, was refused, or waits for another attempt.
    pub error: Option<JobError>,
    /// Did its owner ask to cancel it?
    pub cancel_requested: bool,
    /// Did its owner ask to pause it? It ends `paused` as soon as its worker has let go.
    pub pause_requested: bool,
    /// Was it sent although the person had it?
    pub force: bool,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When the current or last attempt began.
    pub started_at: Option<Timestamp>,
    /// When it reached a final state.
    pub finished_at: Option<Timestamp>,
    /// When the next attempt is due, while `retrying`.
    pub retry_at: Option<Timestamp>,
    /// The list that it is an item of.
    pub parent: Option<JobId>,
    /// Which item behind the link it is, counting from 1, where items have no links of their own.
    pub item: Option<u32>,
    /// How far its items are, when it is a list.
    pub items: Option<Items>,
    /// The job that has brought, or will bring, the same media to the same folder in the same preset: why this one was refused.
    pub duplicate_of: Option<JobId>,
    /// The attempts that have ended, oldest first; the last [`MAX_ATTEMPTS_KEPT`](crate::MAX_ATTEMPTS_KEPT) of them.
    pub attempts: Vec<Attempt>,
}

impl Job {
    /// Does a device take it, rather than a Dropbox?
    #[must_use]
    pub fn is_for_device(&self) -> bool {
        self.destination == Destination::Device
    }

    /// What to call it before and after its title is known.
    #[must_use]
    pub fn name(&self) -> &str {
        match &self.title {
            Some(title) if !title.trim().is_empty() => title,
            _ => self.url.site(),
        }
    }
}

/// Where a file goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Destination {
    /// Into the person's Dropbox, by way of a worker.
    #[default]
    Dropbox,
    /// To the device that the person is at, straight from a web process: it runs while the device takes it, and ends when the device does.
    Device,
}

impl Destination {
    /// The word used in the API and in Redis.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Dropbox => "dropbox",
            Self::Device => "device",
        }
    }
}

/// How far a running job is, on both legs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Progress {
    /// Bytes fetched from the site.
    pub bytes_in: u64,
    /// Bytes that Dropbox acknowledged.
    pub bytes_out: u64,
    /// Bytes in all, exact or estimated.
    pub length: Length,
    /// Bytes a second of the slower leg that moves now, smoothed.
    pub rate: Option<u64>,
}

impl Progress {
    /// The whole job's share done, 0 to 99 while anything is left to do: fetching and uploading count half each when they follow each other.
    ///
    /// `None` while the total is unknown.
    #[must_use]
    pub fn percent(&self) -> Option<u8> {
        let total = self.length.bytes().filter(|total| *total > 0)?;
        let share = |bytes: u64| u128::from(bytes.min(total)) * 100 / u128::from(total);
        let both = (share(self.bytes_in) + share(self.bytes_out)) / 2;
        Some(u8::try_from(both.min(99)).unwrap_or(99))
    }

    /// Seconds left at the current rate, both legs counted. `None` while the total or the rate is unknown.
    #[must_use]
    pub fn seconds_left(&self) -> Option<u64> {
        let total = self.length.bytes()?;
        let rate = self.rate.filter(|rate| *rate > 0)?;
        let left = |bytes: u64| total.saturating_sub(bytes);
        Some((left(self.bytes_in) + left(self.bytes_out)).div_ceil(rate))
    }
}

/// The file that is about to be committed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UploadIntent {
    /// The full path.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// Dropbox's content hash, 64 lower-case hex digits.
    pub content_hash: String,
}

/// Proof of what landed, in Dropbox's words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The full path as displayed.
    pub path: String,
    /// Dropbox's id of the file.
    pub file_id: String,
    /// Dropbox's revision.
    pub rev: String,
    /// Bytes.
    pub size: u64,
    /// Dropbox's content hash, equal to ours.
    pub content_hash: String,
}

impl From<&Receipt> for UploadIntent {
    fn from(receipt: &Receipt) -> Self {
        Self { path: receipt.path.clone(), size: receipt.size, content_hash: receipt.content_hash.clone() }
    }
}

/// A failure as its owner sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobError {
    /// What it is.
    pub kind: FailureKind,
    /// What happened and what to do next.
    pub message: String,
    /// May it succeed when tried again as it is?
    pub retryable: bool,
}

impl From<&Failure> for JobError {
    fn from(failure: &Failure) -> Self {
        Self { kind: failure.kind, message: failure.message().into_owned(), retryable: failure.is_transient() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_never_claims_to_be_done() {
        let progress =
            |bytes_in, bytes_out| Progress { bytes_in, bytes_out, length: Length::Exact(100), rate: Some(10) };
        assert_eq!(progress(0, 0).percent(), Some(0));
        assert_eq!(progress(100, 0).percent(), Some(50));
        assert_eq!(progress(200, 200).percent(), Some(99));
        assert_eq!(progress(50, 50).seconds_left(), Some(10));
        assert_eq!(Progress::default().percent(), None);
    }
}
