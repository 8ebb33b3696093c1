//! A link that is being fetched, looked at when that is needed: from the cache when somebody looked a moment ago.

use std::sync::Arc;

use async_trait::async_trait;
use sluice_domain::{Failure, FailureKind, SourceUrl};
use sluice_source::{Extraction, Extractor, Found, Renew};
use sluice_store::Store;
use sluice_transfer::Gate;

use crate::{keep, kept};

/// A link, or one item behind it. Clones share the gate that ends every look.
#[derive(Clone)]
pub struct Link {
    extractor: Arc<dyn Extractor>,
    store: Store,
    url: SourceUrl,
    item: Option<u32>,
    gate: Gate,
}

impl Link {
    /// A link that is looked at by this extractor, and remembered in this store.
    #[must_use]
    pub fn new(extractor: Arc<dyn Extractor>, store: Store, url: SourceUrl, item: Option<u32>, gate: Gate) -> Self {
        Self { extractor, store, url, item, gate }
    }

    /// What it leads to.
    ///
    /// # Errors
    /// What the site says, or the gate's reason.
    pub async fn look(&self) -> Result<Found, Failure> {
        match kept(&self.store, &self.url, self.item).await {
            Some(extraction) => Ok(Found::Media(extraction)),
            None => self.look_again().await,
        }
    }

    /// What it leads to now.
    async fn look_again(&self) -> Result<Found, Failure> {
        let found = self.extractor.extract(&self.url, self.item, &self.gate).await?;
        if let Found::Media(extraction) = &found {
            keep(&self.store, &self.url, self.item, extraction).await;
        }
        Ok(found)
    }

    /// A failure may come from an extraction that is too old: the next attempt asks the site.
    pub async fn forget(&self) {
        if let Err(error) = self.store.plans().forget(&self.url, self.item).await {
            tracing::debug!(%error, "The cached extraction stays");
        }
    }
}

#[async_trait]
impl Renew for Link {
    async fn renew(&self) -> Result<Extraction, Failure> {
        match self.look_again().await? {
            Found::Media(extraction) => Ok(extraction),
            Found::List(_) => Err(Failure::new(FailureKind::Removed, "the link leads to a list now")),
        }
    }
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Link").field("site", &self.url.site()).field("item", &self.item).finish_non_exhaustive()
    }
}
