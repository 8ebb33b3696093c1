//! A job as the API tells it. Field names are a promise: add, never rename.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::Serialize;
use sluice_domain::{Items, Job, JobError, JobState};

use super::attempt_out::AttemptOut;
use crate::view::{Around, list_percent, tell};

/// A job's JSON.
#[derive(Debug, Serialize)]
pub(crate) struct JobOut<'a> {
    id: &'a str,
    url: Cow<'a, str>,
    title: Option<&'a str>,
    thumbnail: Option<&'a str>,
    duration: Option<f64>,
    preset: &'static str,
    folder: String,
    destination: &'static str,
    state: &'static str,
    phase: Option<&'static str>,
    message: String,
    cancel_requested: bool,
    pause_requested: bool,
    force: bool,
    parent: Option<&'a str>,
    items: Option<&'a Items>,
    duplicate_of: Option<&'a str>,
    position: Option<u64>,
    wait_seconds: Option<u64>,
    attempt: u32,
    /// Told only where one job is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    attempts: Option<Vec<AttemptOut<'a>>>,
    bytes_in: u64,
    bytes_out: u64,
    bytes_total: Option<u64>,
    length: &'static str,
    percent: Option<u8>,
    rate: Option<u64>,
    seconds_left: Option<u64>,
    route: Option<sluice_domain::Route>,
    dropbox_path: Option<&'a str>,
    size: Option<u64>,
    content_hash: Option<&'a str>,
    error: Option<&'a JobError>,
    created_at: Timestamp,
    started_at: Option<Timestamp>,
    finished_at: Option<Timestamp>,
    retry_at: Option<Timestamp>,
    links: Links,
}

/// Where to go on.
#[derive(Debug, Serialize)]
struct Links {
    #[serde(rename = "self")]
    here: String,
    page: String,
}

impl<'a> JobOut<'a> {
    /// The job with all that is on record of it.
    pub(crate) fn whole(job: &'a Job, around: &Around) -> Self {
        Self { attempts: Some(job.attempts.iter().map(AttemptOut::of).collect()), ..Self::of(job, around) }
    }

    /// The job as the API tells it among others.
    pub(crate) fn of(job: &'a Job, around: &Around) -> Self {
        let receipt = job.receipt.as_ref();
        let runs = job.state == JobState::Running;
        Self {
            id: job.id.as_str(),
            url: job.url.shown(),
            title: job.title.as_deref(),
            thumbnail: job.thumbnail.as_deref(),
            duration: job.duration,
            preset: job.preset.as_str(),
            folder: job.folder.to_string(),
            destination: job.destination.as_str(),
            state: job.state.as_str(),
            phase: job.phase.filter(|_| runs).map(sluice_domain::Phase::as_str),
            message: tell(job, around),
            cancel_requested: job.cancel_requested,
            pause_requested: job.pause_requested,
            force: job.force,
            parent: job.parent.as_ref().map(sluice_domain::JobId::as_str),
            items: job.items.as_ref(),
            duplicate_of: job.duplicate_of.as_ref().map(sluice_domain::JobId::as_str),
            position: around.waiting.map(|waiting| waiting.ahead.saturating_add(1)),
            wait_seconds: around.waiting.and_then(|waiting| waiting.about).map(|about| about.as_secs()),
            attempt: job.attempt,
            attempts: None,
            bytes_in: job.progress.bytes_in,
            bytes_out: job.progress.bytes_out,
            bytes_total: receipt.map(|receipt| receipt.size).or(job.progress.length.bytes()),
            length: job.progress.length.as_str(),
            percent: match &job.items {
                _ if job.state == JobState::Completed => Some(100),
                Some(list) => Some(list_percent(list)),
                None => job.progress.percent(),
            },
            rate: job.progress.rate.filter(|_| runs),
            seconds_left: job.progress.seconds_left().filter(|_| runs),
            route: job.route,
            dropbox_path: receipt.map(|receipt| receipt.path.as_str()),
            size: receipt.map(|receipt| receipt.size),
            content_hash: receipt.map(|receipt| receipt.content_hash.as_str()),
            error: job.error.as_ref(),
            created_at: job.created_at,
            started_at: job.started_at,
            finished_at: job.finished_at,
            retry_at: job.retry_at,
            links: Links { here: format!("/api/v1/jobs/{}", job.id), page: format!("/jobs/{}", job.id) },
        }
    }
}
