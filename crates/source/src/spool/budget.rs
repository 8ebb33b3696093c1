//! The room that all fetches of one process share.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use nix::sys::statvfs::statvfs;
use sluice_domain::{ByteSize, Failure, FailureKind};

/// The file system is never filled to the brim: others write there too.
const LEFT_FREE: u64 = 64 << 20;

/// `worker.spool_bytes`, and how much of it is taken.
#[derive(Debug)]
pub(super) struct Budget {
    total: u64,
    taken: AtomicU64,
}

impl Budget {
    pub(super) fn new(total: u64) -> Arc<Self> {
        Arc::new(Self { total, taken: AtomicU64::new(0) })
    }

    pub(super) fn total(&self) -> u64 {
        self.total
    }

    /// A share of nothing yet.
    pub(super) fn ticket(self: &Arc<Self>) -> Ticket {
        Ticket { budget: self.clone(), share: AtomicU64::new(0) }
    }
}

/// One fetch's share. It only grows, and is given back when it is dropped.
#[derive(Debug)]
pub(super) struct Ticket {
    budget: Arc<Budget>,
    /// Changed by the one fetch that owns the ticket.
    share: AtomicU64,
}

impl Ticket {
    /// Makes the share at least this large.
    ///
    /// # Errors
    /// [`FailureKind::NoSpool`] when the budget does not allow it; then the share stays as it was.
    pub(super) fn hold(&self, bytes: u64) -> Result<(), Failure> {
        let share = self.share.load(Ordering::Relaxed);
        let more = bytes.saturating_sub(share);
        if more == 0 {
            return Ok(());
        }
        let taken = self.budget.taken.fetch_add(more, Ordering::Relaxed);
        let total = self.budget.total;
        if taken.saturating_add(more) > total {
            self.budget.taken.fetch_sub(more, Ordering::Relaxed);
            let (needs, others) = (ByteSize(bytes), ByteSize(taken - share));
            let detail =
                format!("needs {needs}, other fetches hold {others} of worker.spool_bytes = {}", ByteSize(total));
            let failure = Failure::new(FailureKind::NoSpool, detail);
            // What is larger than the whole spool will not pass by waiting.
            return Err(if bytes > total { failure.permanent() } else { failure });
        }
        self.share.store(bytes, Ordering::Relaxed);
        Ok(())
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.budget.taken.fetch_sub(self.share.load(Ordering::Relaxed), Ordering::Relaxed);
    }
}

/// Is there room for so many more bytes in the file system itself?
///
/// # Errors
/// [`FailureKind::NoSpool`] when there is not.
pub(super) fn room_on_disk(directory: &Path, more: u64) -> Result<(), Failure> {
    // A file system that does not tell is believed to have room: the write itself will say otherwise.
    let Ok(stat) = statvfs(directory) else { return Ok(()) };
    let free = stat.blocks_available().saturating_mul(stat.fragment_size());
    if free < more.saturating_add(LEFT_FREE) {
        let (more, left, free) = (ByteSize(more), ByteSize(LEFT_FREE), ByteSize(free));
        let detail =
            format!("needs {more} in {} and leaves {left} to others, but {free} are free", directory.display());
        return Err(Failure::new(FailureKind::NoSpool, detail));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_budget_is_shared_and_given_back() {
        let budget = Budget::new(100);
        let (one, two) = (budget.ticket(), budget.ticket());
        assert!(one.hold(60).is_ok());
        assert!(one.hold(50).is_ok(), "a share does not shrink");
        let refused = two.hold(41).unwrap_err();
        assert_eq!((refused.kind, refused.is_transient()), (FailureKind::NoSpool, true));
        assert!(two.hold(40).is_ok());
        assert!(one.hold(61).is_err());
        drop(one);
        assert!(two.hold(100).is_ok());
        assert!(!two.hold(101).unwrap_err().is_transient(), "it will never fit");
        drop(two);
        assert_eq!(budget.taken.load(Ordering::Relaxed), 0);
    }
}
