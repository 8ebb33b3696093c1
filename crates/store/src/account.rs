//! People: who connected their Dropbox, with what right, and whether Dropbox asked to leave them alone for a while.

use std::{collections::HashMap, time::Duration};

use jiff::Timestamp;
use redis::{Script, cmd, pipe};
use secrecy::SecretString;
use sluice_domain::{AccountId, Folder, Preset};

use crate::{Fields, Store, StoreError, millis};

/// A person.
#[derive(Debug, Clone)]
pub struct Account {
    /// Dropbox's id of the account.
    pub id: AccountId,
    /// What to call the person.
    pub display_name: String,
    /// The address that Dropbox knows.
    pub email: String,
    /// The right to act for the person. Sealed at rest.
    pub refresh_token: SecretString,
    /// What the right covers.
    pub scopes: Vec<String>,
    /// When the right was given.
    pub connected_at: Timestamp,
    /// Was the right withdrawn? Then the person has to connect again.
    pub disconnected: bool,
    /// Where files go unless a request says otherwise.
    pub folder: Folder,
    /// The quality unless a request says otherwise.
    pub preset: Preset,
}

/// The accounts of a store.
#[derive(Debug, Clone, Copy)]
pub struct Accounts<'a>(pub(crate) &'a Store);

impl Accounts<'_> {
    /// Keeps an account, new or changed.
    ///
    /// # Errors
    /// When Redis does not take it.
    pub async fn put(&self, account: &Account) -> Result<(), StoreError> {
        let sealed = self.0.sealer().seal(&place(&account.id), &account.refresh_token)?;
        let fields = [
            ("display_name", account.display_name.clone()),
            ("email", account.email.clone()),
            ("refresh_token", sealed),
            ("scopes", account.scopes.join(" ")),
            ("connected_at", account.connected_at.as_millisecond().to_string()),
            ("disconnected", u8::from(account.disconnected).to_string()),
            ("folder", account.folder.to_string()),
            ("preset", account.preset.to_string()),
        ];
        self.0.connection().run(cmd("HSET").arg(self.0.keys().account(&account.id)).arg(&fields)).await
    }

    /// The account, if it is known.
    ///
    /// # Errors
    /// When Redis does not answer, or the record or the sealed token cannot be read.
    pub async fn get(&self, id: &AccountId) -> Result<Option<Account>, StoreError> {
        let fields: HashMap<String, String> =
            self.0.connection().run(cmd("HGETALL").arg(self.0.keys().account(id))).await?;
        let fields = Fields::new(place(id), fields);
        if fields.is_empty() {
            return Ok(None);
        }
        Ok(Some(Account {
            id: id.clone(),
            display_name: fields.text("display_name").unwrap_or_default().to_owned(),
            email: fields.text("email").unwrap_or_default().to_owned(),
            refresh_token: self.0.sealer().open(&place(id), fields.required("refresh_token")?)?,
            scopes: fields.text("scopes").unwrap_or_default().split_whitespace().map(str::to_owned).collect(),
            connected_at: fields.time_required("connected_at")?,
            disconnected: fields.text("disconnected") == Some("1"),
            folder: fields.parse_required("folder")?,
            preset: fields.parse_required("preset")?,
        }))
    }

    /// The right to act for the person; `None` when the account is unknown or disconnected.
    ///
    /// # Errors
    /// As [`Accounts::get`].
    pub async fn refresh_token(&self, id: &AccountId) -> Result<Option<SecretString>, StoreError> {
        Ok(self.get(id).await?.filter(|account| !account.disconnected).map(|account| account.refresh_token))
    }

    /// Changes where files go and in what quality, unless a request says otherwise.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn set_defaults(&self, id: &AccountId, folder: &Folder, preset: Preset) -> Result<(), StoreError> {
        self.update(id, &[("folder", folder.to_string()), ("preset", preset.to_string())]).await
    }

    /// Notes that the right was withdrawn at Dropbox.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn mark_disconnected(&self, id: &AccountId) -> Result<(), StoreError> {
        self.update(id, &[("disconnected", "1".into())]).await
    }

    /// Forgets the account: its token, its sessions, its API tokens. Its jobs stay until their retention ends.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn forget(&self, id: &AccountId) -> Result<(), StoreError> {
        let script = Script::new(include_str!("lua/forget.lua"));
        self.0.connection().script(script.key(self.0.keys().prefix()).arg(id.as_str())).await
    }

    /// Leaves the account alone for this long, in every process. A shorter pause does not end a longer one.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn set_pause(&self, id: &AccountId, pause: Duration) -> Result<(), StoreError> {
        let (key, ms) = (self.0.keys().account_pause(id), millis(pause).max(1));
        let both = pipe()
            .atomic()
            .cmd("SET")
            .arg(&key)
            .arg(1)
            .arg("PX")
            .arg(ms)
            .arg("NX")
            .ignore()
            .cmd("PEXPIRE")
            .arg(&key)
            .arg(ms)
            .arg("GT")
            .ignore()
            .to_owned();
        self.0.connection().pipe(&both).await
    }

    /// How long the account has to be left alone still.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn paused_for(&self, id: &AccountId) -> Result<Option<Duration>, StoreError> {
        let left: i64 = self.0.connection().run(cmd("PTTL").arg(self.0.keys().account_pause(id))).await?;
        Ok(u64::try_from(left).ok().filter(|left| *left > 0).map(Duration::from_millis))
    }

    async fn update(&self, id: &AccountId, fields: &[(&str, String)]) -> Result<(), StoreError> {
        let script = Script::new(include_str!("lua/update_account.lua"));
        let _known: bool = self.0.connection().script(script.key(self.0.keys().account(id)).arg(fields)).await?;
        Ok(())
    }
}

/// What the sealed token is bound to, and what errors call it.
fn place(id: &AccountId) -> String {
    format!("account {id}")
}
