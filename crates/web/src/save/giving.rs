//! The body of an answer: a file on its way to a device, at the device's pace.
//!
//! It ends well only when the source has proven that it gave everything; everything else ends it with an error, on which the server closes
//! the connection in the middle, so that nobody takes a torn file for a whole one. Whatever happens, everything below ends within a second:
//! with the connection, with the person's word on the page, with the process, or when the device has taken nothing for too long.

use std::{
    ops::Range,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
    time::Duration,
};

use actix_web::web::Bytes;
use futures::{Stream, StreamExt as _};
use sluice_domain::{Failure, FailureKind};
use sluice_queue::{Ended, Part, Word};
use sluice_transfer::{ByteStream, Gate, Source};
use thiserror::Error;
use tokio::{
    runtime::Handle,
    time::{Instant, MissedTickBehavior, interval},
};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use super::open::Opened;

/// How often the record hears of it, and it of its person.
const BEAT: Duration = Duration::from_secs(1);

/// The file is torn. The person reads why on the page; the connection has no words for it.
#[derive(Debug, Error)]
#[error("the file broke off")]
pub(crate) struct Torn;

/// What is given.
pub(crate) struct Given {
    pub(crate) part: Part,
    /// From the first byte up to before the last, or to the end.
    pub(crate) from: u64,
    pub(crate) to: Option<u64>,
    /// How long the device may take nothing.
    pub(crate) idle: Duration,
    /// Cancelled when the process stops.
    pub(crate) stop: CancellationToken,
}

/// Bytes on their way. Dropping it ends everything.
pub(crate) struct Giving {
    shared: Arc<Shared>,
    _watch: AbortOnDropHandle<()>,
}

/// Between the connection, which asks for bytes, and the watch, which may have to end that.
struct Shared {
    /// Locked for a step at a time, never while anybody waits.
    state: Mutex<State>,
    part: Part,
    from: u64,
    /// A connection may be dropped when its runtime is no longer the current one.
    runtime: Handle,
}

struct State {
    /// `None` once it has ended.
    flow: Option<Flow>,
    at: u64,
    /// When the device last took something, or was last kept waiting by the source.
    taken: Instant,
    /// Does the device wait for the source? Then it is not idle.
    waits: bool,
    waker: Option<Waker>,
}

/// Everything that a file takes up while it is given.
struct Flow {
    stream: ByteStream,
    source: Arc<dyn Source>,
    gate: Gate,
    /// Where it ends, where that is certain.
    end: Option<u64>,
    whole: bool,
    _held: (tokio::sync::OwnedSemaphorePermit, tokio_util::sync::DropGuard),
}

/// Opens the bytes.
///
/// # Errors
/// When the source cannot be opened there. It is on record then.
pub(crate) async fn give(opened: Opened, given: Given) -> Result<Giving, Failure> {
    let total = opened.total();
    let Opened { fetched, gate, held, .. } = opened;
    let Given { part, from, to, idle, stop } = given;
    let source = fetched.source;
    // A source that passes once has no ranges to ask for.
    let to = to.filter(|to| Some(*to) != total);
    let stream = match source.open(from, to).await {
        Ok(stream) => stream,
        Err(failure) => {
            end(&Handle::current(), part, from..from, &Reason::Torn(failure.clone()));
            return Err(failure);
        }
    };
    let (end, whole) = (to.or(total), from == 0 && to.is_none());
    let flow = Flow { stream, source, gate, end, whole, _held: held };
    let state = State { flow: Some(flow), at: from, taken: Instant::now(), waits: false, waker: None };
    let shared = Arc::new(Shared { state: Mutex::new(state), part, from, runtime: Handle::current() });
    let watch = AbortOnDropHandle::new(tokio::spawn(watch(shared.clone(), idle, stop)));
    Ok(Giving { shared, _watch: watch })
}

/// Why it ended.
enum Reason {
    Given { whole: bool },
    Left,
    Torn(Failure),
}

/// Tells the record, in the background: the connection has nothing to wait for.
fn end(runtime: &Handle, part: Part, given: Range<u64>, reason: &Reason) {
    let torn = match reason {
        Reason::Torn(failure) => Some(failure.clone()),
        Reason::Given { .. } | Reason::Left => None,
    };
    let whole = matches!(reason, Reason::Given { whole: true });
    let left = matches!(reason, Reason::Left);
    runtime.spawn(async move {
        let ended = match &torn {
            Some(failure) => Ended::Torn(failure),
            None if left => Ended::Left,
            None => Ended::Given { whole },
        };
        let job = part.job().clone();
        if let Err(error) = part.close(&given, ended).await {
            tracing::debug!(job.id = %job, %error, "What a device took lapses");
        }
    });
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends it, unless that has happened.
    fn end(&self, reason: &Reason) {
        let (flow, at, waker) = {
            let mut state = self.state();
            (state.flow.take(), state.at, state.waker.take())
        };
        let Some(flow) = flow else { return };
        if let Reason::Torn(failure) = reason {
            let job = self.part.job();
            tracing::info!(job.id = %job, failure.kind = %failure.kind, failure.detail, "A file for a device broke off");
        }
        end(&self.runtime, self.part.clone(), self.from..at, reason);
        // What a source does when it is dropped is its own affair, and may take a moment.
        drop(flow);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl State {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Result<Bytes, Option<Reason>>> {
        let Some(flow) = &mut self.flow else { return Poll::Ready(Err(None)) };
        let next = flow.stream.poll_next_unpin(context);
        (self.taken, self.waits) = (Instant::now(), next.is_pending());
        match next {
            Poll::Pending => {
                self.waker = Some(context.waker().clone());
                Poll::Pending
            }
            Poll::Ready(Some(Ok(bytes))) => {
                self.at += bytes.len() as u64;
                flow.source.release(self.at);
                flow.gate.arrived(self.at);
                Poll::Ready(Ok(bytes))
            }
            Poll::Ready(Some(Err(failure))) if failure.kind == FailureKind::Cancelled => {
                Poll::Ready(Err(Some(Reason::Left)))
            }
            Poll::Ready(Some(Err(failure))) => Poll::Ready(Err(Some(Reason::Torn(failure)))),
            Poll::Ready(None) if flow.end.is_none_or(|end| end == self.at) => {
                Poll::Ready(Err(Some(Reason::Given { whole: flow.whole })))
            }
            Poll::Ready(None) => {
                let short = Failure::internal(format!("the source ended at {}", self.at));
                Poll::Ready(Err(Some(Reason::Torn(short))))
            }
        }
    }
}

impl Stream for Giving {
    type Item = Result<Bytes, Torn>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let polled = self.shared.state().poll(context);
        polled.map(|polled| match polled {
            Ok(bytes) => Some(Ok(bytes)),
            // Somebody else ended it.
            Err(None) => Some(Err(Torn)),
            Err(Some(reason)) => {
                self.shared.end(&reason);
                matches!(reason, Reason::Left | Reason::Torn(_)).then_some(Err(Torn))
            }
        })
    }
}

impl Drop for Giving {
    fn drop(&mut self) {
        self.shared.end(&Reason::Left);
    }
}

/// Tells the record how far it is, and ends it when somebody or something wants that.
async fn watch(shared: Arc<Shared>, idle: Duration, stop: CancellationToken) {
    let mut beats = interval(BEAT);
    beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = beats.tick() => {}
            () = stop.cancelled() => return shared.end(&Reason::Left),
        }
        let (given, took) = {
            let state = shared.state();
            (shared.from..state.at, if state.waits { None } else { Some(state.taken.elapsed()) })
        };
        if took.is_some_and(|took| took > idle) {
            tracing::info!(job.id = %shared.part.job(), "A device takes nothing any more");
            return shared.end(&Reason::Left);
        }
        // While Redis is away, the device goes on.
        if matches!(shared.part.beat(&given).await, Ok(Word::Cancel)) {
            return shared.end(&Reason::Left);
        }
    }
}
