//! The other ends of an upload: a source in memory, a journal and pauses that remember.

use std::{
    ops::Range,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
use bytes::Bytes;
use futures::{Stream, StreamExt, stream};
use sluice_domain::{AccountId, Checkpoint, Failure, FailureKind, Length, UploadIntent};
use sluice_dropbox::Pauses;
use sluice_transfer::{Access, ByteStream, Journal, Source};
use tokio::sync::Notify;

/// Bytes in memory, as a source that is read in pieces of an odd size.
pub(crate) struct Memory {
    pub(crate) bytes: Bytes,
    pub(crate) length: Length,
    pub(crate) access: Access,
    pub(crate) fingerprint: Option<String>,
    /// It breaks off here.
    pub(crate) breaks_at: Option<u64>,
    /// Here it tells that it came so far, and waits until it may go on.
    pub(crate) stops_at: Option<u64>,
    pub(crate) stopped: Arc<Notify>,
    pub(crate) go_on: Arc<Notify>,
    pub(crate) opened: AtomicUsize,
    /// Bytes that it gave, in all.
    pub(crate) given: Arc<AtomicU64>,
    pub(crate) farthest: Arc<AtomicU64>,
    pub(crate) released: AtomicU64,
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
        Self {
            bytes: bytes.into(),
            length: Length::Exact(size as u64),
            access: Access::Random,
            fingerprint: None,
            breaks_at: None,
            stops_at: None,
            stopped: Arc::default(),
            go_on: Arc::default(),
            opened: AtomicUsize::new(0),
            given: Arc::default(),
            farthest: Arc::default(),
            released: AtomicU64::new(0),
        }
    }

    fn pieces(&self, range: Range<usize>) -> impl Stream<Item = Result<Bytes, Failure>> + use<> {
        let (given, farthest) = (self.given.clone(), self.farthest.clone());
        let mut position = range.start as u64;
        let pieces: Vec<_> = self.bytes.slice(range).chunks(77_777).map(Bytes::copy_from_slice).collect();
        stream::iter(pieces).map(move |piece| {
            position += piece.len() as u64;
            given.fetch_add(piece.len() as u64, Ordering::Relaxed);
            farthest.fetch_max(position, Ordering::Relaxed);
            Ok(piece)
        })
    }

    /// The same, known by a fingerprint.
    pub(crate) fn known(size: usize) -> Self {
        Self { fingerprint: Some(format!("{size} bytes")), ..Self::of(size) }
    }
}

#[async_trait]
impl Source for Memory {
    fn length(&self) -> Length {
        self.length
    }

    fn access(&self) -> Access {
        self.access
    }

    fn fingerprint(&self) -> Option<&str> {
        self.fingerprint.as_deref()
    }

    fn release(&self, offset: u64) {
        self.released.fetch_max(offset, Ordering::Relaxed);
    }

    async fn open(&self, offset: u64, to: Option<u64>) -> Result<ByteStream, Failure> {
        self.opened.fetch_add(1, Ordering::Relaxed);
        let farthest = self.farthest.load(Ordering::Relaxed);
        if let Access::Forward { window } = self.access {
            assert!(farthest == 0 || window > 0 && offset + window >= farthest, "{offset} is behind the window");
            assert!(offset >= self.released.load(Ordering::Relaxed), "{offset} was let go");
        }
        let at = |offset: u64| usize::try_from(offset).unwrap().min(self.bytes.len());
        let asked = to.map_or(self.bytes.len(), at);
        let breaks = self.breaks_at.map(at).filter(|breaks| (at(offset)..=asked).contains(breaks));
        let end = breaks.unwrap_or(asked);
        let stop = self.stops_at.map(at).filter(|stop| (at(offset)..end).contains(stop));
        let (first, second) = (at(offset)..stop.unwrap_or(end), stop.unwrap_or(end)..end);
        let (first, second) = (self.pieces(first), self.pieces(second));
        let (stopped, go_on) = (self.stopped.clone(), self.go_on.clone());
        let pause = stream::iter(stop).filter_map(move |_| {
            let (stopped, go_on) = (stopped.clone(), go_on.clone());
            async move {
                stopped.notify_one();
                go_on.notified().await;
                None
            }
        });
        let broken = breaks.map(|_| Err(Failure::new(FailureKind::SiteBusy, "the site hung up")));
        Ok(first.chain(pause).chain(second).chain(stream::iter(broken)).boxed())
    }
}

/// Remembers intents and checkpoints; may refuse from the nth on.
#[derive(Default)]
pub(crate) struct Notes {
    pub(crate) intents: Mutex<Vec<UploadIntent>>,
    pub(crate) refuses_from: Option<usize>,
    pub(crate) checkpoints: Mutex<Vec<Checkpoint>>,
    /// The job is somebody else's now.
    pub(crate) fenced: AtomicBool,
    pub(crate) noted: Notify,
}

impl Notes {
    /// Waits for the nth checkpoint from now, and gives it.
    pub(crate) async fn checkpoint(&self, nth: usize) -> Checkpoint {
        loop {
            let noted = self.noted.notified();
            if let Some(checkpoint) = self.checkpoints.lock().unwrap().get(nth - 1) {
                return checkpoint.clone();
            }
            noted.await;
        }
    }

    pub(crate) fn last(&self) -> Option<Checkpoint> {
        self.checkpoints.lock().unwrap().last().cloned()
    }
}

#[async_trait]
impl Journal for Notes {
    async fn before_commit(&self, intent: &UploadIntent) -> Result<(), Failure> {
        let mut intents = self.intents.lock().unwrap();
        let refuses = self.refuses_from.is_some_and(|nth| intents.len() + 1 >= nth);
        if refuses || self.fenced.load(Ordering::Relaxed) {
            return Err(Failure::internal("the job is somebody else's"));
        }
        intents.push(intent.clone());
        Ok(())
    }

    async fn checkpoint(&self, checkpoint: &Checkpoint) -> Result<(), Failure> {
        if self.fenced.load(Ordering::Relaxed) {
            return Err(Failure::internal("the job is somebody else's"));
        }
        assert!(checkpoint.sink.len() < 8 * 1024, "{}", checkpoint.sink.len());
        self.checkpoints.lock().unwrap().push(checkpoint.clone());
        self.noted.notify_waiters();
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
