//! apalis's view of the queue: one slot's source of jobs.
//!
//! It yields one job and then nothing until that job is settled: nothing is ever fetched ahead, so no job waits behind another while a
//! slot elsewhere idles. Acknowledgement is not apalis's business here: [`super::slot`] settles each job under its fence.

use std::{
    convert::Infallible,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use apalis_core::{
    backend::{Backend, BackendConfig, finalize::Ephemeral},
    task::{Task, task_id::RandomId},
    worker::context::WorkerContext,
};
use futures::{FutureExt as _, future::BoxFuture};

use super::desk::{Claimed, Desk};
use crate::Handler;

/// The wait after Redis refused a claim for good (a wrong password, say): an operator must mend that, and no job is lost meanwhile.
const REFUSED_PAUSE: Duration = Duration::from_secs(1);

/// One slot of a worker process.
pub(crate) struct Slot {
    desk: Arc<Desk>,
    handler: Arc<dyn Handler>,
    claim: Option<BoxFuture<'static, Claimed>>,
    busy: Arc<AtomicBool>,
}

/// A job for a slot, which is busy until this is dropped.
pub(crate) struct Work {
    pub(crate) claimed: Claimed,
    pub(crate) handler: Arc<dyn Handler>,
    pub(crate) busy: Busy,
}

/// While it is there, the slot is busy.
pub(crate) struct Busy(Arc<AtomicBool>);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

impl Slot {
    pub(crate) fn new(desk: Arc<Desk>, handler: Arc<dyn Handler>) -> Self {
        Self { desk, handler, claim: None, busy: Arc::default() }
    }
}

impl Backend for Slot {
    type Task = Task<Work>;
    type Error = Infallible;

    fn poll_ready(&mut self, _: &mut Context<'_>, _: &WorkerContext) -> Poll<Result<(), Infallible>> {
        // The job runs in the task that polls here, so its end wakes it.
        if self.busy.load(Ordering::Acquire) { Poll::Pending } else { Poll::Ready(Ok(())) }
    }

    fn poll_next(&mut self, cx: &mut Context<'_>, _: &WorkerContext) -> Poll<Option<Result<Self::Task, Infallible>>> {
        let claim = self.claim.get_or_insert_with(|| next(self.desk.clone()).boxed());
        claim.poll_unpin(cx).map(|claimed| {
            self.claim = None;
            self.busy.store(true, Ordering::Release);
            let (handler, busy) = (self.handler.clone(), Busy(self.busy.clone()));
            Some(Ok(Task::new(Work { claimed, handler, busy })))
        })
    }

    fn poll_close(&mut self, _: &mut Context<'_>, _: &WorkerContext) -> Poll<Result<(), Infallible>> {
        // A claim that is under way may have been executed: the last heartbeat finds what it brought and gives it back.
        self.claim = None;
        Poll::Ready(Ok(()))
    }
}

impl BackendConfig for Slot {
    type Args = Work;
    type Id = RandomId;
    type Kind = Ephemeral;
    type Config = ();
    type Layer = apalis_core::layers::Identity;

    fn config(&self) -> &() {
        &()
    }

    fn middleware(&mut self, _: &mut WorkerContext) -> Self::Layer {
        apalis_core::layers::Identity::new()
    }
}

/// Waits for the next job.
async fn next(desk: Arc<Desk>) -> Claimed {
    loop {
        let mut work = pin!(desk.work.notified());
        // In line before asking: a call that comes in between is not lost.
        work.as_mut().enable();
        match desk.claim().await {
            Ok(Some(claimed)) => {
                // Where there was one there may be more, and several calls may have woken only us.
                desk.work.notify_one();
                return claimed;
            }
            Ok(None) => work.await,
            Err(error) => {
                tracing::error!(%error, "Cannot claim jobs");
                tokio::time::sleep(REFUSED_PAUSE).await;
            }
        }
    }
}
