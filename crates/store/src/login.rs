//! Sign-ins under way: what must be remembered between the way to Dropbox's consent page and the way back.

use std::time::Duration;

use redis::{cmd, pipe};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use crate::{Store, StoreError, millis, random::hash_of};

/// A person may take so long on the consent page.
const LOGIN_TTL: Duration = Duration::from_secs(600);

/// What the seal of a sign-in is bound to.
pub(crate) const LOGIN_PLACE: &str = "login";

/// A sign-in under way.
#[derive(Debug, Clone)]
pub struct Login {
    /// The PKCE verifier.
    pub verifier: SecretString,
    /// The hash of the cookie that the same browser must bring back.
    pub binding: String,
    /// Where to go afterwards.
    pub return_to: String,
}

#[derive(Serialize, Deserialize)]
struct Raw {
    verifier: String,
    binding: String,
    return_to: String,
}

/// The sign-ins of a store.
#[derive(Debug, Clone, Copy)]
pub struct Logins<'a>(pub(crate) &'a Store);

impl Logins<'_> {
    /// Remembers a sign-in under its `state` word.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn put(&self, state: &str, login: &Login) -> Result<(), StoreError> {
        let raw = Raw {
            verifier: login.verifier.expose_secret().to_owned(),
            binding: login.binding.clone(),
            return_to: login.return_to.clone(),
        };
        let text = serde_json::to_string(&raw).map_err(|error| StoreError::corrupt("login", &error))?;
        let sealed = self.0.sealer().seal(LOGIN_PLACE, &text.into())?;
        let key = self.0.keys().login(&hash_of(state));
        self.0.connection().run(cmd("SET").arg(key).arg(sealed).arg("PX").arg(millis(LOGIN_TTL))).await
    }

    /// The sign-in of this `state`, once: it is gone afterwards.
    ///
    /// # Errors
    /// When Redis does not answer. A reply that is lost on its way loses the sign-in: the person starts again.
    pub async fn take(&self, state: &str) -> Result<Option<Login>, StoreError> {
        let key = self.0.keys().login(&hash_of(state));
        let take = pipe().atomic().cmd("GET").arg(&key).cmd("DEL").arg(&key).ignore().to_owned();
        let (sealed,): (Option<String>,) = self.0.connection().pipe(&take).await?;
        let Some(sealed) = sealed else { return Ok(None) };
        let text = self.0.sealer().open(LOGIN_PLACE, &sealed)?;
        let raw: Raw =
            serde_json::from_str(text.expose_secret()).map_err(|_| StoreError::corrupt("login", "not JSON"))?;
        Ok(Some(Login { verifier: raw.verifier.into(), binding: raw.binding, return_to: raw.return_to }))
    }
}
