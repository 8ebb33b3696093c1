//! Extraction by a fresh `yt-dlp` for each link: slow to start, but with nothing that could be out of order.
//!
//! A list is looked at twice: `--dump-single-json` tells what it is but holds everything back until the end, so it may see two entries;
//! then another yt-dlp prints a line for each entry as it comes, and waits while its pipe is full.

mod listing;

use std::{ffi::OsString, io, sync::Arc};

use async_trait::async_trait;
use sluice_domain::{Failure, FailureKind, SourceUrl};
use sluice_transfer::Gate;
use tempfile::TempDir;
use tokio::{sync::Semaphore, time::timeout};

use super::{
    Extractor, Found, follow,
    list::Listing,
    reply::{Look, MAX_JSON_BYTES, Reply},
};
use crate::{
    Tools,
    child::{Child, ChildLimits, Network, Program, read_at_most, read_tail},
    classify::failure_of,
    flags,
    refused::because,
};

/// What is kept of yt-dlp's standard error, in bytes.
const MAX_STDERR_BYTES: usize = 64 * 1024;

/// Runs `yt-dlp` for every link.
#[derive(Debug)]
pub(crate) struct PlainYtDlp {
    tools: Tools,
    slots: Semaphore,
    list_slots: Arc<Semaphore>,
}

impl PlainYtDlp {
    /// Starts nothing yet.
    pub(crate) fn new(tools: Tools) -> Self {
        let slots = Semaphore::new(tools.extract_slots);
        let list_slots = Arc::new(Semaphore::new(tools.list_slots));
        Self { tools, slots, list_slots }
    }

    pub(super) async fn ask(&self, url: &SourceUrl, item: Option<u32>) -> Result<Reply, Failure> {
        let (header, entries) = match self.look(url, item).await? {
            Look::Media(extraction) => return Ok(Reply::Media(extraction)),
            Look::List(header, entries) => (header, entries),
        };
        if entries.len() < 2 {
            return Ok(Reply::List(Listing::short(header, entries)));
        }
        let slot = self.list_slots.clone().acquire_owned().await;
        let slot = slot.map_err(|error| Failure::internal(error.to_string()))?;
        let entries = listing::start(&self.tools, url, slot).map_err(broken)?;
        Ok(Reply::List(Listing { header, entries }))
    }

    async fn look(&self, url: &SourceUrl, item: Option<u32>) -> Result<Look, Failure> {
        let _slot = self.slots.acquire().await.map_err(|error| Failure::internal(error.to_string()))?;
        let limit = self.tools.extract_timeout;
        let run = timeout(limit, self.run(url, item)).await;
        run.unwrap_or_else(|_| {
            Err(Failure::new(FailureKind::TimedOut, format!("extraction took over {} s", limit.as_secs())))
        })
    }

    async fn run(&self, url: &SourceUrl, item: Option<u32>) -> Result<Look, Failure> {
        let args = match item {
            Some(item) => flags::one_item(&self.tools, url, item),
            None => flags::first_look(&self.tools, url),
        };
        let (_directory, mut child) = start(&self.tools, args, self.tools.extract_timeout.as_secs()).map_err(broken)?;
        let (Some(stdout), Some(stderr)) = (child.take_stdout(), child.take_stderr()) else {
            return Err(Failure::internal("a child without output"));
        };
        let both = tokio::join!(read_at_most(stdout, MAX_JSON_BYTES), read_tail(stderr, MAX_STDERR_BYTES));
        let (mut json, complaints) = (both.0.map_err(broken)?, both.1);
        let status = child.wait().await.map_err(broken)?;
        if status.success() {
            Look::parse(&mut json, item)
        } else {
            Err(because(failure_of(&complaints, status), child.refusal()))
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the form that map_err takes")]
fn broken(error: io::Error) -> Failure {
    let kind = match error.kind() {
        io::ErrorKind::FileTooLarge => FailureKind::PageTooLarge,
        _ => FailureKind::Internal,
    };
    Failure::new(kind, format!("yt-dlp: {error}"))
}

/// Starts yt-dlp in a directory of its own.
fn start(tools: &Tools, args: Vec<OsString>, cpu_seconds: u64) -> io::Result<(TempDir, Child)> {
    let directory = tools.work.directory("child-")?;
    let program = Program {
        path: &tools.yt_dlp,
        args,
        directory: directory.path(),
        scratch: directory.path(),
        limits: ChildLimits::extraction(cpu_seconds),
        network: Network::Proxy,
        reads: &[],
    };
    let child = Child::start(tools, &program)?;
    Ok((directory, child))
}

#[async_trait]
impl Extractor for PlainYtDlp {
    async fn extract(&self, url: &SourceUrl, item: Option<u32>, gate: &Gate) -> Result<Found, Failure> {
        follow(url, item, gate, |url, item| async move { self.ask(&url, item).await }).await
    }
}
