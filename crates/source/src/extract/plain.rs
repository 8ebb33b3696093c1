//! Extraction by a fresh `yt-dlp` for each link: slow to start, but with nothing that could be out of order.

use async_trait::async_trait;
use sluice_domain::{Failure, FailureKind, SourceUrl};
use sluice_transfer::Gate;
use tokio::{sync::Semaphore, time::timeout};

use super::{
    Extraction, Extractor, follow,
    reply::{MAX_JSON_BYTES, Reply},
};
use crate::{
    Tools,
    child::{Child, ChildLimits, Program, read_at_most, read_tail},
    classify::failure_of,
    flags,
};

/// What is kept of yt-dlp's standard error, in bytes.
const MAX_STDERR_BYTES: usize = 64 * 1024;

/// Runs `yt-dlp --dump-single-json` for every link.
#[derive(Debug)]
pub(crate) struct PlainYtDlp {
    tools: Tools,
    slots: Semaphore,
}

impl PlainYtDlp {
    /// Starts nothing yet.
    pub(crate) fn new(tools: Tools) -> Self {
        let slots = Semaphore::new(tools.extract_slots);
        Self { tools, slots }
    }

    pub(super) async fn ask(&self, url: &SourceUrl) -> Result<Reply, Failure> {
        let _slot = self.slots.acquire().await.map_err(|error| Failure::internal(error.to_string()))?;
        let limit = self.tools.extract_timeout;
        let run = timeout(limit, self.run(url)).await;
        run.unwrap_or_else(|_| {
            Err(Failure::new(FailureKind::TimedOut, format!("extraction took over {} s", limit.as_secs())))
        })
    }

    async fn run(&self, url: &SourceUrl) -> Result<Reply, Failure> {
        let broken = |error: std::io::Error| Failure::internal(format!("yt-dlp: {error}"));
        let directory = self.tools.work.directory("child-").map_err(broken)?;
        let program = Program {
            path: &self.tools.yt_dlp,
            args: flags::extraction_of(&self.tools, url),
            directory: directory.path(),
            scratch: directory.path(),
            limits: ChildLimits::extraction(self.tools.extract_timeout.as_secs()),
        };
        let mut child = Child::start(&self.tools, &program).map_err(broken)?;
        let (Some(stdout), Some(stderr)) = (child.take_stdout(), child.take_stderr()) else {
            return Err(Failure::internal("a child without output"));
        };
        let both = tokio::join!(read_at_most(stdout, MAX_JSON_BYTES), read_tail(stderr, MAX_STDERR_BYTES));
        let (json, complaints) = (both.0.map_err(broken)?, both.1);
        let status = child.wait().await.map_err(broken)?;
        if status.success() { Reply::parse(&json) } else { Err(failure_of(&complaints, status)) }
    }
}

#[async_trait]
impl Extractor for PlainYtDlp {
    async fn extract(&self, url: &SourceUrl, gate: &Gate) -> Result<Extraction, Failure> {
        follow(url, gate, |url| async move { self.ask(&url).await }).await
    }
}
