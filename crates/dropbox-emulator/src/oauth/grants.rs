//! Who has been allowed what: refresh tokens and the access tokens made from them.
//!
//! Kept in a record, in plain text: these tokens open nothing but the emulator.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use crate::chance;
use crate::error::Error;
use crate::record;

/// Life of an access token in seconds, as at the service.
pub(crate) const ACCESS_SECONDS: i64 = 14_400;
/// Access tokens remembered per grant; the oldest go first.
const ACCESS_KEPT: usize = 200;

/// One consent: an account has connected an app.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Grant {
    pub(crate) account: String,
    pub(crate) client_id: String,
    pub(crate) scopes: Vec<String>,
    /// Made without a secret: refreshing needs none either.
    pub(crate) pkce: bool,
    /// Only for offline access.
    pub(crate) refresh_token: Option<String>,
    access: Vec<Access>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Access {
    token: String,
    /// Seconds since 1970.
    expires: i64,
    scopes: Vec<String>,
}

/// What an access token is worth.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Not even the form of a token.
    Malformed,
    /// Revoked, or never issued.
    Invalid,
    /// Of this account, but too old.
    Expired(String),
    Good {
        account: String,
        scopes: Vec<String>,
    },
}

/// All consents.
pub(crate) struct Grants {
    record: PathBuf,
    grants: Mutex<Vec<Grant>>,
}

impl Grants {
    pub(crate) fn open(record: &Path) -> Result<Self, Error> {
        let grants = record::load(record)?.unwrap_or_default();
        Ok(Self { record: record.into(), grants: Mutex::new(grants) })
    }

    /// Adds a consent. Returns it with its first access token.
    pub(crate) fn add(
        &self,
        account: &str,
        client_id: &str,
        scopes: Vec<String>,
        pkce: bool,
        offline: bool,
        now: i64,
    ) -> Result<(Grant, String), Error> {
        let mut grant = Grant {
            account: account.to_owned(),
            client_id: client_id.to_owned(),
            scopes: scopes.clone(),
            pkce,
            refresh_token: offline.then(|| chance::letters(64)),
            access: Vec::new(),
        };
        let token = grant.issue(scopes, now);
        let mut grants = self.lock();
        grants.push(grant.clone());
        record::save(&self.record, &*grants)?;
        Ok((grant, token))
    }

    /// The consent behind a refresh token.
    pub(crate) fn by_refresh_token(&self, token: &str) -> Option<Grant> {
        self.lock().iter().find(|grant| grant.refresh_token.as_deref() == Some(token)).cloned()
    }

    /// Another access token from a refresh token; `None` when that is gone.
    pub(crate) fn refresh(&self, token: &str, scopes: Vec<String>, now: i64) -> Result<Option<String>, Error> {
        let mut grants = self.lock();
        let Some(grant) = grants.iter_mut().find(|grant| grant.refresh_token.as_deref() == Some(token)) else {
            return Ok(None);
        };
        let access = grant.issue(scopes, now);
        record::save(&self.record, &*grants)?;
        Ok(Some(access))
    }

    /// Judges an access token.
    pub(crate) fn standing(&self, token: &str, now: i64) -> Standing {
        let well_formed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
        if !token.starts_with("sl.") || token.len() < 20 || !token.bytes().all(well_formed) {
            return Standing::Malformed;
        }
        for grant in self.lock().iter() {
            if let Some(access) = grant.access.iter().find(|access| access.token == token) {
                let account = grant.account.clone();
                return if access.expires > now {
                    Standing::Good { account, scopes: access.scopes.clone() }
                } else {
                    Standing::Expired(account)
                };
            }
        }
        Standing::Invalid
    }

    /// Ends the consent that an access token belongs to, with its refresh token and all sibling tokens.
    pub(crate) fn revoke(&self, access_token: &str) -> Result<(), Error> {
        self.retain(|grant| !grant.access.iter().any(|access| access.token == access_token))
    }

    /// Ends all consents of an account.
    pub(crate) fn revoke_account(&self, account: &str) -> Result<(), Error> {
        self.retain(|grant| grant.account != account)
    }

    /// Lets every access token of an account expire now; refresh tokens stay good.
    pub(crate) fn expire_account(&self, account: &str) -> Result<(), Error> {
        let mut grants = self.lock();
        for grant in grants.iter_mut().filter(|grant| grant.account == account) {
            grant.access.iter_mut().for_each(|access| access.expires = 0);
        }
        record::save(&self.record, &*grants)
    }

    fn retain(&self, keep: impl Fn(&Grant) -> bool) -> Result<(), Error> {
        let mut grants = self.lock();
        grants.retain(keep);
        record::save(&self.record, &*grants)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Grant>> {
        self.grants.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Grant {
    fn issue(&mut self, scopes: Vec<String>, now: i64) -> String {
        let token = format!("sl.u.{}", chance::letters(140));
        if self.access.len() >= ACCESS_KEPT {
            self.access.remove(0);
        }
        self.access.push(Access { token: token.clone(), expires: now + ACCESS_SECONDS, scopes });
        token
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_life_of_a_token() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("grants.json");
        let grants = Grants::open(&path).unwrap();
        let scopes = vec!["account_info.read".to_owned()];
        let (grant, first) = grants.add("dbid:a", "K", scopes.clone(), true, true, 1000).unwrap();
        let good = || Standing::Good { account: "dbid:a".into(), scopes: scopes.clone() };
        let check = |token: &str, now, expected| assert_eq!(grants.standing(token, now), expected, "{token} at {now}");
        check(&first, 1000, good());
        check(&first, 1000 + ACCESS_SECONDS, Standing::Expired("dbid:a".into()));
        check(&first.replace("sl.u.", "sl.x."), 1000, Standing::Invalid);
        check("garbage", 1000, Standing::Malformed);
        let refresh = grant.refresh_token.unwrap();
        let second = grants.refresh(&refresh, scopes.clone(), 2000).unwrap().unwrap();
        check(&first, 2000, good());
        assert_eq!(Grants::open(&path).unwrap().standing(&second, 2000), good());
        grants.expire_account("dbid:a").unwrap();
        check(&second, 2000, Standing::Expired("dbid:a".into()));
        grants.revoke(&second).unwrap();
        check(&first, 1000, Standing::Invalid);
        assert_eq!(grants.refresh(&refresh, scopes.clone(), 2000).unwrap(), None);
    }
}
