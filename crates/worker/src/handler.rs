//! One job from claim to outcome.

use std::{convert::Infallible, sync::Arc};

use async_trait::async_trait;
use sluice_domain::{Failure, FailureKind, Limits, Receipt};
use sluice_dropbox::Dropbox;
use sluice_queue::{Handler, Lease, Outcome, StopReason};
use sluice_source::{Extractor, Routes};
use sluice_store::Store;
use sluice_transfer::Gate;

use crate::attempt::Attempt;

/// What every job of this process shares.
pub(crate) struct JobHandler {
    pub(crate) store: Store,
    pub(crate) dropbox: Dropbox,
    pub(crate) extractor: Arc<dyn Extractor>,
    pub(crate) routes: Routes,
    pub(crate) limits: Limits,
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
fn outcome(ended: Result<Receipt, Failure>, stopped: Option<StopReason>) -> Outcome {
    match (ended, stopped) {
        (Ok(receipt), _) => Outcome::Completed(receipt),
        (Err(_), Some(StopReason::Cancelled)) => Outcome::Cancelled,
        (Err(_), Some(StopReason::LeaseLost)) => Outcome::HandBack,
        (Err(failure), Some(StopReason::Drain) | None) => failure.into(),
    }
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
    }

    #[test]
    fn a_commit_counts_even_when_a_stop_came_late() {
        let receipt =
            Receipt { path: "/a".into(), file_id: "id:1".into(), rev: "1".into(), size: 1, content_hash: "0".into() };
        assert!(matches!(outcome(Ok(receipt), Some(StopReason::Cancelled)), Outcome::Completed(_)));
    }
}
