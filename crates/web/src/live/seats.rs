//! Who may listen: so many in this process, and so many of one account, or one person's tabs would keep everybody else out.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use sluice_domain::AccountId;

/// The most listeners of one account in this process: every browser of a person, with many tabs.
const MOST_OF_ONE: usize = 50;

/// The seats of this process. Clones share them.
#[derive(Debug, Clone)]
pub(crate) struct Seats {
    most: usize,
    taken: Arc<Mutex<Taken>>,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    of: HashMap<AccountId, usize>,
}

/// One seat, free again when dropped.
#[derive(Debug)]
pub(crate) struct Seat {
    account: AccountId,
    seats: Seats,
}

impl Seats {
    /// So many.
    pub(crate) fn new(most: usize) -> Self {
        Self { most, taken: Arc::default() }
    }

    /// A seat for this account, if there is one.
    pub(crate) fn take(&self, account: &AccountId) -> Option<Seat> {
        self.change(|taken| {
            let own = taken.of.get(account).copied().unwrap_or(0);
            if taken.all >= self.most || own >= MOST_OF_ONE {
                return None;
            }
            taken.all += 1;
            taken.of.insert(account.clone(), own + 1);
            Some(Seat { account: account.clone(), seats: self.clone() })
        })
    }

    /// How many are taken.
    pub(crate) fn taken(&self) -> usize {
        self.change(|taken| taken.all)
    }

    fn change<T>(&self, how: impl FnOnce(&mut Taken) -> T) -> T {
        // Nothing in here panics; were it otherwise, the counts would still be the best there are.
        how(&mut self.taken.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.seats.change(|taken| {
            taken.all = taken.all.saturating_sub(1);
            match taken.of.get_mut(&self.account) {
                Some(own) if *own > 1 => *own -= 1,
                _ => {
                    taken.of.remove(&self.account);
                }
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_takes_them_all() {
        let (ada, ben) = ("dbid:ada".parse().unwrap(), "dbid:ben".parse().unwrap());
        let seats = Seats::new(MOST_OF_ONE + 1);
        let mut hers: Vec<_> = std::iter::from_fn(|| seats.take(&ada)).collect();
        assert_eq!((hers.len(), seats.taken()), (MOST_OF_ONE, MOST_OF_ONE));
        let his = seats.take(&ben);
        assert!(his.is_some() && seats.take(&ben).is_none(), "all are taken");
        hers.pop();
        assert!(seats.take(&ada).is_some(), "hers is free again");
        drop((hers, his));
        assert!(seats.taken() == 0 && seats.change(|taken| taken.of.is_empty()));
    }
}
