//! The account that a file goes to.

use sluice_domain::{AccountId, ByteSize, Failure, FailureKind};
use sluice_dropbox::{AccountClient, Dropbox};
use sluice_store::Store;

/// The owner's connection to Dropbox.
///
/// # Errors
/// [`FailureKind::DropboxDisconnected`] when there is none; or the store does not answer.
pub async fn connect(store: &Store, dropbox: &Dropbox, owner: &AccountId) -> Result<AccountClient, Failure> {
    let token = store.accounts().refresh_token(owner).await.map_err(|error| Failure::internal(error.to_string()))?;
    let token = token.ok_or_else(|| Failure::new(FailureKind::DropboxDisconnected, "no refresh token"))?;
    Ok(dropbox.account(owner, token))
}

/// The account's free space. Unknown is no reason to stop: Dropbox itself refuses what does not fit.
///
/// # Errors
/// When it is known that nothing can be sent there.
pub async fn free_space(account: &AccountClient) -> Result<Option<ByteSize>, Failure> {
    match account.space().await {
        Ok(space) => Ok(Some(space.free())),
        Err(failure) if failure.is_transient() => {
            tracing::warn!(failure.kind = %failure.kind, failure.detail, "The free space is unknown; going on without it");
            Ok(None)
        }
        Err(failure) => Err(failure),
    }
}

/// When an attempt ended because the account is disconnected, its page says so from now on.
pub async fn mark_disconnected<T>(store: &Store, owner: &AccountId, ended: &Result<T, Failure>) {
    if let Err(failure) = ended
        && failure.kind == FailureKind::DropboxDisconnected
        && let Err(error) = store.accounts().mark_disconnected(owner).await
    {
        tracing::warn!(%error, "The page does not know yet that the account is disconnected");
    }
}
