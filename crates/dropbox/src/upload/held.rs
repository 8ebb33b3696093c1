//! How much of a body the connection holds: what was handed out and has not yet gone to the kernel.
//!
//! An HTTP client takes from a body whatever it gives, some hundred kilobytes ahead of a slow line. Over a hundred uploads at once that is
//! most of the memory; and nothing goes faster for it, because the kernel has buffers of its own.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use bytes::Bytes;

/// With so many bytes held, nothing more is handed out.
const MOST: usize = 64 * 1024;

/// What the connection holds of one body. Clones share it.
#[derive(Debug, Clone, Default)]
pub(super) struct Held(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    bytes: usize,
    waker: Option<Waker>,
}

impl Held {
    /// Ready when more may be handed out.
    pub(super) fn poll_room(&self, context: &Context<'_>) -> Poll<()> {
        let mut state = self.lock();
        if state.bytes < MOST {
            return Poll::Ready(());
        }
        state.waker = Some(context.waker().clone());
        Poll::Pending
    }

    /// The same bytes, counted until they are dropped.
    pub(super) fn hand_out(&self, bytes: Bytes) -> Bytes {
        self.lock().bytes += bytes.len();
        Bytes::from_owner(Counted { bytes, held: self.clone() })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Counted {
    bytes: Bytes,
    held: Held,
}

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut state = self.held.lock();
        state.bytes -= self.bytes.len();
        let waker = state.waker.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::atomic::{AtomicBool, Ordering},
        task::Wake,
    };

    use super::*;

    #[derive(Default)]
    struct Woken(AtomicBool);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.store(true, Ordering::Relaxed);
        }
    }

    #[test]
    fn what_is_held_is_bounded_and_whoever_lets_go_wakes_the_body() {
        let (held, woken) = (Held::default(), Arc::new(Woken::default()));
        let waker = woken.clone().into();
        let context = Context::from_waker(&waker);
        let has_room = || held.poll_room(&context).is_ready();
        assert!(has_room());
        let first = held.hand_out(Bytes::from(vec![1; MOST - 1]));
        assert!(has_room());
        let second = held.hand_out(Bytes::from_static(b"xy"));
        assert!(!has_room() && !woken.0.load(Ordering::Relaxed));
        drop(second);
        assert!(woken.0.load(Ordering::Relaxed) && has_room());
        assert_eq!(first.len(), MOST - 1);
    }
}
