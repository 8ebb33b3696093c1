//! Sessions of the page: a random word in a cookie, of which only the hash is kept.

use std::{collections::HashMap, time::Duration};

use jiff::Timestamp;
use redis::{Script, cmd};
use secrecy::{ExposeSecret, SecretString};
use sluice_domain::AccountId;

use crate::{
    Fields, Store, StoreError, millis,
    random::{hash_of, random_text},
};

/// A session ends so long after its last use.
const SESSION_TTL: Duration = Duration::from_secs(30 * 24 * 3600);
/// The most one account may have; the longest unused goes first.
const MAX_SESSIONS: u32 = 100;

/// The plain word for the cookie.
pub type SessionToken = SecretString;

/// Who is signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// The person.
    pub account: AccountId,
    /// The word that every form of this session carries.
    pub csrf: String,
    /// When the person signed in.
    pub created_at: Timestamp,
}

/// The sessions of a store.
#[derive(Debug, Clone, Copy)]
pub struct Sessions<'a>(pub(crate) &'a Store);

impl Sessions<'_> {
    /// Signs a person in.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn create(&self, account: &AccountId) -> Result<SessionToken, StoreError> {
        let token = random_text::<32>()?;
        let now = Timestamp::now().as_millisecond();
        let fields =
            [("account", account.to_string()), ("csrf", random_text::<16>()?), ("created_at", now.to_string())];
        let script = Script::new(include_str!("lua/create_session.lua"));
        let mut call = script.key(self.0.keys().prefix());
        call.arg(account.as_str())
            .arg(hash_of(&token))
            .arg(now)
            .arg(millis(SESSION_TTL))
            .arg(MAX_SESSIONS)
            .arg(&fields);
        self.0.connection().script::<()>(&call).await?;
        Ok(token.into())
    }

    /// Who is signed in with this word. Its use prolongs the session.
    ///
    /// # Errors
    /// When Redis does not answer or the session cannot be read.
    pub async fn get(&self, token: &str) -> Result<Option<Session>, StoreError> {
        let script = Script::new(include_str!("lua/use_session.lua"));
        let mut call = script.key(self.0.keys().prefix());
        call.arg(hash_of(token)).arg(Timestamp::now().as_millisecond()).arg(millis(SESSION_TTL));
        let fields: HashMap<String, String> = self.0.connection().script(&call).await?;
        let fields = Fields::new("session", fields);
        if fields.is_empty() {
            return Ok(None);
        }
        Ok(Some(Session {
            account: fields.parse_required("account")?,
            csrf: fields.required("csrf")?.to_owned(),
            created_at: fields.time_required("created_at")?,
        }))
    }

    /// Signs out.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn delete(&self, token: &SessionToken) -> Result<(), StoreError> {
        // Its hash stays in the account's list until that is full; nothing opens with it.
        let key = self.0.keys().session(&hash_of(token.expose_secret()));
        self.0.connection().run(cmd("DEL").arg(key)).await
    }
}
