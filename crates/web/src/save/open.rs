//! From a wish to an open file: what the site said, a plan, a source.

use std::sync::Arc;

use async_trait::async_trait;
use sluice_domain::{AccountId, ByteSize, Failure, FailureKind, Length, SourceUrl, plan::plan};
use sluice_queue::Described;
use sluice_source::{Extraction, Fetched, Layout, Renew, Routes};
use sluice_store::Store;
use sluice_transfer::{Access, Gate};
use sluice_wiring::{
    Link,
    attempt::{described, media_name},
    keep_for_saves, kept, kept_for_saves,
};
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::sync::DropGuard;

use super::{NoFile, Wish};
use crate::{
    preview::{Asker, Behind, behind},
    state::State,
};

/// Up to so many seconds of media, the tables come first: every fragment is asked for them before the first byte, some dozens of requests.
const SHORT: f64 = 180.0;

/// A file that can be given.
pub(crate) struct Opened {
    pub(crate) fetched: Fetched,
    pub(crate) gate: Gate,
    pub(crate) described: Described,
    /// What its bytes are known by: then any range of them can be asked for, of any process.
    pub(crate) etag: Option<String>,
    /// What the extractor calls it, where that is more than its link.
    pub(super) media: Option<String>,
    pub(super) link: Link,
    pub(super) routes: Routes,
    pub(super) held: Arc<Place>,
}

/// The place in this process, and the time that it may take.
#[derive(Debug)]
pub(super) struct Place {
    _permit: OwnedSemaphorePermit,
    _deadline: DropGuard,
}

impl Opened {
    /// Bytes in all, where that is certain.
    pub(crate) fn total(&self) -> Option<u64> {
        match self.fetched.source.length() {
            Length::Exact(total) => Some(total),
            Length::Estimate(_) | Length::Unknown => None,
        }
    }
}

impl State {
    /// Opens what is wished for. Of the media nothing is fetched yet but headers, except where only the finished file will do. `free` is the
    /// space in the Dropbox that the file goes to as well: what fits is judged by it, but too little of it is no reason not to save it.
    pub(crate) async fn open(
        &self,
        account: &AccountId,
        wish: &Wish,
        free: Option<ByteSize>,
    ) -> Result<Opened, NoFile> {
        let saves = &self.saves;
        let programs = saves.programs.as_deref().ok_or(NoFile::Unavailable)?;
        let place = saves.places.clone().try_acquire_owned().map_err(|_| NoFile::Busy)?;
        let gate = Gate::new(&saves.limits);
        let deadline = gate.deadline(saves.limits.job_timeout);
        let Wish { url, item, .. } = wish;
        let extraction = match known(&self.store, url, *item).await {
            Some(extraction) => extraction,
            None => {
                let who = (account, Asker::Program);
                match behind(Some(programs), &saves.lines, &self.store, who, (url, *item), &gate).await? {
                    Behind::Media(extraction) => extraction,
                    Behind::List(_) => return Err(NoFile::List),
                }
            }
        };
        let planned = |free| plan(&extraction.info, wish.preset, &saves.limits, free);
        let plan = match planned(free) {
            Err(failure) if failure.kind == FailureKind::QuotaExceeded => planned(None),
            other => other,
        };
        let plan = plan.map_err(NoFile::Failed)?;
        let running = programs.running().await.ok_or(NoFile::Unavailable)?;
        let routes = saves.routes(running.tools).await.map_err(|error| {
            tracing::error!("Nothing can be given to devices: {error}");
            NoFile::Unavailable
        })?;
        let link = Link::new(running.extractor, self.store.clone(), url.clone(), *item, gate.clone());
        let renew = Renewed { link: link.clone(), store: self.store.clone(), url: url.clone(), item: *item };
        let layout = layout(wish, extraction.info.duration);
        let fetched = match routes.fetch(&plan, &extraction, layout, Arc::new(renew), &gate).await {
            Ok(fetched) => fetched,
            Err(failure) => {
                tracing::info!(job.site = url.site(), failure.kind = %failure.kind, failure.detail, "No file for a device");
                link.forget().await;
                return Err(NoFile::Failed(failure));
            }
        };
        let fingerprint = fetched.source.fingerprint().filter(|_| fetched.source.access() == Access::Random);
        let etag = fingerprint.map(|fingerprint| format!("\"{fingerprint}\""));
        if etag.is_some() {
            keep_for_saves(&self.store, url, *item, &extraction).await;
        }
        let (described, media) = (described(&extraction.info), media_name(&extraction.info));
        let held = Arc::new(Place { _permit: place, _deadline: deadline });
        Ok(Opened { fetched, gate, described, etag, media, link, routes, held })
    }
}

/// What is known of the link: seen a moment ago, or when the device began.
async fn known(store: &Store, url: &SourceUrl, item: Option<u32>) -> Option<Extraction> {
    match kept(store, url, item).await {
        Some(extraction) => Some(extraction),
        None => kept_for_saves(store, url, item).await,
    }
}

/// How a pair of MP4 files is put together.
fn layout(wish: &Wish, seconds: Option<f64>) -> Layout {
    match seconds {
        // As workers do, who may have to go on with it.
        _ if wish.as_sent => Layout::Hybrid,
        _ if wish.play => Layout::Fragmented,
        Some(seconds) if seconds <= SHORT => Layout::Faststart,
        _ => Layout::Hybrid,
    }
}

/// The link, whose new addresses serve the next request too.
struct Renewed {
    link: Link,
    store: Store,
    url: SourceUrl,
    item: Option<u32>,
}

#[async_trait]
impl Renew for Renewed {
    async fn renew(&self) -> Result<Extraction, Failure> {
        let extraction = self.link.renew().await?;
        keep_for_saves(&self.store, &self.url, self.item, &extraction).await;
        Ok(extraction)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_short_has_its_tables_first() {
        let wish = |play, as_sent| Wish {
            url: "https://a.example/v".parse().unwrap(),
            item: None,
            preset: sluice_domain::Preset::Best,
            play,
            as_sent,
        };
        let check = |play, as_sent, seconds, want| assert_eq!(layout(&wish(play, as_sent), seconds), want);
        check(false, false, Some(180.0), Layout::Faststart);
        check(false, false, Some(180.5), Layout::Hybrid);
        check(false, false, None, Layout::Hybrid);
        check(true, false, Some(10.0), Layout::Fragmented);
        check(false, true, Some(10.0), Layout::Hybrid);
    }
}
