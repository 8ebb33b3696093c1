//! How an attempt ends, in the queue's words.

use std::{convert::Infallible, time::Duration};

use jiff::Timestamp;
use sluice_domain::{Failure, FailureKind, Job, Receipt};
use sluice_queue::{Lease, Outcome, StopReason};
use sluice_transfer::Gate;

/// How long a stream that is on air is left alone before somebody looks again.
const ON_AIR: Duration = Duration::from_secs(600);
/// How long a worker without room in its spool leaves a job to others, or to itself later.
const NO_ROOM: Duration = Duration::from_secs(30);

/// What an attempt that did not fail has come to.
#[derive(Debug)]
pub enum Reached {
    /// The file is in its place, proven.
    Landed(Receipt),
    /// The link was a list: its items are jobs now.
    Listed {
        /// The limit at which it was cut, if it was.
        cut_at: Option<u32>,
    },
    /// Another job of the same person brings the same.
    Duplicate(Box<Job>),
}

/// The lease's word becomes the gate's: everything below listens to the gate alone. A drain is no such word: the job may end in the time
/// that it has, and is handed back after it.
pub async fn shut_when_stopped(lease: &Lease, gate: &Gate) -> Infallible {
    let reason = lease.stop().at_least(StopReason::Cancelled).await;
    gate.shut(Failure::new(FailureKind::Cancelled, format!("stopped: {reason:?}")));
    std::future::pending().await
}

/// What the queue is told. A stop explains a failure, but never undoes a commit.
#[must_use]
pub fn outcome(ended: Result<Reached, Failure>, stopped: Option<StopReason>) -> Outcome {
    match (ended, stopped) {
        (Ok(Reached::Landed(receipt)), _) => Outcome::Completed(receipt),
        (_, Some(StopReason::Cancelled)) => Outcome::Cancelled,
        (_, Some(StopReason::LeaseLost)) => Outcome::HandBack,
        (Ok(Reached::Listed { cut_at }), _) => Outcome::Listed { cut_at },
        (Ok(Reached::Duplicate(other)), _) => Outcome::Duplicate(other),
        (Err(failure), Some(StopReason::Drain) | None) => match wait_for(&failure) {
            Some(wait) => Outcome::Snooze { failure, until: later(Timestamp::now(), wait) },
            None => failure.into(),
        },
    }
}

/// How long to wait when it is only too early: the other side named a time, or it is known to pass. Such a wait costs no attempt.
fn wait_for(failure: &Failure) -> Option<Duration> {
    match failure.kind {
        FailureKind::LiveNotFinished => Some(ON_AIR),
        FailureKind::NoSpool => Some(NO_ROOM),
        _ if failure.is_transient() => failure.retry_after,
        _ => None,
    }
}

fn later(now: Timestamp, wait: Duration) -> Timestamp {
    now.checked_add(wait).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(failure: FailureKind, stopped: Option<StopReason>, want: fn(&Outcome) -> bool) {
        let got = outcome(Err(Failure::new(failure, "")), stopped);
        assert!(want(&got), "{failure} with {stopped:?} became {got:?}");
    }

    #[test]
    fn every_end_has_one_outcome() {
        check(FailureKind::Network, None, |outcome| matches!(outcome, Outcome::Retry { .. }));
        check(FailureKind::TooLarge, None, |outcome| matches!(outcome, Outcome::Refused(_)));
        check(FailureKind::QuotaExceeded, None, |outcome| matches!(outcome, Outcome::Refused(_)));
        check(FailureKind::Private, None, |outcome| matches!(outcome, Outcome::Failed(_)));
        check(FailureKind::Network, Some(StopReason::Cancelled), |outcome| matches!(outcome, Outcome::Cancelled));
        check(FailureKind::Private, Some(StopReason::Drain), |outcome| matches!(outcome, Outcome::Failed(_)));
        check(FailureKind::Internal, Some(StopReason::LeaseLost), |outcome| matches!(outcome, Outcome::HandBack));
        check(FailureKind::LiveNotFinished, None, |outcome| matches!(outcome, Outcome::Snooze { .. }));
        check(FailureKind::NoSpool, None, |outcome| matches!(outcome, Outcome::Snooze { .. }));
    }

    #[test]
    fn a_named_wait_costs_no_attempt() {
        let busy = Failure::new(FailureKind::DropboxBusy, "").after(Duration::from_secs(300));
        let Outcome::Snooze { until, .. } = outcome(Err(busy), None) else { panic!("no snooze") };
        assert!(until.duration_since(Timestamp::now()).as_secs() > 290);
    }

    #[test]
    fn a_list_that_was_cancelled_is_no_list() {
        let listed = || Ok(Reached::Listed { cut_at: Some(300) });
        assert!(matches!(outcome(listed(), None), Outcome::Listed { cut_at: Some(300) }));
        assert!(matches!(outcome(listed(), Some(StopReason::Cancelled)), Outcome::Cancelled));
    }

    #[test]
    fn a_commit_counts_even_when_a_stop_came_late() {
        let receipt = sluice_domain::Receipt {
            path: "/a".into(),
            file_id: "id:1".into(),
            rev: "1".into(),
            size: 1,
            content_hash: "0".into(),
        };
        let landed = outcome(Ok(Reached::Landed(receipt)), Some(StopReason::Cancelled));
        assert!(matches!(landed, Outcome::Completed(_)));
    }
}
