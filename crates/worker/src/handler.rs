//! One job from claim to outcome.

use std::sync::Arc;

use async_trait::async_trait;
use sluice_domain::Limits;
use sluice_dropbox::Dropbox;
use sluice_queue::{Handler, Lease, Outcome};
use sluice_source::{Extractor, Routes};
use sluice_store::Store;
use sluice_transfer::Gate;
use sluice_wiring::attempt::{mark_disconnected, outcome, shut_when_stopped};

use crate::attempt::Attempt;

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
        mark_disconnected(&self.store, &lease.job().account, &ended).await;
        outcome(ended, lease.stop().reason())
    }
}
