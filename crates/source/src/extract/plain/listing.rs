//! A list as yt-dlp prints it, line by line.

use std::io;

use futures::{StreamExt, TryStreamExt, stream, stream::BoxStream};
use nix::fcntl::{FcntlArg, fcntl};
use serde_json::{Map, Value};
use sluice_domain::{Failure, SourceUrl};
use tempfile::TempDir;
use tokio::{process::ChildStdout, sync::OwnedSemaphorePermit};
use tokio_util::task::AbortOnDropHandle;

use super::{MAX_STDERR_BYTES, start as start_child};
use crate::{
    Tools,
    child::{Child, read_tail},
    classify::failure_of,
    extract::{
        json,
        lines::{Line, Lines, MAX_LINE_BYTES, Pace},
    },
    flags,
    refused::because,
};

/// How much of a list lies ready in the pipe, in bytes; a page is the least that Linux allows.
const PIPE_BYTES: i32 = 4096;

struct Running {
    lines: Lines<ChildStdout>,
    pace: Pace,
    child: Child,
    complaints: Option<AbortOnDropHandle<String>>,
    _directory: TempDir,
    _slot: OwnedSemaphorePermit,
}

/// Starts yt-dlp for this list. Dropping the entries ends it.
pub(super) fn start(
    tools: &Tools,
    url: &SourceUrl,
    slot: OwnedSemaphorePermit,
) -> io::Result<BoxStream<'static, Result<Map<String, Value>, Failure>>> {
    let (directory, mut child) = start_child(tools, flags::listing(tools, url), tools.list_timeout.as_secs())?;
    let (Some(stdout), Some(stderr)) = (child.take_stdout(), child.take_stderr()) else {
        return Err(io::Error::other("a child without output"));
    };
    fcntl(&stdout, FcntlArg::F_SETPIPE_SZ(PIPE_BYTES))?;
    let running = Running {
        lines: Lines::new(stdout),
        pace: Pace::new(tools.list_timeout, tools.extract_timeout),
        child,
        complaints: Some(AbortOnDropHandle::new(tokio::spawn(read_tail(stderr, MAX_STDERR_BYTES)))),
        _directory: directory,
        _slot: slot,
    };
    let entries =
        stream::try_unfold(running, |mut running| async { Ok(running.next().await?.map(|entry| (entry, running))) });
    Ok(entries.into_stream().boxed())
}

impl Running {
    async fn next(&mut self) -> Result<Option<Map<String, Value>>, Failure> {
        match self.pace.keep(self.lines.next(MAX_LINE_BYTES)).await? {
            // What is no entry is an entry that leads nowhere.
            Line::Whole(mut line) => Ok(Some(json::read(&mut line).unwrap_or_default())),
            Line::TooLong => Ok(Some(Map::new())),
            Line::End => self.end().await.map(|()| None),
        }
    }

    /// The end of its output is no success.
    async fn end(&mut self) -> Result<(), Failure> {
        let status = self.pace.keep(self.child.wait()).await?;
        let complaints = match self.complaints.take() {
            Some(complaints) => complaints.await.unwrap_or_default(),
            None => String::new(),
        };
        if status.success() { Ok(()) } else { Err(because(failure_of(&complaints, status), self.child.refusal())) }
    }
}
