//! One Dropbox client for the process: the connection, the app, the accounts' access tokens.

use std::sync::Arc;

use secrecy::SecretString;
use sluice_domain::{AccountId, Failure, FailureKind};
use sluice_transfer::FairBudget;
use tokio::time::Instant;
use url::Url;

use crate::{
    AccountClient, DropboxConfig, DropboxError, Grant, Pauses, Pkce, Tuning,
    answer::{CallError, Trouble},
    oauth,
    tokens::{Access, Slot, Slots},
    wire::Wire,
};

/// The client. Clones share connections and tokens; one per process is right.
#[derive(Clone)]
pub struct Dropbox(Arc<Shared>);

pub(crate) struct Shared {
    pub(crate) wire: Wire,
    pub(crate) tuning: Tuning,
    pub(crate) pauses: Arc<dyn Pauses>,
    pub(crate) lanes: FairBudget,
    app_key: String,
    app_secret: Option<SecretString>,
    slots: Slots,
}

impl std::fmt::Debug for Dropbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dropbox").field("wire", &self.0.wire).finish_non_exhaustive()
    }
}

impl Dropbox {
    /// A client of this app, with this patience.
    ///
    /// # Errors
    /// When an address is not one, the system has no certificates, or the extra ones are none.
    pub fn new(config: DropboxConfig, tuning: Tuning, pauses: Arc<dyn Pauses>) -> Result<Self, DropboxError> {
        let wire = Wire::new(&config, &tuning)?;
        let DropboxConfig { app_key, app_secret, .. } = config;
        let lanes = FairBudget::new(tuning.most_lanes);
        let slots = Slots::default();
        Ok(Self(Arc::new(Shared { wire, tuning, pauses, lanes, app_key, app_secret, slots })))
    }

    /// The consent page to send a person to. `state` comes back unchanged; at most 500 bytes.
    #[must_use]
    pub fn authorize_url(&self, state: &str, pkce: &Pkce, redirect_uri: &str) -> Url {
        oauth::authorize_url(&self.0.wire.authorize_url, &self.0.app_key, state, &pkce.challenge, redirect_uri)
    }

    /// Turns the code that came back into a connection. A code works once, so this is tried once.
    ///
    /// # Errors
    /// When Dropbox does not take the code or cannot be reached: the person signs in again.
    pub async fn exchange(&self, code: &str, verifier: &SecretString, redirect_uri: &str) -> Result<Grant, Failure> {
        let shared = &self.0;
        let form = oauth::exchange_form(&shared.app_key, code, verifier, redirect_uri);
        let answer = oauth::call(&shared.wire, &form, shared.tuning.call_timeout).await.map_err(sign_in_failure)?;
        let grant = answer.grant()?;
        let slot = shared.slots.get(&grant.account, grant.refresh_token.clone());
        slot.keep(Access { expires_at: Instant::now() + answer.life(), token: Arc::new(answer.access_token) });
        Ok(grant)
    }

    /// The client for one connected account. Makes no call.
    #[must_use]
    pub fn account(&self, id: &AccountId, refresh_token: SecretString) -> AccountClient {
        AccountClient::new(self.0.clone(), self.0.slots.get(id, refresh_token))
    }

    /// Where a person sees this file in the browser: beside the consent page, on the same host.
    #[must_use]
    pub fn web_link(&self, path: &str) -> Option<Url> {
        let (folder, name) = path.rsplit_once('/')?;
        let mut url = self.0.wire.authorize_url.join("/home").ok()?;
        url.path_segments_mut().ok()?.extend(folder.split('/').filter(|part| !part.is_empty()));
        url.query_pairs_mut().append_pair("preview", name);
        Some(url)
    }
}

impl Shared {
    /// A good access token for this account; the one at hand, or a new one.
    pub(crate) async fn access(&self, slot: &Slot) -> Result<Arc<Access>, CallError<()>> {
        let fresh = || slot.access().filter(|access| access.is_fresh(Instant::now()));
        if let Some(access) = fresh() {
            return Ok(access);
        }
        let _turn = slot.refreshing.lock().await;
        // Whoever had the turn before may have brought one.
        if let Some(access) = fresh() {
            return Ok(access);
        }
        let form = oauth::refresh_form(&self.app_key, self.app_secret.as_ref(), &slot.refresh_token);
        match oauth::call(&self.wire, &form, self.tuning.call_timeout).await {
            Ok(answer) => {
                let expires_at = Instant::now() + answer.life();
                Ok(slot.keep(Access { expires_at, token: Arc::new(answer.access_token) }))
            }
            // The old one is still good for some minutes: no reason to stop.
            Err(CallError::Trouble(trouble)) => {
                slot.access().filter(|access| Instant::now() < access.expires_at).ok_or(CallError::Trouble(trouble))
            }
            Err(error) => Err(error),
        }
    }
}

/// Signing in fails at once: the person is there and can press the button again.
fn sign_in_failure(error: CallError<()>) -> Failure {
    let again = "Dropbox did not complete the sign-in. Sign in again.";
    match error {
        CallError::Failed(failure) if failure.kind == FailureKind::DropboxDisconnected => failure.explained(again),
        CallError::Failed(failure) => failure,
        CallError::Trouble(Trouble::Unreachable(why) | Trouble::Lost(why)) => {
            Failure::new(FailureKind::DropboxBusy, why)
                .explained("Dropbox cannot be reached. Sign in again in a moment.")
        }
        CallError::Trouble(trouble) => Failure::new(FailureKind::DropboxBusy, format!("{trouble:?}")).explained(again),
        CallError::Refused((), said) => Failure::internal(said.detail),
        CallError::TooBig => Failure::internal("oauth2/token: too large"),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    struct NoPauses;

    #[async_trait::async_trait]
    impl Pauses for NoPauses {
        async fn paused_for(&self, _: &AccountId) -> Option<Duration> {
            None
        }

        async fn pause(&self, _: &AccountId, _: Duration) {}
    }

    #[test]
    fn a_file_has_a_page() {
        let dropbox = Dropbox::new(DropboxConfig::default(), Tuning::default(), Arc::new(NoPauses)).unwrap();
        let check = |path: &str, want: &str| assert_eq!(dropbox.web_link(path).unwrap().as_str(), want);
        check("/clip.mp4", "https://www.dropbox.com/home?preview=clip.mp4");
        check("/Videos/A B/é?.mp4", "https://www.dropbox.com/home/Videos/A%20B?preview=%C3%A9%3F.mp4");
        assert!(dropbox.web_link("clip.mp4").is_none());
    }
}
