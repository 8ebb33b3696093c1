//! Why a running job should stop.

use tokio::sync::watch;

/// Why a running job should stop. Later reasons outweigh earlier ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum StopReason {
    /// The worker shuts down: finish soon, or hand the job back.
    Drain,
    /// The person cancelled the job.
    Cancelled,
    /// The job is no longer ours: nothing that is written counts any more.
    LeaseLost,
}

/// Tells a running job to stop. Clones share it; the reason can only grow graver.
#[derive(Debug, Clone)]
pub struct Stop(watch::Sender<Option<StopReason>>);

impl Stop {
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(None))
    }

    /// The gravest reason so far.
    #[must_use]
    pub fn reason(&self) -> Option<StopReason> {
        *self.0.borrow()
    }

    /// Waits for any reason to stop.
    pub async fn cancelled(&self) -> StopReason {
        self.at_least(StopReason::Drain).await
    }

    /// Waits for this reason or a graver one.
    pub async fn at_least(&self, least: StopReason) -> StopReason {
        let mut receiver = self.0.subscribe();
        loop {
            let reason = *receiver.borrow_and_update();
            if let Some(reason) = reason.filter(|reason| *reason >= least) {
                return reason;
            }
            if receiver.changed().await.is_err() {
                // Cannot be: `self` holds the sender.
                std::future::pending::<()>().await;
            }
        }
    }

    /// Gives a reason, unless a graver one is there.
    pub(crate) fn tell(&self, reason: StopReason) {
        self.0.send_if_modified(|current| {
            let graver = current.is_none_or(|current| reason > current);
            if graver {
                *current = Some(reason);
            }
            graver
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn reasons_grow_graver() {
        let stop = Stop::new();
        assert_eq!(stop.reason(), None);
        stop.tell(StopReason::Cancelled);
        stop.tell(StopReason::Drain);
        assert_eq!(stop.cancelled().await, StopReason::Cancelled);
        let watching = stop.clone();
        let lost = tokio::spawn(async move { watching.at_least(StopReason::LeaseLost).await });
        stop.tell(StopReason::LeaseLost);
        assert_eq!(lost.await.unwrap(), StopReason::LeaseLost);
    }
}
