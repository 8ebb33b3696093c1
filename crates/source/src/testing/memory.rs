//! Bytes in memory as a source, in small pieces.

use std::sync::{
    Mutex,
    atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt, stream};
use sluice_domain::{Failure, FailureKind, Length};
use sluice_transfer::{ByteStream, Source};

/// Bytes of each piece; a prime, so that pieces end anywhere.
const PIECE: usize = 4_093;

pub(crate) struct Memory {
    bytes: Bytes,
    fingerprint: Option<&'static str>,
    /// The next stream breaks where this byte is due.
    breaks: Mutex<Option<u64>>,
    opened: AtomicUsize,
}

impl Memory {
    pub(crate) fn new(bytes: impl Into<Bytes>, fingerprint: Option<&'static str>) -> Self {
        Self { bytes: bytes.into(), fingerprint, breaks: Mutex::default(), opened: AtomicUsize::new(0) }
    }

    pub(crate) fn break_once(&self, at: u64) {
        *self.breaks.lock().unwrap() = Some(at);
    }

    /// How often it was opened.
    pub(crate) fn opened(&self) -> usize {
        self.opened.load(Ordering::Relaxed)
    }
}

#[async_trait]
impl Source for Memory {
    fn length(&self) -> Length {
        Length::Exact(self.bytes.len() as u64)
    }

    fn fingerprint(&self) -> Option<&str> {
        self.fingerprint
    }

    async fn open(&self, from: u64, to: Option<u64>) -> Result<ByteStream, Failure> {
        self.opened.fetch_add(1, Ordering::Relaxed);
        let to = to.unwrap_or(self.bytes.len() as u64);
        let broken = self.breaks.lock().unwrap().take_if(|at| (from..to).contains(at));
        let end = usize::try_from(broken.unwrap_or(to)).unwrap();
        let bytes = self.bytes.slice(usize::try_from(from).unwrap()..end);
        let pieces: Vec<_> = bytes.chunks(PIECE).map(|piece| Ok(bytes.slice_ref(piece))).collect();
        let hung_up = broken.map(|_| Err(Failure::new(FailureKind::Network, "hung up")));
        Ok(stream::iter(pieces.into_iter().chain(hung_up)).boxed())
    }
}
