//! From a link to what is behind it.
//!
//! Nothing is downloaded here, and no item of a list is visited: a list is refused until lists are real.

mod fork_server;
mod info;
mod plain;
mod reply;

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Map, Value};
use sluice_domain::{Failure, FailureKind, MediaInfo, SourceUrl};
use sluice_transfer::Gate;

pub(crate) use plain::PlainYtDlp;

use crate::Tools;
use fork_server::ForkServer;
use info::media_info;
use reply::Reply;

/// What a person reads who sent the link of a list.
const A_LIST: &str = "This is a list; send the link of one of its items.";

/// What is behind a link: the part that decisions are made from, and everything that a download needs to know.
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
    /// Looks at this link, and ends what it started for that when the gate shuts.
    ///
    /// # Errors
    /// What the site, the network or yt-dlp says, classified; a list is [`FailureKind::UnsupportedSite`] with an explanation.
    async fn extract(&self, url: &SourceUrl, gate: &Gate) -> Result<Extraction, Failure>;
}

/// The fork server, with plain yt-dlp while the server cannot be had. Must be called within a tokio runtime, where the server starts at once.
#[must_use]
pub fn extractor(tools: Tools) -> Arc<dyn Extractor> {
    Arc::new(ForkServer::start(tools))
}

/// Asks for this link, and once more when it turns out to be a list of exactly one item.
async fn follow<F, A>(url: &SourceUrl, gate: &Gate, ask: F) -> Result<Extraction, Failure>
where
    F: Fn(SourceUrl) -> A + Sync,
    A: Future<Output = Result<Reply, Failure>> + Send,
{
    let item = match gate.guard(ask(url.clone())).await? {
        Reply::Media(extraction) => return Ok(extraction),
        Reply::Item(item) => item,
        Reply::List => return Err(a_list()),
    };
    match gate.guard(ask(item)).await? {
        Reply::Media(extraction) => Ok(extraction),
        Reply::Item(_) | Reply::List => Err(a_list()),
    }
}

fn a_list() -> Failure {
    Failure::new(FailureKind::UnsupportedSite, "a list").explained(A_LIST)
}

#[cfg(test)]
mod tests;
