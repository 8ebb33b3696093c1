//! The account-wide pause: Dropbox limits an account, not a request.

use std::time::Duration;

use async_trait::async_trait;
use sluice_domain::AccountId;

/// Where "this account has to wait" is kept, for all processes.
#[async_trait]
pub trait Pauses: Send + Sync {
    /// How much longer calls for this account have to wait, if at all.
    async fn paused_for(&self, account: &AccountId) -> Option<Duration>;
    /// Nobody calls for this account for so long.
    async fn pause(&self, account: &AccountId, wait: Duration);
}
