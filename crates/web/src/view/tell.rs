//! Every state as a sentence with a verb, and the figures beside it.

use std::time::Duration;

use sluice_domain::{ByteSize, FailureKind, Job, JobState, Length, Phase, Progress, human_duration, human_rate};
use sluice_queue::Waiting;

use super::{items, row::Around};

/// Is every byte on its way to be put in place?
pub(crate) fn finishing(job: &Job) -> bool {
    job.state == JobState::Running && job.phase == Some(Phase::Committing)
}

/// What is going on with the job.
pub(crate) fn tell(job: &Job, around: &Around) -> String {
    let message = || job.error.as_ref().map_or(FailureKind::Internal.user_message(), |error| error.message.as_str());
    let text = match job.state {
        state if job.cancel_requested && !state.is_final() => "Cancelling",
        JobState::Queued => match (around.workers, around.waiting) {
            (_, Some(Waiting { paused: true, .. })) => "Paused by whoever runs this server. Nothing is lost.",
            (Some(0), _) => "Waiting: no worker is up. It starts by itself as soon as one is.",
            (_, Some(Waiting { ahead: 1, .. })) => "Waiting: 1 of yours is ahead",
            (_, Some(Waiting { ahead, .. })) if ahead > 0 => return format!("Waiting: {ahead} of yours are ahead"),
            _ => "Waiting for its turn",
        },
        JobState::Running if job.is_for_device() => "Saving to this device",
        JobState::Running if job.pause_requested => "Pausing",
        JobState::Running if job.items.is_some() => "Reading the list",
        JobState::Running => match job.phase {
            None | Some(Phase::Extracting) => "Looking at the link",
            Some(Phase::Transferring) if job.progress.bytes_out > 0 => "Sending to your Dropbox",
            Some(Phase::Transferring) => return format!("Fetching from {}", job.url.site()),
            Some(Phase::Committing) => "Finishing: Dropbox puts the file in its place",
        },
        JobState::Paused => "Paused by you",
        JobState::Collecting => "Collecting",
        JobState::Completed if job.is_for_device() => "Saved to this device",
        JobState::Cancelled if job.is_for_device() => return stopped(job),
        JobState::Completed => "Landed in your Dropbox",
        JobState::Cancelled if job.items.is_some_and(|items| items.listed && items.found == 0) => {
            "There is nothing in this list"
        }
        JobState::Cancelled => "Cancelled",
        // What to do next is written for a job that has ended; this one goes on by itself.
        JobState::Retrying => message().split_inclusive(". ").next().unwrap_or_default().trim_end(),
        JobState::Failed | JobState::Refused => message(),
    };
    text.to_owned()
}

/// A device took no more, or its person wanted no more.
fn stopped(job: &Job) -> String {
    match job.progress.percent() {
        Some(percent) => format!("Stopped at {percent} %, before all of it was saved"),
        None => "Stopped before all of it was saved".to_owned(),
    }
}

/// The figures beside the sentence, each after a middle dot; `None` when there are none.
pub(crate) fn figures(job: &Job, around: &Around) -> Option<String> {
    let about = around.waiting.and_then(|waiting| waiting.about).map(|time| format!("about {}", human_duration(time)));
    let figures = match job.state {
        JobState::Queued => {
            let rest =
                job.items.map_or_else(|| vec![job.preset.label().to_owned()], |list| items::figures(job.state, &list));
            about.into_iter().chain(rest).collect()
        }
        state if let Some(list) = &job.items => items::figures(state, list),
        JobState::Running if job.is_for_device() => taken(job),
        JobState::Running if job.phase == Some(Phase::Transferring) => legs(job),
        JobState::Completed if job.is_for_device() => job
            .progress
            .length
            .bytes()
            .or(Some(job.progress.bytes_out))
            .map(|size| ByteSize(size).to_string())
            .into_iter()
            .collect(),
        JobState::Completed => job.receipt.iter().map(|receipt| ByteSize(receipt.size).to_string()).collect(),
        JobState::Running if job.phase != Some(Phase::Committing) => vec![job.preset.label().to_owned()],
        JobState::Paused => vec![job.preset.label().to_owned()],
        JobState::Running
        | JobState::Retrying
        | JobState::Collecting
        | JobState::Failed
        | JobState::Cancelled
        | JobState::Refused => Vec::new(),
    };
    // A line breaks after a dot only, never within a figure.
    let glue = |figure: &String| format!("\u{a0}· {}", figure.replace(' ', "\u{a0}"));
    (!figures.is_empty()).then(|| figures.iter().map(glue).collect())
}

/// The one leg to a device, speed, time left.
fn taken(job: &Job) -> Vec<String> {
    let progress = &job.progress;
    let mut parts = vec![format!("{}{}", ByteSize(progress.bytes_out), of(progress.length))];
    parts.extend(pace(progress));
    parts
}

fn of(length: Length) -> String {
    match length {
        Length::Exact(total) => format!(" of {}", ByteSize(total)),
        Length::Estimate(total) => format!(" of about {}", ByteSize(total)),
        Length::Unknown => String::new(),
    }
}

fn pace(progress: &Progress) -> Vec<String> {
    let left = progress.seconds_left().map(|left| format!("{} left", human_duration(Duration::from_secs(left))));
    progress.rate.map(human_rate).into_iter().chain(left).collect()
}

/// Both legs, speed, time left.
fn legs(job: &Job) -> Vec<String> {
    let progress = &job.progress;
    let of = of(progress.length);
    let mut parts = if progress.bytes_out == 0 {
        vec![format!("fetched {}{of}", ByteSize(progress.bytes_in)), "none in Dropbox yet".to_owned()]
    } else {
        vec![
            format!("fetched {}", ByteSize(progress.bytes_in)),
            format!("in Dropbox {}{of}", ByteSize(progress.bytes_out)),
        ]
    };
    parts.extend(pace(progress));
    parts
}

/// What a screen reader hears when a job has ended; silence about everything before that.
pub(crate) fn announcement(job: &Job, title: &str) -> Option<String> {
    let kind = job.error.as_ref().map(|error| error.kind);
    match job.state {
        JobState::Completed if job.is_for_device() => Some(format!("{title} is saved to this device.")),
        JobState::Completed => match &job.items {
            Some(list) => Some(format!("{title}: {} arrived in your Dropbox.", items::plural(list.arrived()))),
            None => Some(format!("{title} is in your Dropbox.")),
        },
        JobState::Failed | JobState::Refused
            if matches!(kind, Some(FailureKind::Duplicate | FailureKind::Incomplete)) =>
        {
            job.error.as_ref().map(|error| format!("{title}: {}", error.message))
        }
        JobState::Failed | JobState::Refused => {
            let reason = job.error.as_ref().map(|error| format!(" {}", error.message)).unwrap_or_default();
            Some(format!("{title} did not arrive.{reason}"))
        }
        JobState::Queued
        | JobState::Running
        | JobState::Retrying
        | JobState::Paused
        | JobState::Collecting
        | JobState::Cancelled => None,
    }
}
