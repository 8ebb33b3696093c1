//! What one worker process holds: a place for each claim from before it is asked for until it is settled.
//!
//! Redis has the same list. Comparing the two finds jobs that were taken from us, and jobs that were given to us in a reply that never came.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};

use sluice_domain::{Failure, FailureKind, Fence, JobError, JobId};
use tokio::{sync::Notify, time::Instant};
use tokio_util::sync::CancellationToken;

use crate::{
    Lease, Queue, QueueError, Stop, StopReason, WorkerConfig,
    queue::millis,
    record::{self, Raw, Record, json},
    scripts::With as _,
};

/// One worker process.
pub(crate) struct Desk {
    pub(crate) queue: Queue,
    pub(crate) config: WorkerConfig,
    /// The name of this start of the worker: two starts never share a heartbeat.
    pub(crate) name: String,
    /// There may be work: one idle slot looks.
    pub(crate) work: Notify,
    /// Somebody cancelled a job: look at once whether it is one of ours.
    pub(crate) poke: Notify,
    /// No more claims.
    pub(crate) closing: CancellationToken,
    drain_until: OnceLock<Instant>,
    places: Mutex<HashMap<String, Option<Stop>>>,
}

/// A claimed job and its place on the desk.
pub(crate) struct Claimed {
    pub(crate) lease: Lease,
    /// Held for its end.
    pub(crate) _place: Place,
}

/// A place on the desk; dropped, it is free.
pub(crate) struct Place {
    desk: Arc<Desk>,
    pub(crate) lease: String,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.desk.places().remove(&self.lease);
    }
}

/// How an attempt is settled in Redis.
#[derive(Default)]
pub(crate) struct Settlement {
    pub(crate) verdict: &'static str,
    /// Receipt or error, as JSON.
    pub(crate) payload: String,
    pub(crate) wait: Duration,
    /// Why the record cannot be worked on.
    pub(crate) poison: String,
    /// The last progress, as JSON.
    pub(crate) progress: String,
    /// The job that brings the same.
    pub(crate) duplicate_of: String,
}

impl Desk {
    pub(crate) fn new(queue: Queue, config: WorkerConfig) -> Arc<Self> {
        let name = format!("{}-{:08x}", config.worker_id, rand::random::<u32>());
        Arc::new(Self {
            queue,
            config,
            name,
            work: Notify::new(),
            poke: Notify::new(),
            closing: CancellationToken::new(),
            drain_until: OnceLock::new(),
            places: Mutex::default(),
        })
    }

    /// Asks Redis for a job.
    pub(crate) async fn claim(self: &Arc<Self>) -> Result<Option<Claimed>, QueueError> {
        let place = self.place();
        let call = self
            .queue
            .call(&self.queue.scripts().claim)
            .with(&self.name)
            .with(&place.lease)
            .with(self.queue.config().user_running)
            .with(error_json(&unreadable(&"written by a newer version")));
        let raw: Raw = self.queue.run(&call).await?;
        let (id, fence) = (raw.get("id").cloned(), raw.get("fence").cloned());
        match record::decode(self.queue.store(), raw) {
            Ok(None) => Ok(None),
            Ok(Some(record)) => Ok(Some(self.seat(place, record))),
            Err(error) => {
                tracing::error!(job.id = id, %error, "A job cannot be read and is put aside");
                let settlement = Settlement {
                    verdict: "failed",
                    payload: error_json(&unreadable(&error)),
                    poison: error.to_string(),
                    ..Settlement::default()
                };
                self.finish(&id.unwrap_or_default(), &fence.unwrap_or_default(), &settlement).await?;
                Ok(None)
            }
        }
    }

    /// A job that this process has now, at the place that was kept for it.
    pub(crate) fn seat(&self, place: Place, record: Record) -> Claimed {
        let stop = Stop::new();
        self.places().insert(place.lease.clone(), Some(stop.clone()));
        if self.closing.is_cancelled() {
            stop.tell(StopReason::Drain);
        }
        Claimed { lease: Lease::new(self.queue.clone(), record.job, record.fence, stop), _place: place }
    }

    /// Settles an attempt under its fence. Returns the job's state, or `lost`.
    pub(crate) async fn finish(&self, id: &str, fence: &str, settlement: &Settlement) -> Result<String, QueueError> {
        let call = self
            .queue
            .call(&self.queue.scripts().finish)
            .with(id)
            .with(fence)
            .with(settlement.verdict)
            .with(&settlement.payload)
            .with(millis(settlement.wait))
            .with(self.queue.config().attempts)
            .with(&settlement.poison)
            .with(&settlement.progress)
            .with(&settlement.duplicate_of);
        self.queue.run(&call).await
    }

    /// Gives back a job that Redis counts as ours although nobody here has it.
    pub(crate) async fn give_back(&self, id: &JobId, fence: Fence) -> Result<(), QueueError> {
        let settlement = Settlement { verdict: "handback", ..Settlement::default() };
        self.finish(id.as_str(), &fence.to_string(), &settlement).await.map(drop)
    }

    /// The leases of the jobs that run here, and what tells each to stop.
    pub(crate) fn held(&self) -> HashMap<String, Stop> {
        self.places().iter().filter_map(|(lease, stop)| Some((lease.clone(), stop.clone()?))).collect()
    }

    /// Every lease that somebody here has or is asking for.
    pub(crate) fn known(&self) -> HashSet<String> {
        self.places().keys().cloned().collect()
    }

    /// Begins to drain.
    pub(crate) fn close(&self) {
        let _ = self.drain_until.set(Instant::now() + self.config.drain);
        self.closing.cancel();
        for stop in self.held().into_values() {
            stop.tell(StopReason::Drain);
        }
    }

    /// When the drain ends, once it has begun.
    pub(crate) fn drain_until(&self) -> Option<Instant> {
        self.drain_until.get().copied()
    }

    /// A place for a job that is about to be asked for.
    pub(crate) fn place(self: &Arc<Self>) -> Place {
        let lease = format!("{:032x}", rand::random::<u128>());
        self.places().insert(lease.clone(), None);
        Place { desk: self.clone(), lease }
    }

    fn places(&self) -> MutexGuard<'_, HashMap<String, Option<Stop>>> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The error of a job that every worker was lost with.
pub(crate) fn worker_lost() -> String {
    error_json(&Failure::new(FailureKind::WorkerLost, "every attempt ended with its worker"))
}

/// A failure as its owner sees it, as JSON.
pub(crate) fn error_json(failure: &Failure) -> String {
    json(&JobError::from(failure))
}

fn unreadable(why: &impl ToString) -> Failure {
    Failure::internal(why.to_string()).permanent()
}
