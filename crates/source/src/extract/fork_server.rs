//! Extraction by a process that imported yt-dlp once and forks for each link: some 100 ms instead of a second, a third of the memory.
//!
//! This side keeps one server running, replaces it when it died or when yt-dlp was upgraded under it (requests under way end on the old
//! one), bounds how many links are looked at together and for how long, and asks plain yt-dlp whenever there is no server. See
//! `fork_server.py` for the other side.

mod connection;
mod server;

use std::sync::Arc;

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::Value;
use sluice_domain::{Failure, FailureKind, SourceUrl};
use sluice_transfer::Gate;
use tokio::{
    sync::{Mutex, Semaphore},
    time::{Duration, Instant, timeout},
};

use super::{Extraction, Extractor, PlainYtDlp, follow, reply::Reply};
use crate::{Tools, classify::complaint};
use server::Server;

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
    /// Held while a server starts, so that only one does.
    slot: Mutex<Slot>,
}

#[derive(Debug, Default)]
struct Slot {
    running: Option<Arc<Server>>,
    failed_at: Option<Instant>,
}

/// A child's answer; see `fork_server.py`.
#[derive(Debug, Deserialize)]
struct Answer {
    info: Option<Value>,
    error: Option<String>,
}

impl ForkServer {
    /// Starts the server in the background. Must be called within a tokio runtime.
    pub(super) fn start(tools: Tools) -> Self {
        let slots = Semaphore::new(tools.extract_slots);
        let plain = PlainYtDlp::new(tools.clone());
        let keeper = Arc::new(Keeper { tools, plain, slots, slot: Mutex::default() });
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

    async fn ask(&self, url: &SourceUrl) -> Result<Reply, Failure> {
        let _slot = self.slots.acquire().await.map_err(|error| Failure::internal(error.to_string()))?;
        let Some(server) = self.server().await else { return self.plain.ask(url).await };
        let limit = self.tools.extract_timeout;
        let json = match timeout(limit, server.ask(url)).await {
            Err(_) => {
                return Err(Failure::new(FailureKind::TimedOut, format!("extraction took over {} s", limit.as_secs())));
            }
            Ok(Err(error)) => {
                tracing::warn!(%error, "The extraction server is out of order; extracting with plain yt-dlp");
                return self.plain.ask(url).await;
            }
            Ok(Ok(json)) => json,
        };
        // An answer that breaks off: the kernel ended the child at one of its limits. Plain yt-dlp would go over it as well.
        let answer: Answer = serde_json::from_slice(&json)
            .map_err(|_| Failure::new(FailureKind::TimedOut, "the extraction went over a limit of memory or time"))?;
        match answer.error {
            Some(error) => Err(complaint(&error)),
            None => Reply::read(answer.info.unwrap_or_default()),
        }
    }
}

#[async_trait]
impl Extractor for ForkServer {
    async fn extract(&self, url: &SourceUrl, gate: &Gate) -> Result<Extraction, Failure> {
        let keeper = &self.0;
        follow(url, gate, |url| async move { keeper.ask(&url).await }).await
    }
}

#[cfg(test)]
mod tests;
