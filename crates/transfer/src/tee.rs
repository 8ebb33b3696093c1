//! One stream for two: a sink, which may open it again, and somebody beside it, who takes everything once.
//!
//! Each byte is fetched once and kept until both have it, within a window: the slower one sets the pace, and the memory between them is
//! bounded. Who is left alone goes on alone: that the sink has ended is nothing to the other side. When the other side leaves in the middle,
//! the stream ends for the sink as well, because it is the other side's: somebody else has to bring the rest.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Wake, Waker},
};

use async_trait::async_trait;
use bytes::Bytes;
use futures::{Stream, StreamExt as _};
use sluice_domain::{Failure, FailureKind, Length};

use crate::{
    Access, BufferShare, ByteStream, Source,
    range::{PolledChunk, range},
    stretch::Stretch,
};

/// The sink's side: the same length and fingerprint as the source that is fetched, so that a later attempt can go on without this. Dropping
/// it leaves the other side alone.
pub struct Tee {
    shared: Arc<Shared>,
    source: Arc<dyn Source>,
    window: u64,
}

/// Splits a stream that was opened at the start of this source, with a window of so many bytes. Gives the sink's side, and what is beside it.
///
/// A sink may hold as many bytes as the window is wide before it releases any, as with a [`crate::Rewind`].
#[must_use]
pub fn tee(source: Arc<dyn Source>, stream: ByteStream, window: u64, share: BufferShare) -> (Tee, ByteStream) {
    let state = State {
        stream: Some(stream),
        end: None,
        stretch: Stretch::default(),
        released: Some(0),
        beside: Some(0),
        left: false,
        reader: 0,
        _share: share,
    };
    let wakers = Arc::new(Wakers::default());
    let total = match source.length() {
        Length::Exact(total) => Some(total),
        Length::Estimate(_) | Length::Unknown => None,
    };
    let shared = Arc::new(Shared { state: Mutex::new(state), wakers, window, total, source: source.clone() });
    let beside = Beside(shared.clone());
    (Tee { shared, source, window }, beside.boxed())
}

struct Shared {
    /// Locked for a step at a time, never while anybody waits.
    state: Mutex<State>,
    wakers: Arc<Wakers>,
    window: u64,
    /// All bytes, where that is certain.
    total: Option<u64>,
    source: Arc<dyn Source>,
}

struct State {
    /// `None` once it has ended.
    stream: Option<ByteStream>,
    /// How it ended.
    end: Option<Result<(), Failure>>,
    stretch: Stretch,
    /// Before this the sink needs nothing any more; `None` when it needs nothing at all.
    released: Option<u64>,
    /// How far the other side is; `None` when it has everything, or is gone.
    beside: Option<u64>,
    /// The other side has left in the middle.
    left: bool,
    /// Which of the sink's readers is the current one. Those before it are told to stop.
    reader: u64,
    _share: BufferShare,
}

/// Which side.
#[derive(Debug, Clone, Copy)]
enum Side {
    Sink = 0,
    Beside = 1,
}

impl Side {
    fn other(self) -> Self {
        match self {
            Self::Sink => Self::Beside,
            Self::Beside => Self::Sink,
        }
    }
}

/// Who waits. The stream wakes both: whoever asked it last may not be there any more.
#[derive(Debug, Default)]
struct Wakers([Mutex<Option<Waker>>; 2]);

impl Wakers {
    fn of(&self, side: Side) -> MutexGuard<'_, Option<Waker>> {
        self.0[side as usize].lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wake_one(&self, side: Side) {
        let waker = self.of(side).take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn wake_both(&self) {
        self.wake_one(Side::Sink);
        self.wake_one(Side::Beside);
    }
}

impl Wake for Wakers {
    fn wake(self: Arc<Self>) {
        self.wake_both();
    }
}

impl std::fmt::Debug for Tee {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tee").field("state", &*self.shared.state()).finish_non_exhaustive()
    }
}

impl Tee {
    /// Has the other side left in the middle?
    #[must_use]
    pub fn is_left(&self) -> bool {
        self.shared.state().left
    }
}

#[async_trait]
impl Source for Tee {
    fn length(&self) -> Length {
        self.source.length()
    }

    fn access(&self) -> Access {
        Access::Forward { window: self.window }
    }

    fn fingerprint(&self) -> Option<&str> {
        // Where the source itself passes once, nobody can go on with it.
        self.source.fingerprint().filter(|_| self.source.access() == Access::Random)
    }

    fn release(&self, offset: u64) {
        let mut state = self.shared.state();
        if let Some(released) = &mut state.released {
            *released = offset.max(*released);
        }
        state.trim();
        drop(state);
        self.shared.wakers.wake_both();
    }

    async fn open(&self, from: u64, to: Option<u64>) -> Result<ByteStream, Failure> {
        let reader = {
            let mut state = self.shared.state();
            state.stretch.reaches(from)?;
            state.reader += 1;
            state.reader
        };
        self.shared.wakers.wake_both();
        let shared = self.shared.clone();
        Ok(range(from, to, move |at, context| shared.poll_sink(at, reader, context)))
    }
}

impl Drop for Tee {
    fn drop(&mut self) {
        let mut state = self.shared.state();
        state.released = None;
        state.trim();
        drop(state);
        self.shared.wakers.wake_both();
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What lies at this offset, for the sink's reader of this number.
    fn poll_sink(&self, at: u64, reader: u64, context: &Context<'_>) -> PolledChunk {
        let mut state = self.state();
        if state.reader != reader {
            return Poll::Ready(Some(Err(Failure::internal("another reader took over"))));
        }
        if state.left {
            return Poll::Ready(Some(Err(left_alone())));
        }
        self.poll_at(&mut state, at, Side::Sink, context)
    }

    /// What lies at this offset. Reads it on where that is needed and there is room.
    fn poll_at(&self, state: &mut State, at: u64, side: Side, context: &Context<'_>) -> PolledChunk {
        loop {
            if let Some(known) = state.stretch.known(at, state.end.as_ref()) {
                return Poll::Ready(known);
            }
            // Before asking: whoever makes room, or brings something, meanwhile finds it.
            *self.wakers.of(side) = Some(context.waker().clone());
            if !self.read_on(state, side) {
                return Poll::Pending;
            }
        }
    }

    /// Reads the stream on, unless a window's worth is kept. Tells whether there is news.
    fn read_on(&self, state: &mut State, side: Side) -> bool {
        // With exactly a window's worth it is read on, to learn whether this was the end.
        let Some(stream) = state.stream.as_mut().filter(|_| state.stretch.len() <= self.window) else { return false };
        let both = Waker::from(self.wakers.clone());
        match stream.poll_next_unpin(&mut Context::from_waker(&both)) {
            Poll::Pending => return false,
            Poll::Ready(Some(Ok(chunk))) => {
                state.stretch.push(chunk);
                self.source.release(state.stretch.to);
            }
            Poll::Ready(Some(Err(failure))) => state.end = Some(Err(failure)),
            Poll::Ready(None) => state.end = Some(Ok(())),
        }
        if state.end.is_some() {
            state.stream = None;
        }
        self.wakers.wake_one(side.other());
        true
    }
}

impl State {
    /// Lets go of what both have.
    fn trim(&mut self) {
        let needed = [self.released, self.beside].into_iter().flatten().min();
        self.stretch.release(needed.unwrap_or(self.stretch.to));
    }
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { stretch, released, beside, end, .. } = self;
        let mut told = f.debug_struct("State");
        told.field("stretch", stretch).field("released", released).field("beside", beside).field("end", end);
        told.finish_non_exhaustive()
    }
}

/// What the sink's side ends with when the other side leaves.
fn left_alone() -> Failure {
    Failure::new(FailureKind::Cancelled, "whoever took the stream has left").transient()
}

/// The other side.
struct Beside(Arc<Shared>);

impl Stream for Beside {
    type Item = Result<Bytes, Failure>;

    fn poll_next(self: std::pin::Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut state = self.0.state();
        let Some(at) = state.beside else { return Poll::Ready(None) };
        let polled = self.0.poll_at(&mut state, at, Side::Beside, context);
        match &polled {
            Poll::Pending => return polled,
            Poll::Ready(Some(Ok(chunk))) => state.beside = Some(at + chunk.len() as u64),
            Poll::Ready(Some(Err(_)) | None) => state.beside = None,
        }
        state.trim();
        drop(state);
        self.0.wakers.wake_one(Side::Sink);
        polled
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        let stream = {
            let mut state = self.0.state();
            // Who knows that these are all bytes does not ask for the end.
            let has_all = state.beside.is_none_or(|at| self.0.total == Some(at));
            state.beside = None;
            state.left = !has_all;
            let stream = if has_all && state.released.is_some() { None } else { state.stream.take() };
            if state.left {
                state.stretch.clear();
            }
            state.trim();
            stream
        };
        // What the stream does when it is dropped is its own affair, and may take a moment.
        drop(stream);
        self.0.wakers.wake_both();
    }
}

#[cfg(test)]
mod tests;
