//! The attempts at a job that have ended, for whoever wants to know what happened.

use std::time::Duration;

use jiff::Timestamp;
use sluice_domain::{Attempt, AttemptEnd, ByteSize, Route, human_duration};

use super::since::since;

/// One attempt, ready to print.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AttemptLine {
    pub(crate) number: u32,
    /// When it began: for machines, and for people.
    pub(crate) iso: String,
    pub(crate) began: String,
    pub(crate) took: String,
    pub(crate) ended: &'static str,
    pub(crate) reason: Option<String>,
    pub(crate) route: &'static str,
    pub(crate) fetched: String,
    pub(crate) uploaded: String,
    pub(crate) worker: String,
}

/// The attempts, the latest first.
pub(crate) fn history(attempts: &[Attempt], now: Timestamp) -> Vec<AttemptLine> {
    attempts.iter().rev().map(|attempt| line(attempt, now)).collect()
}

fn line(attempt: &Attempt, now: Timestamp) -> AttemptLine {
    let began = Timestamp::from_millisecond(attempt.started_at).unwrap_or_default();
    let took = u64::try_from(attempt.ended_at.saturating_sub(attempt.started_at)).unwrap_or_default();
    AttemptLine {
        number: attempt.number,
        iso: began.to_string(),
        began: since(began, now),
        took: human_duration(Duration::from_millis(took)),
        ended: ended(attempt.end),
        reason: attempt.message.clone(),
        route: attempt.route.map_or("–", way),
        fetched: ByteSize(attempt.bytes_in).to_string(),
        uploaded: ByteSize(attempt.bytes_out).to_string(),
        worker: attempt.worker.clone(),
    }
}

fn way(route: Route) -> &'static str {
    match route {
        Route::Direct => "Streamed",
        Route::Interleave => "Streamed, picture and sound put together on the way",
        Route::Pipe => "Streamed through ffmpeg",
        Route::Spool => "Fetched whole, then sent",
    }
}

fn ended(end: AttemptEnd) -> &'static str {
    match end {
        AttemptEnd::Completed => "Landed",
        AttemptEnd::Listed => "Read the list",
        AttemptEnd::Failed => "Failed",
        AttemptEnd::Refused => "Refused",
        AttemptEnd::Cancelled => "Cancelled",
        AttemptEnd::Paused => "Paused",
        AttemptEnd::Retry => "Failed; to be tried again",
        AttemptEnd::Snooze => "Too early; to be tried again",
        AttemptEnd::Handback => "Handed on: the worker shut down",
        AttemptEnd::Lost => "Lost: the worker vanished",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_comes_first_with_all_that_is_known() {
        let attempt = |number, end| Attempt {
            number,
            worker: "house-1".to_owned(),
            started_at: 60_000,
            ended_at: 102_000,
            route: None,
            bytes_in: 12_000_000,
            bytes_out: 0,
            end,
            kind: None,
            message: Some("The site was out of order.".to_owned()),
        };
        let lines = history(
            &[attempt(1, AttemptEnd::Retry), attempt(2, AttemptEnd::Lost)],
            Timestamp::from_second(240).unwrap(),
        );
        assert_eq!(lines.iter().map(|line| line.number).collect::<Vec<_>>(), [2, 1]);
        let line = &lines[1];
        assert_eq!(
            (line.began.as_str(), line.took.as_str(), line.ended),
            ("3 min ago", "42 s", "Failed; to be tried again")
        );
        assert_eq!((line.route, line.fetched.as_str(), line.uploaded.as_str()), ("–", "12 MB", "0 bytes"));
        assert_eq!(line.reason.as_deref(), Some("The site was out of order."));
    }
}
