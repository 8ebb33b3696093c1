//! How far an upload has come, so that another worker can go on there.

use serde::{Deserialize, Serialize};

/// The last point that both sides agree on. It belongs to the bytes of one fingerprint: of other bytes it says nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// What the source was known by; a source with another one begins again.
    pub fingerprint: String,
    /// Bytes, from the start, that are safe on the other side.
    pub offset: u64,
    /// What else the sink has to remember, in its own words: nobody else reads it. A few kilobytes at the most.
    pub sink: String,
}
