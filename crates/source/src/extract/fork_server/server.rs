//! One running server process.

use std::{
    fs,
    io::{self, PipeWriter},
    os::{fd::AsFd, unix::net::UnixStream as StdStream},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use nix::unistd::Pid;
use serde::{Deserialize, Serialize};
use sluice_domain::{Failure, SourceUrl};
use sluice_egress::{Pass, Proxy};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::UnixStream,
    time::timeout,
};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use super::connection::hand_over;
use crate::{
    Tools,
    child::{CONTAIN, Child, ChildLimits, Network, PROXY_VARIABLES, Program, read_tail},
    extract::{
        lines::{Line, Lines},
        reply::PRUNED,
    },
    flags,
    home::Home,
    refused::because,
};

/// The server's side of this file.
const SERVER: &str = include_str!("../fork_server.py");
/// The import takes 1 to 3 s; more on a busy machine.
const START_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a server that does not start may take to end and say why.
const LAST_WORDS: Duration = Duration::from_secs(3);
/// The longest line that the server says when it is ready, in bytes.
const MAX_READY_BYTES: u64 = 4096;
/// What is kept of the server's own standard error, in bytes.
const MAX_STDERR_BYTES: usize = 16 * 1024;

#[derive(Debug)]
pub(super) struct Server {
    control: UnixStream,
    group: Pid,
    ready: Ready,
    /// When the installed yt-dlp was last changed, as it was at the start.
    stamp: Option<SystemTime>,
    work: Arc<Home>,
    proxy: Proxy,
    died: CancellationToken,
    /// Owns the process; dropping it kills the process. Its children live as long as their requests.
    _watch: AbortOnDropHandle<()>,
}

/// What the server says when it is ready.
#[derive(Debug, Deserialize)]
struct Ready {
    version: String,
    /// A file that every upgrade of yt-dlp changes.
    stamp: PathBuf,
}

/// What the server is told when it starts.
#[derive(Debug, Serialize)]
struct Options<'a> {
    argv: Vec<String>,
    limits: ChildLimits,
    readable: &'a [PathBuf],
    port: u16,
    variables: [&'static str; 4],
    seconds: u64,
    list_seconds: u64,
    pruned: &'static [&'static str],
}

/// A child that answers. Dropping it kills the child and all that it started.
#[derive(Debug)]
pub(super) struct Looking {
    /// When it closes, the kernel sends the signal. First, so that nothing is written any more when the directory goes.
    _tether: PipeWriter,
    lines: Lines<UnixStream>,
    pass: Pass,
    _directory: TempDir,
}

impl Looking {
    /// The next line of its answer.
    pub(super) async fn line(&mut self, max_bytes: usize) -> io::Result<Line> {
        self.lines.next(max_bytes).await
    }

    /// The failure, which may come of what the child was refused on its way out.
    pub(super) fn explain(&self, failure: Failure) -> Failure {
        because(failure, self.pass.refusal())
    }
}

impl Server {
    /// Starts a server and waits until it is ready.
    pub(super) async fn start(tools: &Tools) -> io::Result<Self> {
        let directory = tools.work.directory("child-")?;
        let argv = flags::extraction(tools).into_iter().map(|arg| arg.into_string());
        let seconds = tools.extract_timeout.as_secs().max(1);
        let options = Options {
            argv: argv
                .collect::<Result<_, _>>()
                .map_err(|_| io::Error::other("a plugin folder's name is not UTF-8"))?,
            limits: ChildLimits::extraction(seconds),
            readable: &tools.readable,
            port: tools.proxy.address().port(),
            variables: PROXY_VARIABLES,
            seconds,
            list_seconds: tools.list_timeout.as_secs().max(1),
            pruned: &PRUNED,
        };
        let program = Program {
            path: &tools.python,
            args: vec![
                "-I".into(),
                "-c".into(),
                [CONTAIN, SERVER].concat().into(),
                serde_json::to_string(&options)?.into(),
            ],
            directory: directory.path(),
            scratch: directory.path(),
            limits: ChildLimits::server(),
            network: Network::Children,
            reads: &[],
        };
        let (ours, theirs) = StdStream::pair()?;
        ours.set_nonblocking(true)?;
        let child = Child::start_with_pipes(tools, &program, &theirs.into(), &[])?;
        let died = CancellationToken::new();
        let group = child.group();
        let mut watch = AbortOnDropHandle::new(tokio::spawn(watch(child, directory, died.clone())));

        let mut control = BufReader::new(UnixStream::from_std(ours)?);
        let mut line = Vec::new();
        let mut first_line = (&mut control).take(MAX_READY_BYTES);
        let read = died.run_until_cancelled(timeout(START_TIMEOUT, first_line.read_until(b'\n', &mut line)));
        match read.await {
            None | Some(Ok(Ok(0))) => {
                // It tells the log why: a reason that is not to be lost.
                let _told = timeout(LAST_WORDS, &mut watch).await;
                return Err(io::Error::other("it ended while starting"));
            }
            Some(Err(_)) => {
                return Err(io::Error::other(format!("it was not ready after {} s", START_TIMEOUT.as_secs())));
            }
            Some(Ok(read)) => read?,
        };
        let ready: Ready = serde_json::from_slice(&line)?;
        let (stamp, work, proxy) = (changed(&ready.stamp), tools.work.clone(), tools.proxy.clone());
        Ok(Self { control: control.into_inner(), group, ready, stamp, work, proxy, died, _watch: watch })
    }

    /// The process, for the log.
    pub(super) fn group(&self) -> Pid {
        self.group
    }

    pub(super) fn version(&self) -> &str {
        &self.ready.version
    }

    /// Alive, and of the yt-dlp that is installed now?
    pub(super) fn is_current(&self) -> bool {
        !self.died.is_cancelled() && changed(&self.ready.stamp) == self.stamp
    }

    /// Has a child look at a link, or at one item of it.
    pub(super) async fn look(&self, url: &SourceUrl, item: Option<u32>) -> io::Result<Looking> {
        let (directory, pass) = (self.work.directory("child-")?, self.proxy.pass());
        let (ours, theirs) = StdStream::pair()?;
        ours.set_nonblocking(true)?;
        let (tethered, tether) = io::pipe()?;
        hand_over(&self.control, [theirs.as_fd(), tethered.as_fd()]).await?;
        drop((theirs, tethered));
        let mut connection = UnixStream::from_std(ours)?;
        let request = serde_json::json!({
            "url": url.as_str(), "item": item, "directory": directory.path(), "proxy": pass.url()
        });
        connection.write_all(format!("{request}\n").as_bytes()).await?;
        Ok(Looking { _tether: tether, lines: Lines::new(connection), pass, _directory: directory })
    }
}

#[cfg(test)]
impl Server {
    pub(super) fn kill(&self) {
        use nix::sys::signal::{Signal, kill};
        kill(self.group, Signal::SIGKILL).unwrap();
    }

    pub(super) async fn died(&self) {
        self.died.cancelled().await;
    }
}

/// Owns the process for as long as it lives, and says when it died.
async fn watch(mut child: Child, directory: TempDir, died: CancellationToken) {
    let stderr =
        child.take_stderr().map(|stderr| AbortOnDropHandle::new(tokio::spawn(read_tail(stderr, MAX_STDERR_BYTES))));
    let status = child.wait().await;
    died.cancel();
    // Its children may live on and hold the pipe open: what was said last is not worth waiting for.
    let said = match stderr {
        Some(stderr) => timeout(Duration::from_secs(1), stderr).await.ok().and_then(Result::ok),
        None => None,
    };
    tracing::warn!(?status, stderr = said.unwrap_or_default().trim(), "The extraction server ended");
    drop(directory);
}

fn changed(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).and_then(|file| file.modified()).ok()
}
