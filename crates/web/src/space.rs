//! The free space in the corner of the page: asked of Dropbox at most once a minute for each account, and never waited for long.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use sluice_domain::{AccountId, ByteSize, FailureKind};
use sluice_store::Account;

use crate::state::State;

/// How long an answer is good.
const GOOD_FOR: Duration = Duration::from_secs(60);
/// How long a page waits for it.
const PATIENCE: Duration = Duration::from_millis(700);
/// Accounts remembered at once; when there are more, all are forgotten.
const MAX_ACCOUNTS: usize = 10_000;

/// What Dropbox said lately.
#[derive(Debug, Default)]
pub(crate) struct Spaces(Mutex<HashMap<AccountId, (Instant, Option<ByteSize>)>>);

impl Spaces {
    /// The free space, when it is known or Dropbox tells it in time.
    pub(crate) async fn free(&self, state: &State, account: &Account) -> Option<ByteSize> {
        let now = Instant::now();
        if let Some((asked, free)) = self.lock().get(&account.id).copied()
            && now.duration_since(asked) < GOOD_FOR
        {
            return free;
        }
        let client = state.dropbox.account(&account.id, account.refresh_token.clone());
        let free = match tokio::time::timeout(PATIENCE, client.space()).await {
            Ok(Ok(space)) => Some(space.free()),
            Ok(Err(failure)) if failure.kind == FailureKind::DropboxDisconnected => {
                // The next page says so. Should this not be stored, the next look finds it out again.
                let _ = state.store.accounts().mark_disconnected(&account.id).await;
                None
            }
            Ok(Err(_)) | Err(_) => None,
        };
        let mut known = self.lock();
        if known.len() >= MAX_ACCOUNTS {
            known.clear();
        }
        known.insert(account.id.clone(), (now, free));
        free
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<AccountId, (Instant, Option<ByteSize>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
