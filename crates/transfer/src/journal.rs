//! What a sink must put on record: how far it is, and what it is about to make visible.

use async_trait::async_trait;
use sluice_domain::{Checkpoint, Failure, UploadIntent};

/// The record of the job, as far as a sink may write it.
#[async_trait]
pub trait Journal: Send + Sync {
    /// Stores what is about to be committed. Only after this returns `Ok` may the sink commit.
    ///
    /// # Errors
    /// When the intent is not safely stored, or the job is no longer ours. It fails closed: then nothing may be committed.
    async fn before_commit(&self, intent: &UploadIntent) -> Result<(), Failure>;

    /// Stores how far the upload is, for whoever has to go on with it.
    ///
    /// # Errors
    /// When the job is no longer ours: then everything stops.
    async fn checkpoint(&self, checkpoint: &Checkpoint) -> Result<(), Failure>;
}
