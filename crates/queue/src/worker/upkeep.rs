//! What somebody has to do now and then: let due retries wait for a worker, let items follow their list, forget old records, look for work that nobody announced.
//! Every worker does it; each step is small, and doing it twice does no harm.

use std::{sync::Arc, time::Duration};

use super::desk::Desk;
use crate::{QueueError, queue::millis, scripts::With as _};

/// Jobs in one step. A step of this size takes Redis about a millisecond.
const STEP: u32 = 100;
/// Old records are looked for this often.
const SWEEP_EVERY: Duration = Duration::from_secs(5);

/// Goes on until dropped.
pub(crate) async fn keep_up(desk: Arc<Desk>) {
    let mut ticks = tokio::time::interval(desk.queue.config().poll);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut swept = tokio::time::Instant::now();
    loop {
        ticks.tick().await;
        let sweep_due = swept.elapsed() >= SWEEP_EVERY.min(desk.queue.config().poll * 10);
        let kept = async {
            promote(&desk).await?;
            // A wake-up may have been lost with the line it came on.
            desk.work.notify_one();
            desk.queue.cascade("").await?;
            if sweep_due { sweep(&desk).await } else { Ok(()) }
        };
        if let Err(error) = kept.await {
            tracing::error!(%error, "Upkeep of the queue failed");
        }
        if sweep_due {
            swept = tokio::time::Instant::now();
        }
    }
}

async fn promote(desk: &Desk) -> Result<(), QueueError> {
    let call = desk.queue.call(&desk.queue.scripts().promote).with(STEP);
    while desk.queue.run::<u32>(&call).await? == STEP {}
    Ok(())
}

async fn sweep(desk: &Desk) -> Result<(), QueueError> {
    let config = desk.queue.config();
    let call =
        desk.queue.call(&desk.queue.scripts().sweep).with(millis(config.retention)).with(config.recents).with(STEP);
    while desk.queue.run::<u32>(&call).await? >= STEP {}
    // A web process that died with what devices were taking cannot say so.
    desk.queue.lapse().await
}
