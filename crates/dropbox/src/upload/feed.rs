//! Reads the source, piece by piece, into request bodies, and hashes what passes.
//!
//! A body takes its bytes straight from the open stream: nothing is kept. The stream stays open from one append to the next; only when
//! Dropbox confirms another offset than where it stands is the source opened again.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use futures::{StreamExt, future::poll_fn};
use http_body::{Body, Frame, SizeHint};
use sluice_domain::{Failure, FailureKind, Length};
use sluice_transfer::{ByteStream, Source};
use tokio::time::Instant;

use crate::{ContentHasher, call::Outgoing};

/// The largest frame in bytes: hashing one must not hold up the runtime.
const LARGEST_FRAME: usize = 256 * 1024;

/// A source on its way into request bodies.
pub(super) struct Feed<'s> {
    source: &'s dyn Source,
    reader: Arc<Mutex<Reader>>,
}

/// The open stream. A body may live a little longer than its call: `generation` tells it that its time is over.
struct Reader {
    stream: Option<ByteStream>,
    buffer: Bytes,
    /// Offset of the first byte that was not yet handed out.
    position: u64,
    /// Of the bytes from the start; those that are read again are not hashed again.
    hasher: ContentHasher,
    /// Where the source ends, once it has proven it.
    end: Option<u64>,
    failure: Option<Failure>,
    generation: u64,
    /// It is the source that is slow, not Dropbox.
    waiting: bool,
    /// When bytes were last handed out.
    moved: Instant,
}

/// A piece of the source that is about to be sent.
pub(super) struct Piece {
    reader: Arc<Mutex<Reader>>,
    generation: u64,
    /// Bytes that may still be handed out.
    left: u64,
    exact: bool,
}

impl<'s> Feed<'s> {
    pub(super) fn new(source: &'s dyn Source) -> Self {
        let reader = Reader {
            stream: None,
            buffer: Bytes::new(),
            position: 0,
            hasher: ContentHasher::new(),
            end: None,
            failure: None,
            generation: 0,
            waiting: false,
            moved: Instant::now(),
        };
        Self { source, reader: Arc::new(Mutex::new(reader)) }
    }

    pub(super) fn length(&self) -> Length {
        self.source.length()
    }

    /// The next piece from this offset, at most so many bytes; `None` when the source has proven to end here.
    pub(super) async fn piece(&self, offset: u64, most: u64) -> Result<Option<Piece>, Failure> {
        if self.lock().end == Some(offset) {
            return Ok(None);
        }
        if self.lock().must_open(offset) {
            let stream = self.source.open(offset, None).await?;
            let mut reader = self.lock();
            (reader.stream, reader.buffer, reader.position) = (Some(stream), Bytes::new(), offset);
        }
        // A request begins when there is something to send.
        let more = poll_fn(|context| self.lock().poll_fill(context)).await;
        let mut reader = self.lock();
        if let Some(failure) = reader.failure.take() {
            return Err(failure);
        }
        let left = match (self.source.length(), more) {
            (Length::Exact(total), true) if offset >= total => return Err(lied(total, "more")),
            (Length::Exact(total), false) if offset < total => return Err(lied(total, "fewer")),
            (_, false) => return Ok(None),
            (Length::Exact(total), true) => most.min(total - offset),
            (Length::Estimate(_) | Length::Unknown, true) => most,
        };
        reader.moved = Instant::now();
        let exact = matches!(self.source.length(), Length::Exact(_));
        Ok(Some(Piece { reader: self.reader.clone(), generation: reader.generation, left, exact }))
    }

    /// The call with the last piece is over: its body gets no more. Tells how far the bytes went that were handed out.
    pub(super) fn close(&self) -> u64 {
        let mut reader = self.lock();
        reader.generation += 1;
        reader.position
    }

    /// What went wrong with the source itself, if anything did.
    pub(super) fn failure(&self) -> Option<Failure> {
        self.lock().failure.take()
    }

    /// Of everything that was read.
    pub(super) fn content_hash(&self) -> String {
        self.lock().hasher.clone().finish()
    }

    fn lock(&self) -> MutexGuard<'_, Reader> {
        lock(&self.reader)
    }
}

fn lock(reader: &Mutex<Reader>) -> MutexGuard<'_, Reader> {
    reader.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A source must be what it said it is.
fn lied(total: u64, than: &str) -> Failure {
    Failure::new(FailureKind::Network, format!("the source has {than} than the {total} bytes that it announced"))
}

impl Reader {
    fn must_open(&self, offset: u64) -> bool {
        self.stream.is_none() || self.position != offset
    }

    /// Ready with `true` when there are bytes, with `false` at the end or after a failure.
    fn poll_fill(&mut self, context: &mut Context<'_>) -> Poll<bool> {
        while self.buffer.is_empty() {
            let Some(stream) = self.stream.as_mut().filter(|_| self.end != Some(self.position)) else {
                return Poll::Ready(false);
            };
            let next = stream.poll_next_unpin(context);
            self.waiting = next.is_pending();
            match ready!(next) {
                Some(Ok(bytes)) => self.buffer = bytes,
                Some(Err(failure)) => (self.failure, self.stream) = (Some(failure), None),
                None => self.end = Some(self.position),
            }
            self.moved = Instant::now();
        }
        Poll::Ready(true)
    }

    fn take(&mut self, most: u64) -> Bytes {
        let most = usize::try_from(most).unwrap_or(usize::MAX).min(LARGEST_FRAME).min(self.buffer.len());
        let bytes = self.buffer.split_to(most);
        let known = usize::try_from(self.hasher.length().saturating_sub(self.position)).unwrap_or(usize::MAX);
        if let Some(new) = bytes.get(known..) {
            self.hasher.update(new);
        }
        self.position += bytes.len() as u64;
        self.moved = Instant::now();
        bytes
    }
}

impl Piece {
    /// As a body that streams. The call ends when Dropbox takes nothing for so long.
    pub(super) fn outgoing(self, stall_timeout: Duration) -> Outgoing {
        let patience = Box::pin(stalled(self.reader.clone(), stall_timeout));
        Outgoing { body: Some(reqwest::Body::wrap(self)), patience }
    }

    /// How many bytes it will have, when that is certain.
    pub(super) fn exact(&self) -> Option<u64> {
        self.exact.then_some(self.left)
    }
}

/// Ends when nothing was taken for this long, unless the source kept it waiting.
async fn stalled(reader: Arc<Mutex<Reader>>, timeout: Duration) {
    loop {
        let until = {
            let reader = lock(&reader);
            let from = if reader.waiting { Instant::now() } else { reader.moved };
            from + timeout
        };
        if until <= Instant::now() {
            return;
        }
        tokio::time::sleep_until(until).await;
    }
}

impl Body for Piece {
    type Data = Bytes;
    type Error = Failure;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Failure>>> {
        let this = self.get_mut();
        if this.left == 0 {
            return Poll::Ready(None);
        }
        let mut reader = lock(&this.reader);
        if reader.generation != this.generation {
            return Poll::Ready(Some(Err(Failure::internal("this call is over"))));
        }
        let more = ready!(reader.poll_fill(context));
        if more {
            let bytes = reader.take(this.left);
            this.left -= bytes.len() as u64;
            return Poll::Ready(Some(Ok(Frame::data(bytes))));
        }
        if this.exact && reader.failure.is_none() {
            reader.failure = Some(lied(reader.position + this.left, "fewer"));
        }
        // The failure itself stays with the feed; this one only breaks the request off.
        Poll::Ready(reader.failure.clone().map(Err))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        if self.exact { SizeHint::with_exact(self.left) } else { SizeHint::new() }
    }
}

#[cfg(test)]
mod tests;
