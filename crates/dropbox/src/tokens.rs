//! Access tokens, in memory only: one slot per account, refreshed by one caller while the others wait.
//!
//! The SDK's own cache holds a lock across the network and takes it blocking, which can stop the whole runtime; this one does not.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use arc_swap::ArcSwapOption;
use secrecy::{ExposeSecret, SecretString};
use sluice_domain::AccountId;
use tokio::time::Instant;

/// Accounts that are remembered. Beyond, those not in use are forgotten; they only need a refresh more.
const MOST_SLOTS: usize = 1024;
/// Tokens are renewed so long before they expire, so that they hardly ever expire in the middle of an upload.
const EARLY: Duration = Duration::from_secs(300);

/// A token that Dropbox accepts for some hours.
pub(crate) struct Access {
    /// Never logged; has no `Debug`.
    pub(crate) token: Arc<String>,
    pub(crate) expires_at: Instant,
}

impl Access {
    /// Good for a while yet.
    pub(crate) fn is_fresh(&self, now: Instant) -> bool {
        now + EARLY < self.expires_at
    }
}

/// What the process knows about one connected account.
pub(crate) struct Slot {
    pub(crate) id: AccountId,
    pub(crate) refresh_token: SecretString,
    access: ArcSwapOption<Access>,
    /// Held by whoever refreshes.
    pub(crate) refreshing: tokio::sync::Mutex<()>,
    /// Held by whoever commits: commits of one account stand in each other's way at Dropbox.
    pub(crate) committing: tokio::sync::Mutex<()>,
}

impl Slot {
    pub(crate) fn new(id: AccountId, refresh_token: SecretString) -> Self {
        Self {
            id,
            refresh_token,
            access: ArcSwapOption::empty(),
            refreshing: tokio::sync::Mutex::default(),
            committing: tokio::sync::Mutex::default(),
        }
    }

    /// The token, if there is one.
    pub(crate) fn access(&self) -> Option<Arc<Access>> {
        self.access.load_full()
    }

    pub(crate) fn keep(&self, access: Access) -> Arc<Access> {
        let access = Arc::new(access);
        self.access.store(Some(access.clone()));
        access
    }

    /// Dropbox no longer takes this token. Another call may have replaced it already: then that one stays.
    pub(crate) fn drop_access(&self, refused: &Arc<Access>) {
        self.access.rcu(|current| current.clone().filter(|current| !Arc::ptr_eq(current, refused)));
    }
}

/// The slots of this process.
#[derive(Default)]
pub(crate) struct Slots(Mutex<HashMap<AccountId, Arc<Slot>>>);

impl Slots {
    /// The slot of this account, a new one if it was connected anew.
    pub(crate) fn get(&self, id: &AccountId, refresh_token: SecretString) -> Arc<Slot> {
        let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let same = |slot: &&Arc<Slot>| slot.refresh_token.expose_secret() == refresh_token.expose_secret();
        if let Some(slot) = slots.get(id).filter(same) {
            return slot.clone();
        }
        if slots.len() >= MOST_SLOTS {
            slots.retain(|_, slot| Arc::strong_count(slot) > 1);
        }
        let slot = Arc::new(Slot::new(id.clone(), refresh_token));
        if slots.len() < MOST_SLOTS {
            slots.insert(id.clone(), slot.clone());
        }
        slot
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: usize) -> AccountId {
        format!("dbid:{number}").parse().unwrap()
    }

    #[test]
    fn a_slot_is_shared_until_the_account_is_connected_anew() {
        let slots = Slots::default();
        let first = slots.get(&id(1), "a".into());
        assert!(Arc::ptr_eq(&first, &slots.get(&id(1), "a".into())));
        assert!(!Arc::ptr_eq(&first, &slots.get(&id(1), "b".into())));
    }

    #[test]
    fn the_memory_is_bounded() {
        let slots = Slots::default();
        let used = slots.get(&id(0), "a".into());
        for number in 1..3 * MOST_SLOTS {
            slots.get(&id(number), "a".into());
            assert!(slots.0.lock().unwrap().len() <= MOST_SLOTS);
        }
        assert!(Arc::ptr_eq(&used, &slots.get(&id(0), "a".into())));
    }

    #[test]
    fn only_the_refused_token_is_dropped() {
        let slot = Slot::new(id(1), "a".into());
        let access = |token: &str| Access { token: Arc::new(token.into()), expires_at: Instant::now() + 2 * EARLY };
        let old = slot.keep(access("old"));
        let new = slot.keep(access("new"));
        slot.drop_access(&old);
        assert!(Arc::ptr_eq(&slot.access().unwrap(), &new));
        slot.drop_access(&new);
        assert!(slot.access().is_none());
    }

    #[test]
    fn a_token_is_renewed_early() {
        let now = Instant::now();
        let expires_in = |left| Access { token: Arc::default(), expires_at: now + left };
        assert!(expires_in(EARLY + Duration::from_secs(1)).is_fresh(now));
        assert!(!expires_in(EARLY).is_fresh(now));
    }
}
