//! When Dropbox asks one call of an account to wait, every process waits: the pause lives in Redis.

use std::time::Duration;

use async_trait::async_trait;
use sluice_domain::AccountId;
use sluice_dropbox::Pauses;
use sluice_store::Store;

/// Pauses in Redis, for all processes.
pub(crate) struct SharedPauses(pub(crate) Store);

#[async_trait]
impl Pauses for SharedPauses {
    async fn paused_for(&self, account: &AccountId) -> Option<Duration> {
        // Without Redis nothing is known; Dropbox then says it again itself.
        self.0.accounts().paused_for(account).await.ok().flatten()
    }

    async fn pause(&self, account: &AccountId, wait: Duration) {
        if let Err(error) = self.0.accounts().set_pause(account, wait).await {
            tracing::warn!(account.id = %account, %error, "The pause that Dropbox asked for is not shared");
        }
    }
}
