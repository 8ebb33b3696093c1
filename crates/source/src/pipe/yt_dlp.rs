//! yt-dlp's standard output as a stream.

use std::io;

use bytes::{Bytes, BytesMut};
use futures::{StreamExt, stream};
use sluice_domain::{Failure, FailureKind};
use sluice_transfer::ByteStream;
use tokio::{
    io::AsyncReadExt,
    process::{ChildStderr, ChildStdout},
};

use super::{idle::Pulse, run::CHUNK_BYTES, scratch::Scratch};
use crate::{
    Tools,
    child::{Child, ChildLimits, Network, Program},
    classify::failure_of,
    flags,
    order::Chosen,
    refused::because,
};

/// What is kept of its standard error, in bytes.
const MAX_SAID_BYTES: usize = 64 * 1024;

/// The largest file it may write, in bytes: it keeps a fragment on disk and in memory until it has all of it, and then writes it out.
const MAX_FRAGMENT_BYTES: u64 = 512 << 20;

/// A running yt-dlp. It dies when this is dropped.
struct Running {
    child: Child,
    stdout: ChildStdout,
    stderr: ChildStderr,
    said: Said,
    gave: u64,
    /// After the child, which works in it.
    _scratch: Scratch,
}

/// Starts yt-dlp for this one format. The stream ends with `None` only when yt-dlp ended well. The pulse beats while anything comes in, even
/// when nothing comes out: yt-dlp gives a fragment when it has all of it.
pub(super) fn stream(tools: &Tools, chosen: &Chosen) -> Result<(ByteStream, Pulse), Failure> {
    let scratch = Scratch::make(tools).map_err(broken)?;
    let info_json = scratch.path().join("info.json");
    std::fs::write(&info_json, &chosen.info_json).map_err(broken)?;
    let program = Program {
        path: &tools.yt_dlp,
        args: flags::stream(tools, &info_json, chosen.selector),
        directory: scratch.path(),
        scratch: scratch.path(),
        limits: ChildLimits::download(MAX_FRAGMENT_BYTES),
        network: Network::Proxy,
        reads: &[],
    };
    let mut child = Child::start(tools, &program).map_err(broken)?;
    let (Some(stdout), Some(stderr)) = (child.take_stdout(), child.take_stderr()) else {
        return Err(Failure::internal("a child without output"));
    };
    let said = Said::default();
    let pulse = said.pulse.clone();
    let running = Running { child, stdout, stderr, said, gave: 0, _scratch: scratch };
    let chunks = stream::unfold(Some(running), async |running| {
        let mut running = running?;
        match running.next().await {
            Ok(Some(chunk)) => Some((Ok(chunk), Some(running))),
            Ok(None) => None,
            Err(failure) => Some((Err(failure), None)),
        }
    });
    Ok((chunks.boxed(), pulse))
}

impl Running {
    async fn next(&mut self) -> Result<Option<Bytes>, Failure> {
        let mut chunk = BytesMut::with_capacity(CHUNK_BYTES);
        let mut line = [0; 4096];
        loop {
            tokio::select! {
                read = self.stdout.read_buf(&mut chunk) => {
                    if read.map_err(broken)? == 0 {
                        return self.ended().await.map(|()| None);
                    }
                    self.gave += chunk.len() as u64;
                    return Ok(Some(chunk.freeze()));
                }
                read = self.stderr.read(&mut line), if !self.said.over => self.said.hear(&line[..read.unwrap_or(0)]),
            }
        }
    }

    /// Its output is over: did it end well?
    async fn ended(&mut self) -> Result<(), Failure> {
        let listen = async {
            let mut line = [0; 4096];
            while !self.said.over {
                let read = self.stderr.read(&mut line).await;
                self.said.hear(&line[..read.unwrap_or(0)]);
            }
        };
        let (status, ()) = tokio::join!(self.child.wait(), listen);
        let status = status.map_err(broken)?;
        if !status.success() {
            return Err(because(failure_of(&self.said.text(), status), self.child.refusal()));
        }
        if self.gave == 0 {
            return Err(Failure::new(FailureKind::BadLink, "yt-dlp ended well, but gave nothing"));
        }
        Ok(())
    }
}

/// What it says on standard error: complaints, and lines that tell that something came in.
#[derive(Default)]
struct Said {
    /// The end of all but the lines of progress.
    kept: Vec<u8>,
    /// A line that is not complete.
    line: Vec<u8>,
    pulse: Pulse,
    over: bool,
}

impl Said {
    /// Nothing means that it is over.
    fn hear(&mut self, bytes: &[u8]) {
        self.over = bytes.is_empty();
        for byte in bytes {
            self.line.push(*byte);
            if *byte == b'\n' || self.line.len() >= MAX_SAID_BYTES {
                self.keep_line();
            }
        }
        if self.over {
            self.keep_line();
        }
    }

    fn keep_line(&mut self) {
        if self.line.starts_with(flags::PROGRESS.as_bytes()) {
            self.pulse.beat();
        } else {
            self.kept.extend_from_slice(&self.line);
        }
        self.line.clear();
        if self.kept.len() > 2 * MAX_SAID_BYTES {
            self.kept.drain(..self.kept.len() - MAX_SAID_BYTES);
        }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.kept).into_owned()
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the form that map_err takes")]
fn broken(error: io::Error) -> Failure {
    Failure::internal(format!("yt-dlp: {error}"))
}
