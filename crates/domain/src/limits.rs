//! The gate's numbers.

use std::time::Duration;

use crate::ByteSize;

/// The limits that a job is judged by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// The largest file that may land, in bytes.
    pub max_file_bytes: ByteSize,
    /// The longest one attempt may take.
    pub job_timeout: Duration,
    /// The longest time without a byte.
    pub idle_timeout: Duration,
    /// The least that a source must send in a second, on an average minute, in bytes.
    pub least_rate: ByteSize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_file_bytes: ByteSize(4_000_000_000),
            job_timeout: Duration::from_secs(6 * 3600),
            idle_timeout: Duration::from_secs(60),
            least_rate: ByteSize(1_000),
        }
    }
}
