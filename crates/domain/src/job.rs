//! A job as data: what was asked, how far it is, how it ended.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{
    AccountId, BadPath, BadPreset, BadUrl, Failure, FailureKind, Folder, JobId, JobState, Length, Phase, Preset, Route,
    SourceUrl,
};

/// The longest idempotency key, in characters.
const MAX_KEY_CHARS: usize = 200;

/// What a person asks for, parsed once at the edge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobRequest {
    /// The link.
    pub url: SourceUrl,
    /// The quality.
    pub preset: Preset,
    /// The folder in the account.
    pub folder: Folder,
    /// A word chosen by the client: the same word from the same account names the same job.
    pub idempotency_key: Option<String>,
    /// Where it was asked.
    pub origin: Origin,
}

/// Where a job was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// The form on the page.
    Page,
    /// The API, which the command line uses too.
    Api,
}

/// Why a request cannot be taken. The messages are shown to people.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum BadRequest {
    /// The link.
    #[error(transparent)]
    Url(#[from] BadUrl),
    /// The preset.
    #[error(transparent)]
    Preset(#[from] BadPreset),
    /// The folder.
    #[error(transparent)]
    Folder(#[from] BadPath),
    /// The idempotency key.
    #[error("An idempotency key has 1 to 200 printable ASCII characters.")]
    IdempotencyKey,
}

impl JobRequest {
    /// Parses the raw strings of a form or an API call. Empty and missing strings mean the default.
    ///
    /// # Errors
    /// The first part that does not parse.
    pub fn parse(
        url: &str,
        preset: Option<&str>,
        folder: Option<&str>,
        idempotency_key: Option<&str>,
        origin: Origin,
    ) -> Result<Self, BadRequest> {
        let given = |text: Option<&str>| text.map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
        let url = url.parse()?;
        let preset = given(preset).map(|text| text.parse()).transpose()?.unwrap_or_default();
        let folder = given(folder).map(|text| text.parse()).transpose()?.unwrap_or_default();
        let idempotency_key = idempotency_key.map(str::to_owned);
        if idempotency_key.as_ref().is_some_and(|key| {
            key.is_empty() || key.len() > MAX_KEY_CHARS || !key.bytes().all(|b| b.is_ascii_graphic())
        }) {
            return Err(BadRequest::IdempotencyKey);
        }
        Ok(Self { url, preset, folder, idempotency_key, origin })
    }
}

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
    /// What landed.
    pub receipt: Option<Receipt>,
    /// Why it failed, was refused, or waits for another attempt.
    pub error: Option<JobError>,
    /// Did its owner ask to cancel it?
    pub cancel_requested: bool,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When the current or last attempt began.
    pub started_at: Option<Timestamp>,
    /// When it reached a final state.
    pub finished_at: Option<Timestamp>,
    /// When the next attempt is due, while `retrying`.
    pub retry_at: Option<Timestamp>,
}

impl Job {
    /// What to call it before and after its title is known.
    #[must_use]
    pub fn name(&self) -> &str {
        match &self.title {
            Some(title) if !title.trim().is_empty() => title,
            _ => self.url.site(),
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
    fn a_request_is_parsed_once() {
        let parse = |preset, folder, key| JobRequest::parse("https://a.example/v", preset, folder, key, Origin::Api);
        let request = parse(None, Some(""), None).unwrap();
        assert_eq!((request.preset, request.folder), (Preset::Best, Folder::default()));
        assert_eq!(parse(Some("gif"), None, None), Err(BadPreset.into()));
        assert_eq!(parse(None, None, Some("")), Err(BadRequest::IdempotencyKey));
        assert!(parse(Some("iPhone"), Some("/Videos"), Some("k-1")).is_ok());
    }

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
