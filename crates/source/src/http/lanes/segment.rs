//! A range that is fetched before its turn.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use futures::StreamExt as _;
use sluice_transfer::ByteStream;
use tokio::sync::{Notify, OwnedSemaphorePermit};
use tokio_util::task::AbortOnDropHandle;

/// A segment; dropping it ends its connection.
pub(super) struct Segment {
    pub(super) end: u64,
    buffer: Arc<Buffer>,
    /// It broke, and that is known.
    seen_broken: bool,
    _task: AbortOnDropHandle<()>,
    room: OwnedSemaphorePermit,
}

/// What a segment has to give.
pub(super) enum Taken {
    Bytes(Bytes),
    NotYet,
    /// Nothing more, be it whole or broken.
    Over,
}

#[derive(Default)]
struct Buffer {
    state: Mutex<State>,
    news: Notify,
}

#[derive(Default)]
struct State {
    chunks: VecDeque<Bytes>,
    over: Option<Over>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Over {
    Whole,
    Broken,
}

impl Buffer {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Segment {
    /// Fetches at once. The lane is free again when everything came, the room when the segment is dropped; `over` hears of the first;
    /// `came` counts the bytes when they come, not when it is their turn.
    pub(super) fn start(
        mut stream: ByteStream,
        from: u64,
        end: u64,
        (lane, room): (OwnedSemaphorePermit, OwnedSemaphorePermit),
        (over, came): (&Arc<Notify>, &Arc<AtomicU64>),
    ) -> Self {
        let buffer = Arc::new(Buffer::default());
        let (theirs, over, came) = (buffer.clone(), over.clone(), came.clone());
        let task = tokio::spawn(async move {
            let mut left = end - from;
            while let Some(Ok(mut bytes)) = stream.next().await {
                bytes.truncate(usize::try_from(left).unwrap_or(usize::MAX));
                left -= bytes.len() as u64;
                came.fetch_add(bytes.len() as u64, Ordering::Relaxed);
                theirs.state().chunks.push_back(bytes);
                theirs.news.notify_one();
            }
            drop((stream, lane));
            theirs.state().over = Some(if left == 0 { Over::Whole } else { Over::Broken });
            theirs.news.notify_one();
            over.notify_one();
        });
        Self { end, buffer, seen_broken: false, _task: AbortOnDropHandle::new(task), room }
    }

    /// Its room in memory, in units.
    pub(super) fn room(&self) -> usize {
        self.room.num_permits()
    }

    pub(super) fn take(&self) -> Taken {
        let mut state = self.buffer.state();
        match (state.chunks.pop_front(), state.over) {
            (Some(bytes), _) => Taken::Bytes(bytes),
            (None, None) => Taken::NotYet,
            (None, Some(_)) => Taken::Over,
        }
    }

    /// Ends when there may be more to take.
    pub(super) async fn news(&self) {
        self.buffer.news.notified().await;
    }

    /// Is its connection in use?
    pub(super) fn runs(&self) -> bool {
        self.buffer.state().over.is_none()
    }

    /// Did it break since this was asked last?
    pub(super) fn breaks(&mut self) -> bool {
        let broken = self.buffer.state().over == Some(Over::Broken);
        broken && !std::mem::replace(&mut self.seen_broken, true)
    }
}
