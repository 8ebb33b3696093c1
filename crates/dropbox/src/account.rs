//! Calls for one connected account.

use std::sync::Arc;

use dropbox_sdk::types::files::{DeleteArg, DeleteError, GetMetadataArg, GetMetadataError, LookupError, Metadata};
use sluice_domain::{AccountId, Failure, FailureKind};
use sluice_transfer::FairShare;
use tokio::sync::MutexGuard;

use crate::{
    FileMeta, Profile, Space, Tuning,
    answer::{self, CallError, Said, Trouble},
    call::{Call, Outgoing},
    client::Shared,
    facts,
    retry::Retry,
    routes::{GetAccount, GetSpace, RevokeToken, Route},
    tokens::Slot,
};

/// Acts for one account. Clones share the account's tokens.
#[derive(Clone)]
pub struct AccountClient {
    shared: Arc<Shared>,
    slot: Arc<Slot>,
}

impl std::fmt::Debug for AccountClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AccountClient").field("id", self.id()).finish_non_exhaustive()
    }
}

/// What is at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Found {
    Nothing,
    File(FileMeta),
    /// A folder.
    Other,
}

impl AccountClient {
    pub(crate) fn new(shared: Arc<Shared>, slot: Arc<Slot>) -> Self {
        Self { shared, slot }
    }

    /// Whose account.
    #[must_use]
    pub fn id(&self) -> &AccountId {
        &self.slot.id
    }

    /// How the person is called.
    ///
    /// # Errors
    /// When the account is disconnected or Dropbox is out of order for too long.
    pub async fn profile(&self) -> Result<Profile, Failure> {
        let account = self.settled(&GetAccount).await?;
        Ok(Profile { display_name: account.name.display_name, email: account.email })
    }

    /// How full the account is.
    ///
    /// # Errors
    /// As [`AccountClient::profile`].
    pub async fn space(&self) -> Result<Space, Failure> {
        let usage = self.settled(&GetSpace).await?;
        Ok(facts::space(usage.used, &usage.allocation))
    }

    /// The file at this path, if there is one.
    ///
    /// # Errors
    /// As [`AccountClient::profile`]; or when Dropbox does not let us look there.
    pub async fn metadata(&self, path: &str) -> Result<Option<FileMeta>, Failure> {
        Ok(match self.find(path).await? {
            Found::File(file) => Some(file),
            Found::Nothing | Found::Other => None,
        })
    }

    /// Gives the connection back: neither the refresh token nor any access token works afterwards.
    ///
    /// # Errors
    /// When Dropbox cannot be reached for too long. A connection that is gone already is no error.
    pub async fn revoke(&self) -> Result<(), Failure> {
        match self.settled(&RevokeToken).await {
            Err(failure) if failure.kind != FailureKind::DropboxDisconnected => Err(failure),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    pub(crate) fn tuning(&self) -> &Tuning {
        &self.shared.tuning
    }

    /// A file's share of the appends that this process may have under way at once.
    pub(crate) fn lanes(&self) -> FairShare {
        self.shared.lanes.share()
    }

    /// The turn to commit: one at a time per account in this process.
    pub(crate) async fn turn_to_commit(&self) -> MutexGuard<'_, ()> {
        self.slot.committing.lock().await
    }

    pub(crate) async fn find(&self, path: &str) -> Result<Found, Failure> {
        match self.repeated(&GetMetadataArg::new(path.to_owned())).await? {
            Ok(Metadata::File(file)) => Ok(Found::File(FileMeta::new(path, file))),
            Ok(Metadata::Folder(_)) => Ok(Found::Other),
            Ok(Metadata::Deleted(_))
            | Err((GetMetadataError::Path(LookupError::NotFound | LookupError::MalformedPath(_)), _)) => {
                Ok(Found::Nothing)
            }
            Err((_, said)) => Err(answer::refused(said)),
        }
    }

    /// Deletes exactly this revision. If it is gone or has been changed, that is fine too.
    pub(crate) async fn delete_revision(&self, file: &FileMeta) -> Result<(), Failure> {
        let argument = DeleteArg::new(file.path.clone()).with_parent_rev(file.rev.clone());
        let mut retry = Retry::new(self.tuning());
        loop {
            match self.repeated(&argument).await? {
                Ok(_) | Err((DeleteError::PathLookup(_) | DeleteError::PathWrite(_), _)) => return Ok(()),
                Err((DeleteError::TooManyWriteOperations, _)) => retry.wait(&Trouble::Locked(None)).await?,
                Err((_, said)) => return Err(answer::refused(said)),
            }
        }
    }

    /// Calls a route that may be repeated and has nothing to refuse.
    async fn settled<R: Route>(&self, route: &R) -> Result<R::Answer, Failure> {
        self.repeated(route).await?.map_err(|(_, said)| answer::refused(said))
    }

    /// Calls a route that does no harm when it is repeated, until it has an answer or the budget ends.
    pub(crate) async fn repeated<R: Route>(&self, route: &R) -> Result<Result<R::Answer, (R::Problem, Said)>, Failure> {
        let mut retry = Retry::new(self.tuning());
        loop {
            match self.once(route, Outgoing::nothing(self.tuning().call_timeout)).await {
                Ok(answer) => return Ok(Ok(answer)),
                Err(CallError::Refused(problem, said)) => return Ok(Err((problem, said))),
                Err(CallError::Trouble(trouble)) => retry.wait(&trouble).await?,
                Err(CallError::TooBig) => return Err(Failure::internal(format!("{}: too large", R::NAME)).permanent()),
                Err(CallError::Failed(failure)) => return Err(failure),
            }
        }
    }

    /// One call, after the account's pause and with a good token. Nothing is repeated here.
    pub(crate) async fn once<R: Route>(&self, route: &R, out: Outgoing) -> Result<R::Answer, CallError<R::Problem>> {
        let Shared { wire, pauses, tuning, .. } = &*self.shared;
        if let Some(left) = pauses.paused_for(self.id()).await.filter(|left| !left.is_zero()) {
            return Err(CallError::Trouble(Trouble::Paused(left)));
        }
        let access = self.shared.access(&self.slot).await.map_err(without_problem)?;
        let header = route.header().map_err(CallError::Failed)?;
        let call = Call::new(wire, access.token.clone(), header, out);
        let result = route.send(&call).await;
        let (record, mut limited) = (call.into_record(), None);
        let answered_429 = record.status() == Some(429);
        let judged = answer::judge(R::NAME, result, record);
        match &judged {
            Err(CallError::Trouble(Trouble::Expired)) => self.slot.drop_access(&access),
            Err(CallError::Trouble(Trouble::Busy(asked))) => limited = Some(asked.unwrap_or(tuning.first_busy_wait)),
            Err(CallError::Trouble(Trouble::Locked(asked))) => limited = Some(asked.unwrap_or(tuning.first_wait)),
            _ => {}
        }
        if let Some(wait) = limited.filter(|_| answered_429) {
            pauses.pause(self.id(), wait).await;
        }
        judged
    }
}

/// The token endpoint has no problems of a route.
fn without_problem<P>(error: CallError<()>) -> CallError<P> {
    match error {
        CallError::Trouble(trouble) => CallError::Trouble(trouble),
        CallError::Failed(failure) => CallError::Failed(failure),
        CallError::Refused((), said) => CallError::Failed(Failure::internal(said.detail)),
        CallError::TooBig => CallError::TooBig,
    }
}
