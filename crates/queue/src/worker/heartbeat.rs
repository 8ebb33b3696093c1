//! The heartbeat of a worker process. Each beat shows that it lives, learns which of its jobs were cancelled or taken away, gives back
//! what nobody here has, and takes over from workers that are dead. It goes on while draining.

use std::{collections::HashMap, sync::Arc, time::Instant};

use sluice_domain::{Fence, JobId};

use super::{
    desk::{Desk, worker_lost},
    observer::Observer,
};
use crate::{QueueError, StopReason, queue::millis, scripts::With as _};

/// Jobs taken back in one step.
const RESCUE_STEP: u32 = 50;

/// What Redis counts as ours: lease, job, fence, "1" when its owner cancelled it.
type Counted = (String, String, u64, String);

/// Beats until dropped.
pub(crate) async fn beat(desk: Arc<Desk>) {
    let period = desk.queue.config().beat;
    let mut observer = Observer::new(desk.queue.config().dead_after, period);
    let mut ticks = tokio::time::interval(period);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = desk.poke.notified() => {}
        }
        let beaten = async {
            let beats = touch(&desk).await?;
            for (worker, beats) in observer.look(Instant::now(), &beats) {
                rescue(&desk, &worker, beats).await?;
            }
            Ok::<_, QueueError>(())
        };
        if let Err(error) = beaten.await {
            tracing::error!(%error, "No heartbeat");
        }
    }
}

/// One beat. Returns the beats of the other workers.
pub(crate) async fn touch(desk: &Desk) -> Result<HashMap<String, u64>, QueueError> {
    // Before asking: a job that is claimed meanwhile is not in the answer, and not lost.
    let held = desk.held();
    let (mut beats, counted): (HashMap<String, u64>, Vec<Counted>) = desk
        .queue
        .run(&desk.queue.call(&desk.queue.scripts().touch).with(&desk.name).with(desk.config.concurrency))
        .await?;
    for (lease, stop) in &held {
        match counted.iter().find(|(counted, ..)| counted == lease) {
            None => stop.tell(StopReason::LeaseLost),
            Some((.., cancel)) if !cancel.is_empty() => stop.tell(StopReason::Cancelled),
            Some(_) => {}
        }
    }
    // After asking: what is neither held nor being asked for by now came in a reply that nobody received.
    let known = desk.known();
    for (_, id, fence, _) in counted.into_iter().filter(|(lease, ..)| !known.contains(lease)) {
        let Ok(id) = id.parse::<JobId>() else { continue };
        tracing::warn!(job.id = %id, "A claim that nobody received is given back");
        desk.give_back(&id, Fence(fence)).await?;
    }
    beats.remove(&desk.name);
    Ok(beats)
}

async fn rescue(desk: &Desk, worker: &str, beats: u64) -> Result<(), QueueError> {
    loop {
        let call = desk
            .queue
            .call(&desk.queue.scripts().rescue)
            .with(worker)
            .with(beats)
            .with(desk.queue.config().losses)
            .with(worker_lost())
            .with(RESCUE_STEP)
            .with(millis(desk.queue.config().backoff_first))
            .with(millis(desk.queue.config().backoff_most));
        let taken: i64 = desk.queue.run(&call).await?;
        if taken > 0 {
            tracing::warn!(worker, jobs = taken, "Took back the jobs of a dead worker");
        }
        if taken < i64::from(RESCUE_STEP) {
            return Ok(());
        }
    }
}
