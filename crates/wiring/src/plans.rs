//! What somebody saw behind a link a moment ago: kept in the store, so that whoever looks next does not ask the site again.

use std::time::Duration;

use sluice_domain::SourceUrl;
use sluice_source::Extraction;
use sluice_store::Store;

/// Media links expire after some hours, pages change sooner.
const KEPT: Duration = Duration::from_secs(600);

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
