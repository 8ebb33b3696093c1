//! What the queue asks of whoever does the work. The queue knows no kind of job.

use async_trait::async_trait;

use crate::{Lease, Outcome};

/// Does the work.
#[async_trait]
pub trait Handler: Send + Sync + 'static {
    /// Works on one job until it is done, or until [`Lease::stop`] says so. The future is dropped when it does not heed that in time:
    /// whatever it holds must clean up when dropped. A panic is caught and fails this job alone.
    async fn run(&self, lease: Lease) -> Outcome;
}
