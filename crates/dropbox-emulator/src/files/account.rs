//! The accounts: who they are, how much room they have, and the lock that their writes contend for.
//!
//! Identities are derived from the name, so they stay the same over restarts without being written down.

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::error::Error;
use crate::files::tree::Tree;

/// One person's Dropbox.
pub(crate) struct Account {
    /// `dbid:` and 35 characters.
    pub(crate) id: String,
    /// The display name, and the name of the account's folder.
    pub(crate) name: String,
    /// The old numeric id, still part of a token answer.
    pub(crate) uid: String,
    /// Number of the account's only namespace.
    pub(crate) namespace: String,
    /// A std mutex: it is held for file work on blocking threads, never across an await.
    tree: Mutex<Tree>,
    locked_until: Mutex<Option<Instant>>,
}

impl Account {
    /// Opens the account `name` below `folder`, taking up what lies there.
    pub(crate) fn open(folder: &Path, records: &Path, name: &str, quota: u64) -> Result<Self, Error> {
        if name.is_empty() || name.starts_with('.') || name.contains(['/', '\0']) {
            return Err(Error::Setting(format!("account {name:?}: a name is also a folder's name")));
        }
        let digest = Sha256::digest(name.as_bytes());
        let mut id = URL_SAFE_NO_PAD.encode(digest);
        id.truncate(35);
        let number = digest.iter().take(4).fold(0_u64, |number, &byte| number << 8 | u64::from(byte));
        let tree = Tree::open(&folder.join(name), &records.join(format!("{id}.json")), quota)?;
        Ok(Self {
            id: format!("dbid:{id}"),
            name: name.to_owned(),
            uid: (10_000_000 + number).to_string(),
            namespace: (3_000_000_000 + number).to_string(),
            tree: Mutex::new(tree),
            locked_until: Mutex::new(None),
        })
    }

    /// The account's files. A panic elsewhere leaves the tree usable: every change to it is one insertion.
    pub(crate) fn tree(&self) -> MutexGuard<'_, Tree> {
        self.tree.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets somebody else hold the namespace's write lock for a while.
    pub(crate) fn hold_lock(&self, time: Duration) {
        *self.locked_until.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now() + time);
    }

    pub(crate) fn is_locked(&self) -> bool {
        self.locked_until.lock().unwrap_or_else(PoisonError::into_inner).is_some_and(|until| Instant::now() < until)
    }

    /// `users.FullAccount`.
    pub(crate) fn profile(&self) -> Value {
        let (given, surname) = self.name.split_once(' ').unwrap_or((&self.name, ""));
        let initials: String = self.name.split_whitespace().filter_map(|word| word.chars().next()).collect();
        let mailbox = self.name.to_lowercase().split_whitespace().collect::<Vec<_>>().join(".");
        json!({
            "account_id": self.id,
            "name": {
                "given_name": given, "surname": surname, "familiar_name": given,
                "display_name": self.name, "abbreviated_name": initials,
            },
            "email": format!("{mailbox}@example.com"),
            "email_verified": true,
            "disabled": false,
            "country": "DE",
            "locale": "en",
            "referral_link": "https://www.dropbox.com/referrals/practice",
            "is_paired": false,
            "account_type": { ".tag": "basic" },
            "root_info": self.root_info(),
        })
    }

    /// `common.RootInfo`.
    pub(crate) fn root_info(&self) -> Value {
        json!({ ".tag": "user", "root_namespace_id": self.namespace, "home_namespace_id": self.namespace })
    }
}
