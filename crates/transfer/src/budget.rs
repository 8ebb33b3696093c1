//! The memory that all transfers of one process share.

use std::sync::Arc;

use sluice_domain::{ByteSize, Failure};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::Gate;

/// What one permit stands for, so that any budget is a number of permits that a semaphore can count.
const UNIT_BYTES: u64 = 4 * 1024;

/// Of `worker.buffer_bytes`, what the windows of all transfers take up together. Clones share it.
#[derive(Debug, Clone)]
pub struct BufferBudget {
    units: Arc<Semaphore>,
    total: u64,
}

/// One transfer's share. It is given back when it is dropped.
#[derive(Debug)]
pub struct BufferShare {
    _units: OwnedSemaphorePermit,
}

impl BufferBudget {
    /// A budget of so many bytes.
    #[must_use]
    pub fn new(total: ByteSize) -> Self {
        let units = usize::try_from(total.0 / UNIT_BYTES).unwrap_or(usize::MAX).min(Semaphore::MAX_PERMITS);
        Self { units: Arc::new(Semaphore::new(units)), total: total.0 }
    }

    /// Takes a share, in the order of asking: waits until there is room or the gate shuts.
    ///
    /// # Errors
    /// The gate's reason; or that the share is larger than the whole budget, so that no waiting would help.
    pub async fn take(&self, bytes: u64, gate: &Gate) -> Result<BufferShare, Failure> {
        let too_small = || {
            let (needs, total) = (ByteSize(bytes), ByteSize(self.total));
            Failure::internal(format!("a transfer needs {needs}, worker.buffer_bytes is {total}")).permanent()
        };
        let units = self.units(bytes).ok_or_else(too_small)?;
        let acquire = async {
            let units = self.units.clone().acquire_many_owned(units).await;
            units.map_err(|error| Failure::internal(error.to_string()))
        };
        Ok(BufferShare { _units: gate.guard(acquire).await? })
    }

    /// Takes a share if there is room now: for whoever has one already, and must not wait for others that do the same.
    #[must_use]
    pub fn try_take(&self, bytes: u64) -> Option<BufferShare> {
        let units = self.units.clone().try_acquire_many_owned(self.units(bytes)?).ok()?;
        Some(BufferShare { _units: units })
    }

    /// So many bytes in units, if the budget has as many.
    fn units(&self, bytes: u64) -> Option<u32> {
        let units = u32::try_from(bytes.div_ceil(UNIT_BYTES)).ok()?;
        (u64::from(units) <= self.total / UNIT_BYTES).then_some(units)
    }
}

#[cfg(test)]
mod tests {
    use futures::poll;
    use sluice_domain::{FailureKind, Limits};

    use super::*;

    #[tokio::test]
    async fn transfers_wait_in_line_until_there_is_room_or_the_gate_shuts() {
        let (budget, gate) = (BufferBudget::new(ByteSize(100 << 10)), Gate::new(&Limits::default()));
        let one = budget.take(60 << 10, &gate).await.unwrap();
        let mut two = Box::pin(budget.take(60 << 10, &gate));
        assert!(poll!(&mut two).is_pending());
        let mut three = Box::pin(budget.take(20 << 10, &gate));
        assert!(poll!(&mut three).is_pending(), "who asks for little does not overtake");
        drop(one);
        let _two = two.await.unwrap();
        let _three = three.await.unwrap();
        let four = budget.take(60 << 10, &gate);
        gate.shut(Failure::new(FailureKind::Cancelled, ""));
        assert_eq!(four.await.unwrap_err().kind, FailureKind::Cancelled);
    }

    #[test]
    fn who_must_not_wait_takes_what_there_is_or_nothing() {
        let budget = BufferBudget::new(ByteSize(100 << 10));
        let one = budget.try_take(60 << 10).unwrap();
        assert!(budget.try_take(60 << 10).is_none());
        drop(one);
        assert!(budget.try_take(100 << 10).is_some());
        assert!(budget.try_take(101 << 10).is_none());
    }

    #[tokio::test]
    async fn what_will_never_fit_does_not_wait() {
        let (budget, gate) = (BufferBudget::new(ByteSize(100 << 10)), Gate::new(&Limits::default()));
        let failure = budget.take((100 << 10) + 1, &gate).await.unwrap_err();
        assert!(!failure.is_transient(), "{failure}");
    }
}
