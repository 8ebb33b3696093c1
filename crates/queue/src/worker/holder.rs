//! A process that works on jobs that it sends itself, and on no others: a web server that gives a file to a device and to Dropbox in one go.
//!
//! Its jobs are as any worker's: a lease, a fence, a heartbeat, a settlement. When it dies, the others find its heart standing still and take
//! its jobs over. It is on the list of workers, with no slots, only while it has jobs.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures::FutureExt as _;
use jiff::Timestamp;
use sluice_domain::{AccountId, Job, JobId, JobRequest};
use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;

use super::{
    desk::{Claimed, Desk},
    heartbeat, slot, take_leave,
};
use crate::{
    Lease, Outcome, Queue, QueueError, WorkerConfig,
    queue::{AtOnce, no_record},
    record,
};

/// Works on its own jobs. Clones share them.
#[derive(Clone)]
pub struct Holder(Arc<Inner>);

struct Inner {
    desk: Arc<Desk>,
    /// Where the work is done: not in the thread that answers a request, whose runtime may end before it.
    runtime: Handle,
    works: TaskTracker,
    /// Is there a heartbeat? Changed together with the look whether anything is held.
    beats: Mutex<bool>,
}

/// What became of a request whose sender would work on it at once.
#[derive(Debug)]
pub enum Sent {
    /// It is a job in the sender's hands, for which nobody else will look while this lives.
    Held(HeldJob),
    /// It is a job and waits for a worker: the account has its share of jobs running, or there is a pause.
    Waits(Job),
    /// It was a job already, under the same idempotency key.
    Existed(Job),
    /// The account has it already, as [`crate::Enqueued::Duplicate`].
    Duplicate(Job),
}

/// A job in the sender's hands. Dropped, it is handed back with the next heartbeat.
pub struct HeldJob {
    holder: Holder,
    claimed: Claimed,
}

impl Holder {
    /// A process of this name that has no job yet. `drain` is how long its jobs may go on after [`Holder::close`]. Their work is done in the
    /// runtime in which this is called.
    #[must_use]
    pub fn new(queue: Queue, name: String, drain: Duration) -> Self {
        let config = WorkerConfig { worker_id: name, concurrency: 0, drain, ..WorkerConfig::default() };
        let (runtime, works) = (Handle::current(), TaskTracker::new());
        Self(Arc::new(Inner { desk: Desk::new(queue, config), runtime, works, beats: Mutex::new(false) }))
    }

    /// Takes a job as [`Queue::enqueue`] does, and in the same step into the hands of this process: it never waits, and is never without
    /// somebody who answers for it. `beside` is the file that a device takes meanwhile, with the same bytes: it does not count against the
    /// job in the account's share.
    ///
    /// # Errors
    /// As [`Queue::enqueue`].
    pub async fn begin(
        &self,
        account: &AccountId,
        request: &JobRequest,
        beside: &JobId,
        now: Timestamp,
    ) -> Result<Sent, QueueError> {
        let Inner { desk, .. } = &*self.0;
        let place = desk.place();
        // From before the question: whoever may have a job says that it lives.
        self.keep_beating();
        let at_once = AtOnce { worker: &desk.name, lease: &place.lease, beside: beside.as_str() };
        let (verdict, raw) = desk.queue.take_in(account, request, now, at_once).await?;
        let record = record::decode(desk.queue.store(), raw)?.ok_or_else(no_record)?;
        Ok(match verdict.as_str() {
            "held" => Sent::Held(HeldJob { holder: self.clone(), claimed: desk.seat(place, record) }),
            "existed" => Sent::Existed(record.job),
            "duplicate" => Sent::Duplicate(record.job),
            _ => Sent::Waits(record.job),
        })
    }

    /// Tells every job to end, waits until they have, hands back those that do not, and goes off the list.
    pub async fn close(&self) {
        let Inner { desk, works, .. } = &*self.0;
        desk.close();
        works.close();
        works.wait().await;
        take_leave(desk).await;
    }

    fn keep_beating(&self) {
        let mut beats = self.beats();
        if !std::mem::replace(&mut *beats, true) {
            self.0.runtime.spawn(self.clone().beat());
        }
    }

    /// Beats as long as anything is held, and takes leave then.
    async fn beat(self) {
        let Inner { desk, .. } = &*self.0;
        loop {
            let round = async {
                loop {
                    tokio::time::sleep(desk.queue.config().beat).await;
                    if desk.known().is_empty() {
                        return;
                    }
                }
            };
            tokio::select! {
                () = heartbeat::beat(desk.clone()) => {}
                () = round => {}
            }
            take_leave(desk).await;
            let mut beats = self.beats();
            if desk.known().is_empty() {
                *beats = false;
                return;
            }
        }
    }

    fn beats(&self) -> std::sync::MutexGuard<'_, bool> {
        self.0.beats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl HeldJob {
    /// The right to work on it.
    #[must_use]
    pub fn lease(&self) -> &Lease {
        &self.claimed.lease
    }

    /// Does this work on it, and settles what comes of it, as a worker would. Returns at once.
    pub fn work(self, run: impl Future<Output = Outcome> + Send + 'static) {
        let Self { holder, claimed } = self;
        let Inner { desk, runtime, works, .. } = &*holder.0;
        works.spawn_on(slot::work(desk.clone(), claimed, run.boxed()), runtime);
    }
}

impl std::fmt::Debug for Holder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Holder").field("name", &self.0.desk.name).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for HeldJob {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HeldJob").field("lease", self.lease()).finish_non_exhaustive()
    }
}
