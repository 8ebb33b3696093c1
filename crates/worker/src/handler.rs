//! One job from claim to outcome.

use std::{convert::Infallible, sync::Arc, time::Duration};

use async_trait::async_trait;
use jiff::Timestamp;
use sluice_domain::{Failure, FailureKind, Limits};
use sluice_dropbox::Dropbox;
use sluice_queue::{Handler, Lease, Outcome, StopReason};
use sluice_source::{Extractor, Routes};
use sluice_store::Store;
use sluice_transfer::Gate;

use crate::attempt::{Attempt, Reached};

/// How long a stream that is on air is left alone before somebody looks again.
const ON_AIR: Duration = Duration::from_secs(600);
/// How long a worker without room in its spool leaves a job to others, or to itself later.
const NO_ROOM: Duration = Duration::from_secs(30);

/// What every job of this process shares.
pub(crate) struct JobHandler {
    pub(crate) store: Store,
    pub(crate) dropbox: Dropbox,
    pub(crate) extractor: Arc<dyn Extractor>,
    pub(crate) routes: Routes,
    pub(crate) limits: Limits,
    /// The most items of one list that become jobs.
    pub(crate) playlist_items: u32,
}

#[async_trait]
impl Handler for JobHandler {
    async fn run(&self, lease: Lease) -> Outcome {
        tracing::info!(job.site = lease.job().url.site(), job.preset = %lease.job().preset, "Attempt begins");
        let gate = Gate::new(&self.limits);
        let _deadline = gate.deadline(self.limits.job_timeout);
        let attempt = Attempt::new(self, &lease, &gate);
        let ended = tokio::select! {
            ended = attempt.run() => ended,
            never = shut_when_stopped(&lease, &gate) => match never {},
        };
        if let Err(failure) = &ended
            && failure.kind == FailureKind::DropboxDisconnected
            && let Err(error) = self.store.accounts().mark_disconnected(&lease.job().account).await
        {
            tracing::warn!(%error, "The page does not know yet that the account is disconnected");
        }
        outcome(ended, lease.stop().reason())
    }
}

/// The lease's word becomes the gate's: everything below listens to the gate alone. A drain is no such word: the job may end in the time
/// that it has, and is handed back after it.
async fn shut_when_stopped(lease: &Lease, gate: &Gate) -> Infallible {
    let reason = lease.stop().at_least(StopReason::Cancelled).await;
    gate.shut(Failure::new(FailureKind::Cancelled, format!("stopped: {reason:?}")));
    std::future::pending().await
}

/// What the queue is told. A stop explains a failure, but never undoes a commit.
fn outcome(ended: Result<Reached, Failure>, stopped: Option<StopReason>) -> Outcome {
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
