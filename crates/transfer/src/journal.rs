//! What a sink must put on record before it makes something visible.

use async_trait::async_trait;
use sluice_domain::{Failure, UploadIntent};

/// The record of the job, as far as a sink may write it.
#[async_trait]
pub trait Journal: Send + Sync {
    /// Stores what is about to be committed. Only after this returns `Ok` may the sink commit.
    ///
    /// # Errors
    /// When the intent is not safely stored, or the job is no longer ours. It fails closed: then nothing may be committed.
    async fn before_commit(&self, intent: &UploadIntent) -> Result<(), Failure>;
}
