//! Where bytes come from.

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use sluice_domain::{Failure, Length};

/// A bounded stream of chunks. It ends with `None` only after the source has proven that it gave everything; a source that breaks off ends
/// with an error.
pub type ByteStream = BoxStream<'static, Result<Bytes, Failure>>;

/// Bytes that can be read from any offset, as often as needed.
#[async_trait]
pub trait Source: Send + Sync {
    /// How many bytes there are.
    fn length(&self) -> Length;

    /// Opens the source at this offset, in bytes from the start.
    ///
    /// # Errors
    /// When it cannot be opened, or is no longer the same source as before.
    async fn open(&self, offset: u64) -> Result<ByteStream, Failure>;
}
