//! How long nothing may happen.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use sluice_domain::{Failure, FailureKind};
use tokio::time::timeout;

/// Signs of life, counted. Clones share the count.
#[derive(Debug, Clone, Default)]
pub(super) struct Pulse(Arc<AtomicU64>);

impl Pulse {
    /// Something moved.
    pub(super) fn beat(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Waits for this, for as long as any of these shows signs of life: gives up after a time without any.
///
/// It is only for waiting on others. Whoever waits because somebody else is slow must not be judged by it.
pub(super) async fn while_alive<T>(
    what: &str,
    idle: Duration,
    pulses: &[Pulse],
    wait: impl Future<Output = T>,
) -> Result<T, Failure> {
    let count = || pulses.iter().map(Pulse::count).fold(0, u64::wrapping_add);
    tokio::pin!(wait);
    loop {
        let before = count();
        match timeout(idle, &mut wait).await {
            Ok(done) => return Ok(done),
            Err(_) if count() != before => {}
            Err(_) => {
                return Err(Failure::new(FailureKind::TimedOut, format!("{what}: no byte for {} s", idle.as_secs())));
            }
        }
    }
}
