//! A stream that can be read only once, made into a source that can be opened again, not far behind the farthest byte it gave.
//!
//! What was read is kept until the other side has it. When a window's worth is kept, the stream is not read any further, so that whoever
//! fills it waits: a slow sink slows the site down and never fills the memory.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use async_trait::async_trait;
use futures::StreamExt as _;
use sluice_domain::{Failure, Length};

use crate::{
    Access, BufferShare, ByteStream, Source,
    range::{PolledChunk, range},
    stretch::Stretch,
};

/// A stream with a window on what it gave last. Dropping it drops the stream, even while somebody reads.
#[derive(Debug)]
pub struct Rewind {
    shared: Arc<Shared>,
    length: Length,
    window: u64,
}

#[derive(Debug)]
struct Shared {
    /// Locked for a step at a time, never while anybody waits.
    kept: Mutex<Kept>,
    window: u64,
}

/// What was read and not released: the window and one chunk at most.
struct Kept {
    /// `None` once it has ended.
    stream: Option<ByteStream>,
    /// How it ended; told again to whoever gets there again.
    end: Option<Result<(), Failure>>,
    stretch: Stretch,
    /// Which reader is the current one. Those before it are told to stop.
    reader: u64,
    /// Of the current reader, while it waits.
    waker: Option<Waker>,
    share: Option<BufferShare>,
}

impl std::fmt::Debug for Kept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Kept").field("stretch", &self.stretch).field("end", &self.end).finish_non_exhaustive()
    }
}

impl Rewind {
    /// A window of so many bytes on a stream of about this length. The share is what the window takes of the budget.
    ///
    /// A sink may hold as many bytes as the window is wide before it releases any: one that waits for more waits for ever.
    #[must_use]
    pub fn new(stream: ByteStream, window: u64, length: Length, share: BufferShare) -> Self {
        let kept = Kept {
            stream: Some(stream),
            end: None,
            stretch: Stretch::default(),
            reader: 0,
            waker: None,
            share: Some(share),
        };
        Self { shared: Arc::new(Shared { kept: Mutex::new(kept), window }), length, window }
    }
}

#[async_trait]
impl Source for Rewind {
    fn length(&self) -> Length {
        self.length
    }

    fn access(&self) -> Access {
        Access::Forward { window: self.window }
    }

    fn release(&self, offset: u64) {
        let waker = {
            let mut kept = self.shared.kept();
            kept.stretch.release(offset);
            kept.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    async fn open(&self, from: u64, to: Option<u64>) -> Result<ByteStream, Failure> {
        let (reader, before) = {
            let mut kept = self.shared.kept();
            kept.stretch.reaches(from)?;
            kept.reader += 1;
            (kept.reader, kept.waker.take())
        };
        if let Some(waker) = before {
            waker.wake();
        }
        let shared = self.shared.clone();
        Ok(range(from, to, move |at, context| shared.poll_at(at, reader, context)))
    }
}

impl Drop for Rewind {
    fn drop(&mut self) {
        let mut kept = self.shared.kept();
        let stream = kept.stream.take();
        kept.end.get_or_insert_with(|| Err(Failure::internal("the source is gone")));
        kept.stretch.clear();
        kept.share = None;
        let waker = kept.waker.take();
        drop(kept);
        // What the stream does when it is dropped is its own affair, and may take a moment.
        drop(stream);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl Shared {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What lies at this offset, for the reader of this number. Reads the stream on where that is needed and there is room.
    fn poll_at(&self, at: u64, reader: u64, context: &mut Context<'_>) -> PolledChunk {
        let mut kept = self.kept();
        loop {
            if kept.reader != reader {
                return Poll::Ready(Some(Err(Failure::internal("another reader took over"))));
            }
            if let Some(known) = kept.stretch.known(at, kept.end.as_ref()) {
                return Poll::Ready(known);
            }
            if kept.advance(self.window, context).is_pending() {
                return Poll::Pending;
            }
        }
    }
}

impl Kept {
    /// Reads the stream on, unless a window's worth is kept. An end is noted.
    fn advance(&mut self, window: u64, context: &mut Context<'_>) -> Poll<()> {
        if let (None, Some(stream)) = (&self.end, &mut self.stream)
            // With exactly a window's worth it is read on: the sink that holds all of it may only have to learn that this was the end.
            && self.stretch.len() <= window
        {
            match stream.poll_next_unpin(context) {
                Poll::Ready(Some(Ok(chunk))) => {
                    self.stretch.push(chunk);
                    return Poll::Ready(());
                }
                Poll::Ready(Some(Err(failure))) => self.end = Some(Err(failure)),
                Poll::Ready(None) => self.end = Some(Ok(())),
                Poll::Pending => {}
            }
        }
        if self.end.is_some() {
            self.stream = None;
            return Poll::Ready(());
        }
        self.waker = Some(context.waker().clone());
        Poll::Pending
    }
}

#[cfg(test)]
mod tests;
