//! API tokens: shown once when they are made; only their hash is kept. Each may do what its scope says.

use std::collections::HashMap;

use jiff::Timestamp;
use redis::{Script, cmd, pipe};
use secrecy::SecretString;
use sluice_domain::AccountId;

use crate::{
    Fields, Scope, Store, StoreError,
    random::{hash_of, random_text},
};

/// What every API token begins with, so that people and scanners recognise one.
const TOKEN_PREFIX: &str = "slc_";
/// The most one account may have.
const MAX_TOKENS: usize = 50;
/// The longest name, in characters.
const MAX_NAME_CHARS: usize = 100;

/// An API token as its owner sees it in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiToken {
    /// What it is revoked by. It opens nothing.
    pub id: String,
    /// What its owner called it.
    pub name: String,
    /// What it may do.
    pub scope: Scope,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last used, to the minute.
    pub last_used: Option<Timestamp>,
}

/// The API tokens of a store.
#[derive(Debug, Clone, Copy)]
pub struct Tokens<'a>(pub(crate) &'a Store);

impl Tokens<'_> {
    /// Makes a token. The plain word is not kept anywhere: show it now.
    ///
    /// # Errors
    /// [`StoreError::TooManyTokens`], or when Redis does not answer.
    pub async fn create(
        &self,
        account: &AccountId,
        name: &str,
        scope: Scope,
    ) -> Result<(SecretString, ApiToken), StoreError> {
        let plain = format!("{TOKEN_PREFIX}{}", random_text::<32>()?);
        // To the millisecond, as it is kept.
        let now = Timestamp::now();
        let created_at = now.round(jiff::Unit::Millisecond).unwrap_or(now);
        let name: String = name.trim().chars().filter(|c| !c.is_control()).take(MAX_NAME_CHARS).collect();
        let token = ApiToken { id: random_text::<9>()?, name, scope, created_at, last_used: None };
        let hash = hash_of(&plain);
        let fields = [
            ("id", token.id.clone()),
            ("account", account.to_string()),
            ("name", token.name.clone()),
            ("scope", scope.to_string()),
            ("created_at", created_at.as_millisecond().to_string()),
        ];
        let script = Script::new(include_str!("lua/create_token.lua"));
        let mut call = script.key(self.0.keys().token(&hash));
        call.key(self.0.keys().account_tokens(account)).arg(MAX_TOKENS).arg(&token.id).arg(&hash).arg(&fields);
        if self.0.connection().script::<bool>(&call).await? {
            Ok((plain.into(), token))
        } else {
            Err(StoreError::TooManyTokens { limit: MAX_TOKENS })
        }
    }

    /// Whose token this is, and what it may do.
    ///
    /// # Errors
    /// When Redis does not answer or the token cannot be read.
    pub async fn verify(&self, plain: &str) -> Result<Option<(AccountId, Scope)>, StoreError> {
        if !plain.starts_with(TOKEN_PREFIX) {
            return Ok(None);
        }
        let script = Script::new(include_str!("lua/use_token.lua"));
        let mut call = script.key(self.0.keys().token(&hash_of(plain)));
        call.arg(Timestamp::now().as_millisecond());
        let Some((account, scope)) = self.0.connection().script::<Option<(String, String)>>(&call).await? else {
            return Ok(None);
        };
        let account = account.parse().map_err(|error| StoreError::corrupt("API token", &error))?;
        Ok(Some((account, read_scope(&scope)?)))
    }

    /// The account's tokens, oldest first.
    ///
    /// # Errors
    /// When Redis does not answer or a token cannot be read.
    pub async fn list(&self, account: &AccountId) -> Result<Vec<ApiToken>, StoreError> {
        let hashes: Vec<String> =
            self.0.connection().run(cmd("HVALS").arg(self.0.keys().account_tokens(account))).await?;
        if hashes.is_empty() {
            return Ok(Vec::new());
        }
        let mut read = pipe();
        for hash in &hashes {
            read.cmd("HGETALL").arg(self.0.keys().token(hash));
        }
        let found: Vec<HashMap<String, String>> = self.0.connection().pipe(&read).await?;
        let found =
            found.into_iter().map(|fields| Fields::new("API token", fields)).filter(|fields| !fields.is_empty());
        let mut tokens = found
            .map(|fields| {
                Ok(ApiToken {
                    id: fields.required("id")?.to_owned(),
                    name: fields.text("name").unwrap_or_default().to_owned(),
                    scope: read_scope(fields.text("scope").unwrap_or_default())?,
                    created_at: fields.time_required("created_at")?,
                    last_used: fields.time("last_used")?,
                })
            })
            .collect::<Result<Vec<_>, StoreError>>()?;
        tokens.sort_by_key(|token| token.created_at);
        Ok(tokens)
    }

    /// Makes a token useless. One that is not there, or another account's, is left alone.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn revoke(&self, account: &AccountId, id: &str) -> Result<(), StoreError> {
        let all = self.0.keys().account_tokens(account);
        let hash: Option<String> = self.0.connection().run(cmd("HGET").arg(&all).arg(id)).await?;
        let Some(hash) = hash else { return Ok(()) };
        // The token goes first: should the second step not happen, it is useless already and can be revoked again.
        let token = self.0.keys().token(&hash);
        let both = pipe().atomic().cmd("DEL").arg(token).ignore().cmd("HDEL").arg(&all).arg(id).ignore().to_owned();
        self.0.connection().pipe(&both).await
    }
}

/// A token without one is older than scopes are.
fn read_scope(text: &str) -> Result<Scope, StoreError> {
    if text.is_empty() {
        return Ok(Scope::default());
    }
    text.parse().map_err(|error| StoreError::corrupt("API token", &error))
}
