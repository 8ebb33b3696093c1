//! What somebody saw behind a link a moment ago: kept in the store, so that whoever looks next does not ask the site again.

use std::time::Duration;

use sluice_domain::SourceUrl;
use sluice_source::Extraction;
use sluice_store::Store;

/// Media links expire after some hours, pages change sooner.
const KEPT: Duration = Duration::from_secs(600);
/// A download that is paused over night goes on in the morning. Links that have expired meanwhile are renewed.
const KEPT_FOR_SAVES: Duration = Duration::from_secs(24 * 3600);

/// What is kept of this link, or of this item behind it. Without Redis nothing is known.
pub async fn kept(store: &Store, url: &SourceUrl, item: Option<u32>) -> Option<Extraction> {
    let json = store.plans().get(url, item).await.ok().flatten()?;
    Extraction::from_json(json.into()).ok()
}

/// Keeps it for some minutes. It is a convenience: where it fails, the site is asked again.
pub async fn keep(store: &Store, url: &SourceUrl, item: Option<u32>, extraction: &Extraction) {
    if let Err(error) = store.plans().put(url, item, &extraction.json, KEPT).await {
        tracing::debug!(%error, "The extraction is not cached");
    }
}

/// What is kept of this link, or of this item behind it, for devices that come back for the rest of a file.
pub async fn kept_for_saves(store: &Store, url: &SourceUrl, item: Option<u32>) -> Option<Extraction> {
    let json = store.plans().for_saves().get(url, item).await.ok().flatten()?;
    Extraction::from_json(json.into()).ok()
}

/// Keeps it as long as a device may take to come back, in this or another process: then the site is asked nothing again.
pub async fn keep_for_saves(store: &Store, url: &SourceUrl, item: Option<u32>, extraction: &Extraction) {
    if let Err(error) = store.plans().for_saves().put(url, item, &extraction.json, KEPT_FOR_SAVES).await {
        tracing::debug!(%error, "The extraction is not kept for devices");
    }
}
