//! An open source, and the request bodies that are drawn from it.
//!
//! A body takes its bytes straight from the open stream: nothing is kept, and what passes is hashed. The stream stays open from one append
//! to the next; only when the next bytes lie elsewhere than where it stands is the source opened again.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use futures::{StreamExt, future::poll_fn};
use http_body::{Body, Frame, SizeHint};
use sluice_domain::{Failure, FailureKind};
use sluice_transfer::{Access, ByteStream, Source};
use tokio::time::Instant;

use super::{
    held::Held,
    relay::{Open, Relay},
};
use crate::{
    ContentHasher,
    call::Outgoing,
    content_hash::{self, Blocks},
};

/// The largest frame in bytes: hashing one must not hold up the runtime, and a connection may hold two.
const LARGEST_FRAME: usize = 64 * 1024;

/// Hashes what passes.
pub(super) trait Hashes: Send + Unpin + 'static {
    /// Bytes before this one are hashed already.
    fn position(&self) -> u64;
    /// The bytes from there on.
    fn update(&mut self, bytes: &[u8]);
}

impl Hashes for ContentHasher {
    fn position(&self) -> u64 {
        self.length()
    }

    fn update(&mut self, bytes: &[u8]) {
        self.update(bytes);
    }
}

impl Hashes for Blocks {
    fn position(&self) -> u64 {
        content_hash::Blocks::position(self)
    }

    fn update(&mut self, bytes: &[u8]) {
        content_hash::Blocks::update(self, bytes);
    }
}

/// A source on its way into request bodies.
pub(super) struct Tap<'s, H> {
    source: &'s dyn Source,
    reader: Arc<Mutex<Reader<H>>>,
}

/// The open stream. A body may live a little longer than its call: `generation` tells it that its time is over.
pub(super) struct Reader<H> {
    stream: Option<ByteStream>,
    buffer: Bytes,
    /// Offset of the first byte that was not yet handed out.
    pub(super) position: u64,
    /// The farthest byte that the source ever gave.
    given: u64,
    /// Bytes before this one were let go.
    released: u64,
    /// Of what passes; bytes that pass again are not hashed again.
    pub(super) hasher: H,
    /// Where the open stream has ended, if it has.
    pub(super) end: Option<u64>,
    failure: Option<Failure>,
    generation: u64,
    /// It is the source that is slow, not Dropbox.
    pub(super) waiting: bool,
    /// How long the source was waited for since somebody last asked, and since when it is now.
    waited: Duration,
    waits_since: Option<Instant>,
    /// When bytes were last handed out.
    moved: Instant,
}

/// A piece of the source that is about to be sent.
pub(super) struct Piece<H> {
    reader: Arc<Mutex<Reader<H>>>,
    generation: u64,
    /// Bytes that may still be handed out.
    left: u64,
    exact: bool,
    /// Who gets the stream when all of it is handed out, and where this piece began.
    next: Option<(Arc<Relay>, u64)>,
    held: Held,
}

impl<'s, H: Hashes> Tap<'s, H> {
    pub(super) fn new(source: &'s dyn Source, hasher: H) -> Self {
        let reader = Reader {
            stream: None,
            buffer: Bytes::new(),
            position: 0,
            given: 0,
            released: 0,
            hasher,
            end: None,
            failure: None,
            generation: 0,
            waiting: false,
            waited: Duration::ZERO,
            waits_since: None,
            moved: Instant::now(),
        };
        Self { source, reader: Arc::new(Mutex::new(reader)) }
    }

    pub(super) fn source(&self) -> &'s dyn Source {
        self.source
    }

    /// Would the source have to be opened for the byte at this offset?
    pub(super) fn must_open(&self, offset: u64) -> bool {
        let reader = self.lock();
        reader.stream.is_none() || reader.position != offset
    }

    /// Sees to it that the next byte is the one at this offset. If the source has to be opened for that, then up to `to`.
    pub(super) async fn stand_at(&self, offset: u64, to: Option<u64>) -> Result<(), Failure> {
        if !self.must_open(offset) {
            return Ok(());
        }
        self.check_reach(offset)?;
        let stream = self.source.open(offset, to).await?;
        let mut reader = self.lock();
        (reader.stream, reader.buffer, reader.position, reader.end) = (Some(stream), Bytes::new(), offset, None);
        Ok(())
    }

    /// Goes on with a stream that another one has read so far.
    pub(super) fn take_over(&self, open: Open) {
        let mut reader = self.lock();
        (reader.stream, reader.buffer, reader.position, reader.end) =
            (Some(open.stream), open.buffer, open.position, None);
    }

    /// Can the source still be opened there?
    fn check_reach(&self, offset: u64) -> Result<(), Failure> {
        let Access::Forward { window } = self.source.access() else { return Ok(()) };
        let Reader { given, released, .. } = *self.lock();
        let gone = offset < released || (given > 0 && window == 0) || offset.saturating_add(window) < given;
        if !gone {
            return Ok(());
        }
        let detail = format!("bytes from {offset} on are needed again; {given} were read, the window is {window}");
        Err(Failure::new(FailureKind::DropboxBusy, detail)
            .explained("Dropbox lost a part of the upload that cannot be sent again. Retry."))
    }

    /// Bytes before this offset are never asked for again.
    pub(super) fn release(&self, offset: u64) {
        // What can be read at any place may be needed from the start, should Dropbox lose the session.
        if matches!(self.source.access(), Access::Forward { .. }) {
            self.lock().released = offset;
            self.source.release(offset);
        }
    }

    /// Waits for bytes; `false` at the end of the stream.
    pub(super) async fn more(&self) -> Result<bool, Failure> {
        let more = poll_fn(|context| self.lock().poll_fill(context)).await;
        match self.lock().failure.take() {
            Some(failure) => Err(failure),
            None => Ok(more),
        }
    }

    /// Takes everything before this offset off the stream, for the hash alone.
    pub(super) async fn pass(&self, to: u64) -> Result<(), Failure> {
        while self.more().await? {
            {
                let mut reader = self.lock();
                let left = to.saturating_sub(reader.position);
                if left == 0 {
                    return Ok(());
                }
                reader.take(left);
            }
            // A stream that is always ready must not hold up the runtime.
            tokio::task::yield_now().await;
        }
        if self.lock().position < to { Err(lied(to, "fewer")) } else { Ok(()) }
    }

    /// The open stream is of no use any more.
    pub(super) fn shut(&self) {
        self.lock().stream = None;
    }

    /// What comes next is hashed anew, and its waits are counted from here.
    pub(super) fn begin(&self, hasher: H) {
        let mut reader = self.lock();
        reader.hasher = hasher;
        reader.waited();
    }

    /// The next piece, so long; or at most so long, when that is not exact.
    pub(super) fn piece(&self, length: u64, exact: bool) -> Piece<H> {
        let mut reader = self.lock();
        reader.moved = Instant::now();
        Piece {
            reader: self.reader.clone(),
            generation: reader.generation,
            left: length,
            exact,
            next: None,
            held: Held::default(),
        }
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

    /// What ends when Dropbox takes nothing for so long.
    #[cfg(test)]
    pub(super) fn stall(&self, timeout: Duration) -> impl Future<Output = ()> {
        stalled(self.reader.clone(), timeout)
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Reader<H>> {
        lock(&self.reader)
    }
}

fn lock<H>(reader: &Mutex<Reader<H>>) -> MutexGuard<'_, Reader<H>> {
    reader.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A source must be what it said it is.
pub(super) fn lied(total: u64, than: &str) -> Failure {
    Failure::new(FailureKind::Network, format!("the source has {than} than the {total} bytes that it announced"))
}

impl<H: Hashes> Reader<H> {
    /// The open stream, for somebody else to go on with.
    fn give_away(&mut self) -> Option<Open> {
        let (stream, buffer) = (self.stream.take()?, std::mem::take(&mut self.buffer));
        Some(Open { stream, buffer, position: self.position })
    }

    /// Ready with `true` when there are bytes, with `false` at the end or after a failure.
    fn poll_fill(&mut self, context: &mut Context<'_>) -> Poll<bool> {
        while self.buffer.is_empty() {
            let Some(stream) = self.stream.as_mut().filter(|_| self.end != Some(self.position)) else {
                return Poll::Ready(false);
            };
            let next = stream.poll_next_unpin(context);
            self.waiting = next.is_pending();
            if self.waiting {
                self.waits_since.get_or_insert_with(Instant::now);
            } else if let Some(since) = self.waits_since.take() {
                self.waited += since.elapsed();
            }
            match ready!(next) {
                Some(Ok(bytes)) => {
                    self.given = self.given.max(self.position + bytes.len() as u64);
                    self.buffer = bytes;
                }
                Some(Err(failure)) => (self.failure, self.stream) = (Some(failure), None),
                None => self.end = Some(self.position),
            }
            self.moved = Instant::now();
        }
        Poll::Ready(true)
    }

    /// How long the source was waited for since the last time that this was asked.
    pub(super) fn waited(&mut self) -> Duration {
        std::mem::take(&mut self.waited)
    }

    /// Takes at most so many bytes off the stream, and hashes what is new of them.
    pub(super) fn take(&mut self, most: u64) -> Bytes {
        let most = usize::try_from(most).unwrap_or(usize::MAX).min(LARGEST_FRAME).min(self.buffer.len());
        let bytes = self.buffer.split_to(most);
        let known = usize::try_from(self.hasher.position().saturating_sub(self.position)).unwrap_or(usize::MAX);
        if let Some(new) = bytes.get(known..) {
            self.hasher.update(new);
        }
        self.position += bytes.len() as u64;
        self.moved = Instant::now();
        bytes
    }
}

impl<H: Hashes> Piece<H> {
    /// The same piece; when all of it is handed out, the stream goes on to the next append.
    pub(super) fn then(self, relay: &Arc<Relay>) -> Self {
        let from = lock(&self.reader).position;
        Self { next: Some((relay.clone(), from)), ..self }
    }

    /// As a body that streams. The call ends when Dropbox takes nothing for so long.
    pub(super) fn outgoing(self, stall_timeout: Duration) -> Outgoing {
        let patience = Box::pin(stalled(self.reader.clone(), stall_timeout));
        Outgoing { body: Some(reqwest::Body::wrap(self)), patience, line: 0 }
    }

    /// How many bytes it will have, when that is certain.
    pub(super) fn exact(&self) -> Option<u64> {
        self.exact.then_some(self.left)
    }
}

/// Ends when nothing was taken for this long, unless the source kept it waiting.
async fn stalled<H>(reader: Arc<Mutex<Reader<H>>>, timeout: Duration) {
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

impl<H: Hashes> Body for Piece<H> {
    type Data = Bytes;
    type Error = Failure;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Failure>>> {
        let this = self.get_mut();
        if this.left == 0 {
            return Poll::Ready(None);
        }
        ready!(this.held.poll_room(context));
        let mut reader = lock(&this.reader);
        if reader.generation != this.generation {
            return Poll::Ready(Some(Err(Failure::internal("this call is over"))));
        }
        let more = ready!(reader.poll_fill(context));
        if more {
            let bytes = reader.take(this.left);
            this.left -= bytes.len() as u64;
            if let (0, Some((relay, from))) = (this.left, &this.next) {
                relay.pass(*from, reader.give_away());
            }
            return Poll::Ready(Some(Ok(Frame::data(this.held.hand_out(bytes)))));
        }
        if this.exact && reader.failure.is_none() {
            reader.failure = Some(lied(reader.position + this.left, "fewer"));
        }
        // The failure itself stays with the tap; this one only breaks the request off.
        Poll::Ready(reader.failure.clone().map(Err))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        if self.exact { SizeHint::with_exact(self.left) } else { SizeHint::new() }
    }
}
