//! The other ends of an upload: a source in memory, a journal and pauses that remember.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt, stream};
use sluice_domain::{AccountId, Checkpoint, Failure, FailureKind, Length, UploadIntent};
use sluice_dropbox::Pauses;
use sluice_transfer::{ByteStream, Journal, Source};
use tokio::sync::Notify;

/// Bytes in memory, as a source that is read in pieces of an odd size.
pub(crate) struct Memory {
    pub(crate) bytes: Bytes,
    pub(crate) length: Length,
    /// It breaks off here.
    pub(crate) breaks_at: Option<u64>,
    pub(crate) opened: AtomicUsize,
}

impl Memory {
    /// So many bytes, which no other number of bytes begins with.
    pub(crate) fn of(size: usize) -> Self {
        let mut state = size as u64 | 1;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 56) as u8
        };
        let bytes: Vec<u8> = (0..size).map(|_| next()).collect();
        Self { bytes: bytes.into(), length: Length::Exact(size as u64), breaks_at: None, opened: AtomicUsize::new(0) }
    }
}

#[async_trait]
impl Source for Memory {
    fn length(&self) -> Length {
        self.length
    }

    async fn open(&self, offset: u64, _: Option<u64>) -> Result<ByteStream, Failure> {
        self.opened.fetch_add(1, Ordering::Relaxed);
        let start = usize::try_from(offset).unwrap().min(self.bytes.len());
        let end = self.breaks_at.map_or(self.bytes.len(), |at| usize::try_from(at).unwrap());
        let pieces: Vec<_> = self.bytes[start..end].chunks(77_777).map(Bytes::copy_from_slice).map(Ok).collect();
        let broken = self.breaks_at.map(|_| Err(Failure::new(FailureKind::SiteBusy, "the site hung up")));
        Ok(stream::iter(pieces.into_iter().chain(broken)).boxed())
    }
}

/// Remembers intents; may refuse from the nth on.
#[derive(Default)]
pub(crate) struct Notes {
    pub(crate) intents: Mutex<Vec<UploadIntent>>,
    pub(crate) refuses_from: Option<usize>,
}

#[async_trait]
impl Journal for Notes {
    async fn before_commit(&self, intent: &UploadIntent) -> Result<(), Failure> {
        let mut intents = self.intents.lock().unwrap();
        if self.refuses_from.is_some_and(|nth| intents.len() + 1 >= nth) {
            return Err(Failure::internal("the job is somebody else's"));
        }
        intents.push(intent.clone());
        Ok(())
    }

    async fn checkpoint(&self, _: &Checkpoint) -> Result<(), Failure> {
        Ok(())
    }
}

/// Pauses of one process; remembers all.
#[derive(Default)]
pub(crate) struct Remembered {
    pub(crate) all: Mutex<Vec<(Instant, Duration)>>,
    pub(crate) paused: Notify,
}

#[async_trait]
impl Pauses for Remembered {
    async fn paused_for(&self, _: &AccountId) -> Option<Duration> {
        let now = Instant::now();
        let left = |(at, wait): &(Instant, Duration)| (*at + *wait).checked_duration_since(now);
        self.all.lock().unwrap().iter().filter_map(left).max()
    }

    async fn pause(&self, _: &AccountId, wait: Duration) {
        self.all.lock().unwrap().push((Instant::now(), wait));
        self.paused.notify_one();
    }
}
