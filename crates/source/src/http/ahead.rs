//! What may be fetched before its turn: so much in all, shared evenly by the streams that are open.
//!
//! A line that is slow because a hundred streams share it makes each of them look for more connections, which bring none of them anything.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use sluice_domain::ByteSize;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What is counted, in bytes.
const UNIT: u64 = 64 * 1024;

/// Of all streams of a process. Clones share it.
#[derive(Debug, Clone)]
pub(super) struct Ahead {
    free: Arc<Semaphore>,
    units: usize,
    streams: Arc<AtomicUsize>,
}

/// Of one stream, while it lives.
#[derive(Debug)]
pub(super) struct Share(Ahead);

/// The place of a segment.
pub(super) type Room = OwnedSemaphorePermit;

impl Ahead {
    pub(super) fn new(bytes: ByteSize) -> Self {
        let units = usize::try_from(bytes.0 / UNIT).unwrap_or(usize::MAX).min(Semaphore::MAX_PERMITS);
        Self { free: Arc::new(Semaphore::new(units)), units, streams: Arc::default() }
    }

    /// Of one more stream.
    pub(super) fn share(&self) -> Share {
        self.streams.fetch_add(1, Ordering::Relaxed);
        Share(self.clone())
    }

    /// What nobody has taken, in bytes.
    #[cfg(test)]
    pub(super) fn free(&self) -> u64 {
        self.free.available_permits() as u64 * UNIT
    }
}

impl Share {
    /// Of this stream, just now, in bytes.
    pub(super) fn bytes(&self) -> u64 {
        (self.0.units / self.0.streams.load(Ordering::Relaxed).max(1)) as u64 * UNIT
    }

    /// Room for so many bytes more, beside what the stream has.
    pub(super) fn room<'a>(&self, has: impl Iterator<Item = &'a Room>, bytes: u64) -> Option<Room> {
        let taken: u64 = has.map(|room| room.num_permits() as u64 * UNIT).sum();
        if taken.saturating_add(bytes) > self.bytes() {
            return None;
        }
        self.0.free.clone().try_acquire_many_owned(u32::try_from(bytes.div_ceil(UNIT)).ok()?).ok()
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.0.streams.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_share_evenly_and_give_everything_back() {
        let ahead = Ahead::new(ByteSize(10 * UNIT));
        let first = ahead.share();
        let has = first.room([].into_iter(), 4 * UNIT).unwrap();
        assert!(first.room([&has].into_iter(), 7 * UNIT).is_none());
        let second = ahead.share();
        assert_eq!((first.bytes(), second.bytes()), (5 * UNIT, 5 * UNIT));
        assert!(first.room([&has].into_iter(), 2 * UNIT).is_none());
        let more = first.room([&has].into_iter(), UNIT).unwrap();
        assert!(second.room([].into_iter(), 6 * UNIT).is_none());
        drop(second);
        let last = first.room([&has, &more].into_iter(), 5 * UNIT).unwrap();
        assert_eq!(ahead.free(), 0);
        drop((has, more, last));
        assert_eq!(ahead.free(), 10 * UNIT);
    }

    #[test]
    fn what_others_have_not_given_back_yet_is_taken() {
        let ahead = Ahead::new(ByteSize(4 * UNIT));
        let first = ahead.share();
        let _all = first.room([].into_iter(), 4 * UNIT).unwrap();
        assert!(ahead.share().room([].into_iter(), UNIT).is_none());
    }
}
