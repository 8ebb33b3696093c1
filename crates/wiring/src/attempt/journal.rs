//! The sink's word on record: how far it is, and the intent, stored under this attempt's fence.

use async_trait::async_trait;
use sluice_domain::{Checkpoint, Failure, Phase, UploadIntent};
use sluice_queue::Lease;
use sluice_transfer::Journal;

/// Writes to the job's record through its lease.
pub struct LeaseJournal(Lease);

impl LeaseJournal {
    /// The record of this lease's job.
    #[must_use]
    pub fn new(lease: Lease) -> Self {
        Self(lease)
    }
}

impl std::fmt::Debug for LeaseJournal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("LeaseJournal").field(&self.0.job().id).finish()
    }
}

#[async_trait]
impl Journal for LeaseJournal {
    async fn before_commit(&self, intent: &UploadIntent) -> Result<(), Failure> {
        self.0.phase(Phase::Committing).await?;
        self.0.intent(intent).await?;
        self.0.still_mine().await
    }

    async fn checkpoint(&self, checkpoint: &Checkpoint) -> Result<(), Failure> {
        self.0.checkpoint(checkpoint).await
    }
}
