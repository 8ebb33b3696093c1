//! Where bytes come from.

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use sluice_domain::{Failure, Length};

/// A bounded stream of chunks. It ends with `None` only after the source has proven that it gave everything that was asked for; a source
/// that breaks off ends with an error.
pub type ByteStream = BoxStream<'static, Result<Bytes, Failure>>;

/// How a source can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Any range, as often as needed, several at once.
    Random,
    /// Once, from the start. It can be opened again at most so many bytes behind the farthest one that it gave.
    Forward {
        /// Bytes.
        window: u64,
    },
}

/// Bytes that can be read more than once.
#[async_trait]
pub trait Source: Send + Sync {
    /// How many bytes there are.
    fn length(&self) -> Length;

    /// How it can be read.
    fn access(&self) -> Access {
        Access::Random
    }

    /// What its bytes are known by: a source with the same fingerprint, in whatever process, gives the same bytes. `None` when nothing
    /// vouches for that, or nobody else could read them from the middle; then a later attempt begins again.
    fn fingerprint(&self) -> Option<&str> {
        None
    }

    /// Bytes before this offset are safe on the other side and never asked for again.
    fn release(&self, offset: u64) {
        let _ = offset;
    }

    /// Opens the source at `from`, in bytes from the start, up to `to` or the end.
    ///
    /// # Errors
    /// When it cannot be opened there, or is no longer the same source as before.
    async fn open(&self, from: u64, to: Option<u64>) -> Result<ByteStream, Failure>;
}
