//! The sink's word on record: how far it is, and the intent, stored under this attempt's fence.

use async_trait::async_trait;
use sluice_domain::{Checkpoint, Failure, Phase, UploadIntent};
use sluice_queue::Lease;
use sluice_transfer::Journal;

/// Writes to the job's record through its lease.
pub(crate) struct LeaseJournal(Lease);

impl LeaseJournal {
    pub(crate) fn new(lease: Lease) -> Self {
        Self(lease)
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
