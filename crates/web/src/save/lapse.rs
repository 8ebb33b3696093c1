//! What devices were taking from a process that died, it cannot end; any other web process does, for there may be no worker.

use std::time::Duration;

use sluice_queue::Queue;
use tokio::time::{MissedTickBehavior, interval};

const EVERY: Duration = Duration::from_secs(5);

/// Goes on until dropped.
pub(crate) async fn lapse_now_and_then(queue: Queue) {
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Err(error) = queue.lapse().await {
            tracing::debug!(%error, "What a dead process gave to devices is not ended yet");
        }
    }
}
