//! What a link leads to, told before anything is queued.
//!
//! A person waits for it, so it is bounded in time, and so that one person's curiosity holds up nobody, in number ([`Lines`]). What was
//! looked at is kept where the workers keep it: the job that follows asks the site nothing twice. Of the media nothing is fetched but what
//! tells its size.

mod lines;
mod measure;
mod offer;

use std::{sync::Arc, time::Duration};

use sluice_domain::{AccountId, ByteSize, Failure, FailureKind, Limits, MediaInfo, Preset, SourceUrl};
use sluice_egress::Egress;
use sluice_runtime::Settings;
use sluice_source::{Extraction, Found, List, Meter};
use sluice_store::{Account, Store};
use sluice_transfer::Gate;
use sluice_wiring::{keep, kept};
use thiserror::Error;
use tokio::time::Instant;

use crate::{programs::Programs, state::State};
pub(crate) use lines::{Asker, Lines};
use measure::{Measures, worth_asking};
pub(crate) use offer::Offer;

/// How long a person waits for it, in all.
pub(crate) const MOST_TIME: Duration = Duration::from_secs(30);
/// Previews of one person at once: one that is looked at, and those that wait for it.
const MOST_OF_ONE: usize = 3;

/// Looks at links.
pub(crate) struct Previews {
    /// `None`: this server has none.
    programs: Option<Arc<Programs>>,
    lines: Lines,
    /// `None`: sizes are told as the extractor knows them.
    measures: Option<Measures>,
    limits: Limits,
    playlist_items: u32,
}

/// What the link leads to.
pub(crate) struct Seen {
    pub(crate) title: Option<String>,
    /// The address of a picture at the site.
    pub(crate) thumbnail: Option<String>,
    /// The extractor's name of the site.
    pub(crate) extractor: String,
    pub(crate) kind: Kind,
}

/// What it is.
pub(crate) enum Kind {
    /// One piece of media.
    Media {
        /// Seconds.
        duration: Option<f64>,
        /// Is there anything to look at?
        pictures: bool,
        /// What each preset would bring.
        offers: Vec<Offer>,
    },
    /// A list.
    List {
        /// How many items the site says there are.
        announced: Option<u32>,
        /// How many are taken at most.
        limit: u32,
    },
}

/// Why there is no preview.
#[derive(Debug, Error)]
pub(crate) enum NoPreview {
    /// What the site said, or did not say in time.
    #[error("{}", .0.message())]
    Failed(Failure),
    /// This person has enough previews under way.
    #[error("Several of your previews are under way. Wait for one of them, or send the link without.")]
    Busy,
    /// Another link took its place.
    #[error("Another link took the place of this one.")]
    Replaced,
    /// The programs that it needs are not here, or it is switched off.
    #[error("There are no previews on this server. Sending works all the same.")]
    Unavailable,
}

/// What the site's answer is about.
pub(crate) enum Behind {
    Media(Extraction),
    List(List),
}

impl Previews {
    pub(crate) fn new(settings: &Settings, programs: &Arc<Programs>, egress: &Egress) -> Self {
        let at_once = settings.server.previews as usize;
        let meter = Meter::new(egress.clone())
            .inspect_err(|error| tracing::warn!("No sizes are measured for previews: {error}"));
        Self {
            measures: meter.ok().filter(|_| at_once > 0).map(|meter| Measures::new(meter, at_once)),
            programs: (at_once > 0).then(|| programs.clone()),
            lines: Lines::new(at_once, MOST_OF_ONE),
            limits: settings.limits.domain(),
            playlist_items: settings.limits.playlist_items,
        }
    }
}

/// What is behind a link, or behind this item of it: what was seen a moment ago, or what the site says now, when it is this person's turn.
pub(crate) async fn behind(
    programs: Option<&Programs>,
    lines: &Lines,
    store: &Store,
    (account, asker): (&AccountId, Asker),
    (url, item): (&SourceUrl, Option<u32>),
    gate: &Gate,
) -> Result<Behind, NoPreview> {
    if let Some(kept) = kept(store, url, item).await {
        return Ok(Behind::Media(kept));
    }
    let programs = programs.ok_or(NoPreview::Unavailable)?;
    let place = lines.enter(account, asker).ok_or(NoPreview::Busy)?;
    let looking = Box::pin(async {
        let _turn = place.turn().await;
        // Whoever was before in the line may have asked for the same.
        if let Some(kept) = kept(store, url, item).await {
            return Ok(Behind::Media(kept));
        }
        let extractor = programs.extractor().await.ok_or(NoPreview::Unavailable)?;
        match extractor.extract(url, item, gate).await.map_err(failed)? {
            Found::List(list) => Ok(Behind::List(list)),
            Found::Media(extraction) => {
                keep(store, url, item, &extraction).await;
                Ok(Behind::Media(extraction))
            }
        }
    });
    tokio::select! {
        looked = tokio::time::timeout(MOST_TIME, looking) => looked.unwrap_or_else(|_| Err(too_slow())),
        () = place.replaced() => Err(NoPreview::Replaced),
    }
}

impl State {
    /// What is behind this link, for this person, who would take `chosen`.
    pub(crate) async fn preview(
        &self,
        account: &Account,
        url: &SourceUrl,
        chosen: Preset,
        asker: Asker,
    ) -> Result<Seen, NoPreview> {
        let previews = &self.previews;
        let latest = Instant::now() + MOST_TIME;
        let free = async { if account.disconnected { None } else { self.spaces.free(self, account).await } };
        let gate = Gate::new(&previews.limits);
        let who = (&account.id, asker);
        let programs = previews.programs.as_deref();
        let behind = behind(programs, &previews.lines, &self.store, who, (url, None), &gate);
        let (behind, free) = tokio::join!(behind, free);
        let behind = behind.inspect_err(|error| {
            if let NoPreview::Failed(failure) = error {
                tracing::info!(job.site = url.site(), failure.kind = %failure.kind, failure.detail, "No preview");
            }
        })?;
        Ok(match behind {
            Behind::Media(extraction) => {
                let offers = previews.offers(&extraction, chosen, free, (&account.id, asker), latest).await;
                let MediaInfo { title, thumbnail, extractor, duration, formats, .. } = extraction.info;
                let pictures = formats.iter().any(|format| format.video.is_present());
                let title = Some(title).filter(|title| !title.trim().is_empty());
                Seen { title, thumbnail, extractor, kind: Kind::Media { duration, pictures, offers } }
            }
            Behind::List(List { title, thumbnail, extractor, announced, .. }) => {
                let kind = Kind::List { announced, limit: previews.playlist_items };
                Seen { title, thumbnail, extractor, kind }
            }
        })
    }
}

impl Previews {
    /// What each preset would bring, measured as far as that can be done until then.
    async fn offers(
        &self,
        extraction: &Extraction,
        chosen: Preset,
        free: Option<ByteSize>,
        who: (&AccountId, Asker),
        latest: Instant,
    ) -> Vec<Offer> {
        let mut offers = offer::offers(&extraction.info, &self.limits, free);
        if let Some(measures) = &self.measures {
            let plans = worth_asking(&offers, chosen);
            let measured = measures.measure(plans, extraction, &self.limits, who, latest).await;
            offer::settle(&mut offers, &measured, &extraction.info, &self.limits, free);
        }
        offers
    }
}

fn too_slow() -> NoPreview {
    failed(Failure::new(FailureKind::TimedOut, format!("no preview after {} s", MOST_TIME.as_secs())))
}

/// A job has more time than a preview.
fn failed(failure: Failure) -> NoPreview {
    const SLOW: &str = "The site did not tell in time what is there. You can send the link all the same.";
    NoPreview::Failed(if failure.kind == FailureKind::TimedOut { failure.explained(SLOW) } else { failure })
}
