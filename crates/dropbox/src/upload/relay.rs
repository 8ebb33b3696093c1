//! How the open source goes from one append to the next while the first still waits for its answer.
//!
//! The last bytes of an append are still on their way when all of them have been handed out; then comes the round trip. In that time
//! neither line need stand still: the next append begins where this one stopped, with the stream that this one has read.

use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use sluice_transfer::ByteStream;
use tokio::sync::Notify;

/// Between the appends of one session. It holds one stream at the most.
#[derive(Debug, Default)]
pub(super) struct Relay {
    passed: Mutex<Passed>,
    news: Notify,
}

#[derive(Default)]
struct Passed {
    stream: Option<Open>,
    /// Where the append that passed it on had begun.
    by: Option<u64>,
}

/// A source that is being read.
pub(super) struct Open {
    pub(super) stream: ByteStream,
    /// What was read and not handed out.
    pub(super) buffer: Bytes,
    /// The offset of the next byte.
    pub(super) position: u64,
}

impl std::fmt::Debug for Passed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Passed").field("by", &self.by).finish_non_exhaustive()
    }
}

impl Relay {
    /// The append that began at `by` has handed everything out.
    pub(super) fn pass(&self, by: u64, stream: Option<Open>) {
        *self.lock() = Passed { stream, by: Some(by) };
        self.news.notify_one();
    }

    /// Waits until an append has handed everything out; tells where that one began.
    pub(super) async fn passed(&self) -> u64 {
        loop {
            self.news.notified().await;
            if let Some(by) = self.lock().by.take() {
                return by;
            }
        }
    }

    /// The stream, if it stands at this offset. One that stands elsewhere is of no use to anybody any more.
    pub(super) fn take(&self, position: u64) -> Option<Open> {
        self.lock().stream.take().filter(|open| open.position == position)
    }

    /// Nobody goes on with the stream: it does not stay open beside others, on a site that may serve one at a time.
    pub(super) fn let_go(&self) {
        let stream = self.lock().stream.take();
        drop(stream);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Passed> {
        self.passed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
