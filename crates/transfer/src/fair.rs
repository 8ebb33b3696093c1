//! Units of something that is scarce, shared evenly by all who may take of them.
//!
//! On a line that many transfers share, more connections for one bring nothing in all: each would take from the others, cost memory, and be
//! one more thing to do again when a worker dies.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// So many units for all. Clones share them.
#[derive(Debug, Clone)]
pub struct FairBudget {
    free: Arc<Semaphore>,
    units: usize,
    takers: Arc<AtomicUsize>,
}

/// What one of them may take. It counts as one while it lives.
#[derive(Debug)]
pub struct FairShare(FairBudget);

impl FairBudget {
    /// A budget of so many units.
    #[must_use]
    pub fn new(units: usize) -> Self {
        let units = units.min(Semaphore::MAX_PERMITS);
        Self { free: Arc::new(Semaphore::new(units)), units, takers: Arc::default() }
    }

    /// One more who may take.
    #[must_use]
    pub fn share(&self) -> FairShare {
        self.takers.fetch_add(1, Ordering::Relaxed);
        FairShare(self.clone())
    }

    /// Units that nobody has.
    #[must_use]
    pub fn free(&self) -> usize {
        self.free.available_permits()
    }
}

impl FairShare {
    /// An even part, just now, rounded down.
    #[must_use]
    pub fn units(&self) -> usize {
        self.0.units / self.0.takers.load(Ordering::Relaxed).max(1)
    }

    /// So many more for who has so many already; `None` when that is more than the share, or others have not given theirs back yet.
    #[must_use]
    pub fn take(&self, has: usize, more: usize) -> Option<OwnedSemaphorePermit> {
        if has.saturating_add(more) > self.units() {
            return None;
        }
        self.0.free.clone().try_acquire_many_owned(u32::try_from(more).ok()?).ok()
    }
}

impl Drop for FairShare {
    fn drop(&mut self) {
        self.0.takers.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_share_evenly_and_give_everything_back() {
        let budget = FairBudget::new(10);
        let first = budget.share();
        let has = first.take(0, 4).unwrap();
        assert!(first.take(4, 7).is_none());
        let second = budget.share();
        assert_eq!((first.units(), second.units()), (5, 5));
        assert!(first.take(4, 2).is_none() && second.take(0, 6).is_none());
        let more = first.take(4, 1).unwrap();
        drop(second);
        let last = first.take(5, 5).unwrap();
        assert_eq!(budget.free(), 0);
        drop((has, more, last));
        assert_eq!(budget.free(), 10);
    }

    #[test]
    fn what_others_have_not_given_back_cannot_be_taken() {
        let budget = FairBudget::new(4);
        let first = budget.share();
        let _all = first.take(0, 4).unwrap();
        assert!(budget.share().take(0, 1).is_none());
    }
}
