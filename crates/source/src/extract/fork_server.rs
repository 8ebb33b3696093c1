//! Extraction by a process that imported yt-dlp once and forks for each link: some 100 ms instead of a second, a third of the memory.
//!
//! This side keeps one server running, replaces it when it died or when yt-dlp was upgraded under it (requests under way end on the old
//! one), bounds how many links are looked at and how many lists are read together and for how long, and asks plain yt-dlp whenever there is
//! no server. See `fork_server.py` for the other side.

mod connection;
mod listing;
mod server;

use std::sync::Arc;

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::{Map, Value};
use sluice_domain::{Failure, FailureKind, SourceUrl};
use sluice_transfer::Gate;
use tokio::{
    sync::{Mutex, Semaphore},
    time::{Duration, Instant, timeout},
};

use super::{
    Extractor, Found, PlainYtDlp, follow,
    lines::Line,
    list::{Header, Listing},
    reply::{MAX_JSON_BYTES, Reply, missing, read_media},
};
use crate::{Tools, classify::complaint};
use server::{Looking, Server};

/// How long after a failed start plain yt-dlp is used without trying again.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(60);

/// The keeper of the server. Clones share.
#[derive(Debug, Clone)]
pub(super) struct ForkServer(Arc<Keeper>);

#[derive(Debug)]
struct Keeper {
    tools: Tools,
    plain: PlainYtDlp,
    slots: Semaphore,
    list_slots: Arc<Semaphore>,
    /// Held while a server starts, so that only one does.
    slot: Mutex<Slot>,
}

#[derive(Debug, Default)]
struct Slot {
    running: Option<Arc<Server>>,
    failed_at: Option<Instant>,
}

/// One line of a child's answer; see `fork_server.py`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Word {
    Info(Value),
    Missing,
    Error(String),
    List(Map<String, Value>),
    Entry(Map<String, Value>),
    End,
}

impl ForkServer {
    /// Starts the server in the background. Must be called within a tokio runtime.
    pub(super) fn start(tools: Tools) -> Self {
        let slots = Semaphore::new(tools.extract_slots);
        let list_slots = Arc::new(Semaphore::new(tools.list_slots));
        let plain = PlainYtDlp::new(tools.clone());
        let keeper = Arc::new(Keeper { tools, plain, slots, list_slots, slot: Mutex::default() });
        let early = keeper.clone();
        tokio::spawn(async move { early.server().await });
        Self(keeper)
    }

    /// The version of the yt-dlp that answers; `None` while plain yt-dlp does.
    #[cfg(test)]
    async fn version(&self) -> Option<String> {
        self.0.server().await.map(|server| server.version().to_owned())
    }
}

impl Keeper {
    /// The server, started when there is none. `None` when it cannot be had.
    async fn server(&self) -> Option<Arc<Server>> {
        let mut slot = self.slot.lock().await;
        if let Some(server) = slot.running.take().filter(|server| server.is_current()) {
            slot.running = Some(server.clone());
            return Some(server);
        }
        if slot.failed_at.is_some_and(|at| at.elapsed() < PAUSE_AFTER_FAILURE) {
            return None;
        }
        match Server::start(&self.tools).await {
            Ok(server) => {
                tracing::info!(pid = %server.group(), yt_dlp.version = server.version(), "The extraction server is ready");
                let server = Arc::new(server);
                *slot = Slot { running: Some(server.clone()), failed_at: None };
                Some(server)
            }
            Err(error) => {
                tracing::warn!(%error, "The extraction server does not start; extracting with plain yt-dlp");
                slot.failed_at = Some(Instant::now());
                None
            }
        }
    }

    async fn ask(&self, url: &SourceUrl, item: Option<u32>) -> Result<Reply, Failure> {
        let slot = self.slots.acquire().await.map_err(closed)?;
        let Some(server) = self.server().await else {
            drop(slot);
            return self.plain.ask(url, item).await;
        };
        let limit = self.tools.extract_timeout;
        let look = async {
            let mut child = server.look(url, item).await?;
            let line = child.line(MAX_JSON_BYTES).await?;
            std::io::Result::Ok((line, child))
        };
        let (line, child) = match timeout(limit, look).await {
            Err(_) => {
                return Err(Failure::new(FailureKind::TimedOut, format!("extraction took over {} s", limit.as_secs())));
            }
            Ok(Err(error)) => {
                tracing::warn!(%error, "The extraction server is out of order; extracting with plain yt-dlp");
                drop(slot);
                return self.plain.ask(url, item).await;
            }
            Ok(Ok(answered)) => answered,
        };
        match Word::read(line).map_err(|failure| child.explain(failure))? {
            Word::Info(info) => read_media(info, item).map(Reply::Media),
            Word::List(list) => {
                drop(slot);
                self.list(&list, child).await.map(Reply::List)
            }
            Word::Missing => Err(missing()),
            Word::Error(error) => Err(child.explain(complaint(&error))),
            Word::Entry(_) | Word::End => Err(Failure::internal("an answer that begins with its end")),
        }
    }

    /// Lets a child hand out its list, as soon as there is a slot. Until then the child waits, before it reads another page: the socket is small.
    async fn list(&self, list: &Map<String, Value>, child: Looking) -> Result<Listing, Failure> {
        let slot = self.list_slots.clone().acquire_owned().await.map_err(closed)?;
        Ok(Listing { header: Header::of(list), entries: listing::entries(&self.tools, child, slot) })
    }
}

impl Word {
    fn read(line: Line) -> Result<Self, Failure> {
        match line {
            Line::Whole(line) => {
                serde_json::from_slice(&line).map_err(|error| Failure::internal(format!("an answer: {error}")))
            }
            // Plain yt-dlp has the same limit: there is nobody else to ask.
            Line::TooLong => Err(Failure::new(FailureKind::PageTooLarge, "more info JSON than can be kept")),
            // The kernel ended the child at one of its limits. Plain yt-dlp would go over it as well.
            Line::End => Err(Failure::new(FailureKind::TimedOut, "the extraction went over a limit of memory or time")),
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the form that map_err takes")]
fn closed(error: tokio::sync::AcquireError) -> Failure {
    Failure::internal(error.to_string())
}

#[async_trait]
impl Extractor for ForkServer {
    async fn extract(&self, url: &SourceUrl, item: Option<u32>, gate: &Gate) -> Result<Found, Failure> {
        let keeper = &self.0;
        follow(url, item, gate, |url, item| async move { keeper.ask(&url, item).await }).await
    }
}

#[cfg(test)]
mod tests;
