//! Why the queue did not do what was asked.

use sluice_store::StoreError;
use thiserror::Error;

/// Why the queue did not do what was asked. The messages of all but [`QueueError::Store`] may be shown to people.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum QueueError {
    /// The account has too many jobs waiting.
    #[error("{limit} links are waiting already. Let some finish, or cancel some.")]
    Full {
        /// `limits.user_queued`.
        limit: u32,
    },
    /// The job has completed.
    #[error("This has been sent already.")]
    NotRetryable,
    /// The job is not over.
    #[error("This is still under way. Cancel it first.")]
    NotFinal,
    /// Not a weight.
    #[error("A weight is a whole number from 1 to 16.")]
    BadWeight,
    /// Redis.
    #[error(transparent)]
    Store(#[from] StoreError),
}
