//! From one `security.secret_key` to the next: what is sealed, with which key, and sealing it anew.
//!
//! While both keys are set everywhere, it may run beside everything else, be stopped, and be run again: each value is replaced only where
//! it still is what was read, and what has the newest seal is passed over. This and migrations are the only ones that walk through the
//! keys of a namespace (`SCAN`); nothing that serves does.

use redis::{FromRedisValue, Pipeline, Script, cmd, pipe};

use crate::{Store, StoreError, canary, login::LOGIN_PLACE};

/// What the queue seals the link of a job for, when there is a password in it.
pub const LINK_PURPOSE: &str = "link";
/// The field of a job that holds its link.
const LINK: &str = "url";
/// The field of an account that holds its token.
const REFRESH_TOKEN: &str = "refresh_token";
/// Keys of an account that are not the account.
const ACCOUNT_PARTS: [&str; 3] = [":pause", ":sessions", ":tokens"];

/// Keys looked at in one step.
const STEP: u32 = 500;
/// Walks before giving up: what appears under the old key during a walk is found by the next, unless a process still seals with it.
const MOST_WALKS: u32 = 4;

/// How many values have which seal. What lives for minutes only, such as what is kept of an extraction, is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Seals {
    /// With the first of the keys.
    pub newest: u64,
    /// With one of the others.
    pub older: u64,
    /// With none of them.
    pub unknown: u64,
}

/// What [`Store::rotate_key`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rotation {
    /// Values that have a new seal.
    pub resealed: u64,
    /// What there is now.
    pub seals: Seals,
}

/// A sealed value that was found.
struct Found {
    key: String,
    /// The field of a hash; empty for a string.
    field: &'static str,
    /// What the seal is bound to.
    place: String,
    sealed: String,
}

impl Store {
    /// Counts the seals.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn seals(&self) -> Result<Seals, StoreError> {
        Ok(Box::pin(self.walk(false)).await?.seals)
    }

    /// Seals everything with the first of the keys. May be repeated.
    ///
    /// # Errors
    /// When Redis does not answer. What was sealed anew by then stays so.
    pub async fn rotate_key(&self) -> Result<Rotation, StoreError> {
        Box::pin(canary::leave(self)).await?;
        let mut resealed = 0;
        for _ in 0..MOST_WALKS {
            let walked = Box::pin(self.walk(true)).await?;
            resealed += walked.resealed;
            if walked.resealed == 0 {
                return Ok(Rotation { resealed, ..walked });
            }
        }
        Ok(Rotation { resealed, seals: self.seals().await? })
    }

    async fn walk(&self, reseal: bool) -> Result<Rotation, StoreError> {
        let pattern = format!("{}*", self.prefix());
        let mut rotation = Rotation::default();
        let mut cursor = "0".to_owned();
        loop {
            let mut scan = cmd("SCAN");
            scan.arg(&cursor).arg("MATCH").arg(&pattern).arg("COUNT").arg(STEP);
            let (next, keys): (String, Vec<String>) = self.connection().run(&scan).await?;
            for found in self.sealed(keys).await? {
                let seals = &mut rotation.seals;
                if self.sealer().is_newest(&found.sealed) {
                    seals.newest += 1;
                } else if let Ok(plain) = self.sealer().open(&found.place, &found.sealed) {
                    if !reseal {
                        seals.older += 1;
                        continue;
                    }
                    let new = self.sealer().seal(&found.place, &plain)?;
                    let script = Script::new(include_str!("lua/reseal.lua"));
                    let mut call = script.key(&found.key);
                    call.arg(found.field).arg(&found.sealed).arg(new);
                    rotation.resealed += self.connection().script::<u64>(&call).await?;
                } else {
                    seals.unknown += 1;
                }
            }
            cursor = next;
            if cursor == "0" {
                return Ok(rotation);
            }
        }
    }

    /// What is sealed under these keys: tokens of accounts, sign-ins under way, links with a password in them.
    async fn sealed(&self, keys: Vec<String>) -> Result<Vec<Found>, StoreError> {
        let (mut accounts, mut logins, mut jobs) = (Vec::new(), Vec::new(), Vec::new());
        for key in keys {
            match key[self.prefix().len()..].split_once(':') {
                Some(("account", id)) if !ACCOUNT_PARTS.iter().any(|part| id.ends_with(part)) => accounts.push(key),
                Some(("login", _)) => logins.push(key),
                Some(("job", _)) => jobs.push(key),
                _ => {}
            }
        }
        let (mut of_accounts, mut of_logins, mut of_jobs) = (pipe(), pipe(), pipe());
        for key in &accounts {
            of_accounts.cmd("HGET").arg(key).arg(REFRESH_TOKEN);
        }
        for key in &logins {
            of_logins.cmd("GET").arg(key);
        }
        for key in &jobs {
            of_jobs.cmd("HMGET").arg(key).arg(LINK).arg("account");
        }
        let mut found = Vec::new();
        for (key, sealed) in accounts.into_iter().zip(self.ask::<Option<String>>(&of_accounts).await?) {
            let place = format!("account {}", &key[self.prefix().len() + "account:".len()..]);
            found.extend(sealed.map(|sealed| Found { key, field: REFRESH_TOKEN, place, sealed }));
        }
        for (key, sealed) in logins.into_iter().zip(self.ask::<Option<String>>(&of_logins).await?) {
            found.extend(sealed.map(|sealed| Found { key, field: "", place: LOGIN_PLACE.to_owned(), sealed }));
        }
        for (key, (link, account)) in
            jobs.into_iter().zip(self.ask::<(Option<String>, Option<String>)>(&of_jobs).await?)
        {
            if let Some((sealed, account)) = link.filter(|link| !link.contains("://")).zip(account) {
                let place = format!("{LINK_PURPOSE} of {account}");
                found.push(Found { key, field: LINK, place, sealed });
            }
        }
        Ok(found)
    }

    /// An empty pipeline is an error to Redis.
    async fn ask<T: FromRedisValue>(&self, pipeline: &Pipeline) -> Result<Vec<T>, StoreError> {
        if pipeline.is_empty() { Ok(Vec::new()) } else { self.connection().pipe(pipeline).await }
    }
}
