//! From a link to what is behind it.
//!
//! Nothing is downloaded here, and no item of a list is visited: whoever reads a list decides what becomes of its items.

mod entry;
mod fork_server;
mod info;
mod json;
mod judged;
mod lines;
mod list;
mod plain;
mod reply;

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Map, Value};
use sluice_domain::{Failure, FailureKind, MediaInfo, SourceUrl};
use sluice_transfer::Gate;

pub use list::{List, Skipped};
pub(crate) use plain::PlainYtDlp;

use crate::Tools;
use fork_server::ForkServer;
use info::media_info;
use judged::Judged;
use list::Begun;
use reply::Reply;

/// How often a list may turn out to have one single item, which is a list again.
const MAX_HOPS: usize = 4;

/// What is behind a link.
#[derive(Debug)]
pub enum Found {
    /// One piece of media.
    Media(Extraction),
    /// A list of at least two items.
    List(List),
}

/// One piece of media: the part that decisions are made from, and everything that a download needs to know.
#[derive(Debug, Clone)]
pub struct Extraction {
    /// For the planner and for people.
    pub info: MediaInfo,
    /// yt-dlp's info JSON, pruned. It carries signed links and cookies: it may be kept for some minutes, never logged.
    pub json: Arc<str>,
}

impl Extraction {
    /// One that was kept.
    ///
    /// # Errors
    /// When this is not a JSON object.
    pub fn from_json(json: Arc<str>) -> Result<Self, Failure> {
        let info: Map<String, Value> =
            serde_json::from_str(&json).map_err(|error| Failure::internal(format!("a kept extraction: {error}")))?;
        Ok(Self { info: media_info(&info), json })
    }
}

/// Whoever can look at a link.
#[async_trait]
pub trait Extractor: Send + Sync {
    /// Looks at this link, and ends what it started for that when the gate shuts; a list that is being read as well. `item` is the place of
    /// the one item that is wanted, counting from 1, for an [`Item`](sluice_domain::Item) that has no link of its own. A list of one item is that item.
    ///
    /// # Errors
    /// What the site, the network or yt-dlp says, classified. A list without items is [`FailureKind::UnsupportedSite`]
    /// with an explanation, an item that is not there [`FailureKind::Removed`].
    async fn extract(&self, url: &SourceUrl, item: Option<u32>, gate: &Gate) -> Result<Found, Failure>;
}

/// The fork server, with plain yt-dlp while the server cannot be had; links and finds are judged. Must be called within a tokio runtime, where the server starts at once.
#[must_use]
pub fn extractor(tools: Tools) -> Arc<dyn Extractor> {
    let egress = tools.egress.clone();
    Arc::new(Judged::new(ForkServer::start(tools), egress))
}

/// Asks for this link, and for the item when it turns out to be a list of exactly one.
async fn follow<F, A>(url: &SourceUrl, item: Option<u32>, gate: &Gate, ask: F) -> Result<Found, Failure>
where
    F: Fn(SourceUrl, Option<u32>) -> A + Sync,
    A: Future<Output = Result<Reply, Failure>> + Send,
{
    let (mut url, mut item) = (url.clone(), item);
    for _ in 0..MAX_HOPS {
        let listing = match gate.guard(ask(url.clone(), item)).await? {
            Reply::Media(extraction) => return Ok(Found::Media(extraction)),
            Reply::List(listing) => listing,
        };
        match listing.begin(&url, item, gate).await? {
            Begun::Several(list) => return Ok(Found::List(list)),
            Begun::Only(only) => (url, item) = (only.url, only.item),
        }
    }
    Err(Failure::new(FailureKind::UnsupportedSite, "lists of one list each, without an end"))
}

#[cfg(test)]
mod tests;
