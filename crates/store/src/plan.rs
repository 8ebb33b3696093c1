//! What the extractor said about a link, kept for some minutes, so that a retry or another worker does not ask the site again.
//!
//! Sealed: addresses of media are signed, and a site's cookies stand beside them.

use std::time::Duration;

use redis::cmd;
use secrecy::ExposeSecret as _;
use sluice_domain::SourceUrl;

use crate::{Store, StoreError, millis, random::hash_of};

/// Larger answers are not kept: they are extracted again.
const MAX_BYTES: usize = 2 * 1024 * 1024;

/// The plan cache of a store.
#[derive(Debug, Clone, Copy)]
pub struct Plans<'a> {
    store: &'a Store,
    /// What of its link somebody is about, where it is kept apart.
    of: &'static str,
}

impl<'a> Plans<'a> {
    pub(crate) fn new(store: &'a Store) -> Self {
        Self { store, of: "" }
    }

    /// The ones that are kept for files that a device takes, and comes back for.
    #[must_use]
    pub fn for_saves(self) -> Self {
        Self { of: " save", ..self }
    }

    /// The info JSON of this link, or of this item behind it, if it is still kept.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn get(&self, url: &SourceUrl, item: Option<u32>) -> Result<Option<String>, StoreError> {
        let key = self.key(url, item);
        let sealed: Option<String> = self.store.connection().run(cmd("GET").arg(&key)).await?;
        // What a process with another key left, or an older version, is as good as nothing: the site is asked again.
        let opened = sealed.and_then(|sealed| self.store.sealer().open(&key, &sealed).ok());
        Ok(opened.map(|json| json.expose_secret().to_owned()))
    }

    /// Keeps the info JSON of this link for so long, unless it is very large.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn put(&self, url: &SourceUrl, item: Option<u32>, info: &str, ttl: Duration) -> Result<(), StoreError> {
        if info.len() > MAX_BYTES {
            return Ok(());
        }
        let key = self.key(url, item);
        let sealed = self.store.sealer().seal(&key, &info.into())?;
        self.store.connection().run(cmd("SET").arg(&key).arg(sealed).arg("PX").arg(millis(ttl).max(1))).await
    }

    /// Forgets this link, when what is kept turned out to be stale.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn forget(&self, url: &SourceUrl, item: Option<u32>) -> Result<(), StoreError> {
        self.store.connection().run(cmd("UNLINK").arg(self.key(url, item))).await
    }

    fn key(&self, url: &SourceUrl, item: Option<u32>) -> String {
        let item = item.map(|item| format!(" item {item}")).unwrap_or_default();
        self.store.keys().plan(&hash_of(&format!("{url}{item}{}", self.of)))
    }
}
