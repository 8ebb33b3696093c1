//! A worker process: slots that run jobs, a heartbeat, an ear for wake-ups, and upkeep.
//!
//! Each slot is an apalis worker of its own with one job at a time and a new name per incarnation, so that whatever ends one slot leaves
//! the jobs of the others alone.

mod backend;
mod desk;
mod heartbeat;
mod holder;
mod observer;
mod slot;
mod upkeep;

use std::{sync::Arc, time::Duration};

use apalis_core::worker::{builder::WorkerBuilder, context::WorkerContext};
use futures::{FutureExt as _, StreamExt as _};
use tokio::task::JoinSet;
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use crate::{
    Handler, Queue, QueueError, WorkerConfig,
    listen::{Heard, listen},
    scripts::With as _,
};
use backend::{Slot, Work};
use desk::Desk;
pub use holder::{HeldJob, Holder, Sent};

/// Taking leave may take so long; Redis may be away.
const FAREWELL: Duration = Duration::from_secs(3);

/// Works on jobs until `shutdown`, then drains: running jobs are told, may finish or are handed back, and heartbeats go on until the last
/// of them is settled.
///
/// # Errors
/// When Redis refuses the first heartbeat for good. While it is merely away, this waits as long as the store's patience lasts.
pub async fn run_workers(
    queue: Queue,
    config: WorkerConfig,
    handler: Arc<dyn Handler>,
    shutdown: CancellationToken,
) -> Result<(), QueueError> {
    let desk = Desk::new(queue, config);
    tokio::select! {
        touched = heartbeat::touch(&desk) => drop(touched?),
        () = shutdown.cancelled() => return Ok(()),
    }
    tracing::info!(worker = desk.name, slots = desk.config.concurrency, "Worker is ready");

    let beating = AbortOnDropHandle::new(tokio::spawn(heartbeat::beat(desk.clone())));
    let _upkeep = AbortOnDropHandle::new(tokio::spawn(upkeep::keep_up(desk.clone())));
    let _ear = AbortOnDropHandle::new(tokio::spawn(hear(desk.clone())));
    let mut slots = JoinSet::new();
    for number in 0..desk.config.concurrency {
        slots.spawn(run_slot(desk.clone(), handler.clone(), number));
    }

    shutdown.cancelled().await;
    tracing::info!(worker = desk.name, running = desk.held().len(), "Worker is draining");
    desk.close();
    while slots.join_next().await.is_some() {}

    drop(beating);
    take_leave(&desk).await;
    Ok(())
}

/// Goes off the list. The last beat gives back claims whose reply came too late.
async fn take_leave(desk: &Desk) {
    let farewell = async {
        heartbeat::touch(desk).await?;
        desk.queue.run::<()>(&desk.queue.call(&desk.queue.scripts().leave).with(&desk.name)).await
    };
    match tokio::time::timeout(FAREWELL, farewell).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%error, "Could not take leave"),
        Err(_) => tracing::warn!("Redis did not answer: left without taking leave"),
    }
}

/// One slot, through all its incarnations.
async fn run_slot(desk: Arc<Desk>, handler: Arc<dyn Handler>, number: usize) {
    for incarnation in 0u64.. {
        let context = WorkerContext::new(&format!("{}-{number}-{incarnation}", desk.name));
        let at_desk = desk.clone();
        let worker = WorkerBuilder::new(&context)
            .backend(Slot::new(desk.clone(), handler.clone()))
            .build(move |work: Work| carry_out(at_desk.clone(), work));
        let mut events = Box::pin(worker.stream());
        let mut stopped = false;
        loop {
            tokio::select! {
                event = events.next() => match event {
                    Some(Ok(_)) => {}
                    Some(Err(error)) => {
                        tracing::error!(%error, slot = context.name(), "A slot failed and starts anew");
                        break;
                    }
                    None => break,
                },
                () = desk.closing.cancelled(), if !stopped => {
                    // It cannot be stopped before it has started; then there is nothing to drain either.
                    if context.stop().is_err() {
                        return;
                    }
                    stopped = true;
                }
            }
        }
        if desk.closing.is_cancelled() {
            return;
        }
    }
}

/// One job of a slot, which is busy meanwhile.
async fn carry_out(desk: Arc<Desk>, work: Work) {
    let Work { claimed, handler, busy } = work;
    let lease = claimed.lease.clone();
    slot::work(desk, claimed, async move { handler.run(lease).await }.boxed()).await;
    drop(busy);
}

/// Listens for calls to work and for cancelled jobs.
async fn hear(desk: Arc<Desk>) {
    let channel = format!("{}wake", desk.queue.store().prefix());
    listen(desk.queue.store().connection(), channel, |heard| match heard {
        Heard::Connected => {
            desk.work.notify_one();
            desk.poke.notify_one();
        }
        Heard::Message(text) if text == "cancel" => desk.poke.notify_one(),
        Heard::Message(_) => desk.work.notify_one(),
    })
    .await;
}
