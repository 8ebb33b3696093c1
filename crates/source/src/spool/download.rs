//! A run of yt-dlp under the watchdog's eyes, and another where the connection broke off.
//!
//! The watchdog counts what is on the disk, whatever anybody announces, and stops the whole process group when it is too much, when
//! nothing moves, or when the gate shuts. What yt-dlp reports of its progress only helps to refuse sooner.

use std::{io, path::PathBuf, process::ExitStatus, time::Duration};

use futures::StreamExt;
use serde::Deserialize;
use sluice_domain::{Failure, FailureKind, Length};
use sluice_transfer::Gate;
use tokio::{
    process::{ChildStderr, ChildStdout},
    time::{Instant, MissedTickBehavior, interval},
};
use tokio_util::codec::{FramedRead, LinesCodec};

use super::{
    directory::FetchDirectory,
    measure::{Measure, measure},
    order::Order,
};
use crate::{
    Tools,
    child::{Child, ChildLimits, Network, Program, read_tail},
    classify::failure_of,
    flags,
    refused::because,
};

/// How often the disk is looked at. At 1 GB/s, 50 MB arrive between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// The kernel lets no file grow further than this above what the gate lets pass, in bytes: between two looks, a fast source sends a lot.
pub(super) const ABOVE_THE_CAP: u64 = 64 * 1024;
/// How often a download begins, as long as nothing but the network is in its way.
const RUNS: u32 = 3;
/// The longest line of progress, in bytes; longer ones are skipped.
const MAX_LINE_BYTES: usize = 4096;
/// What is kept of yt-dlp's standard error, in bytes.
const MAX_STDERR_BYTES: usize = 64 * 1024;

/// A download to be run.
pub(super) struct Download<'a> {
    pub(super) tools: &'a Tools,
    pub(super) order: &'a Order,
    pub(super) directory: &'a FetchDirectory,
    pub(super) gate: &'a Gate,
    /// No single file may become larger than this in any case, in bytes.
    pub(super) file_limit: u64,
}

/// What came of it.
#[derive(Debug)]
pub(super) struct Arrived {
    /// The one file.
    pub(super) path: PathBuf,
    /// Its size.
    pub(super) bytes: u64,
    /// What the site announced when it was asked for the bytes; of all parts together.
    pub(super) announced: Option<u64>,
}

/// A line of progress, about the part under way. yt-dlp's counts are floats for fragments.
#[derive(Debug, Deserialize)]
struct Progress {
    status: String,
    downloaded_bytes: Option<f64>,
    total_bytes: Option<f64>,
}

impl Download<'_> {
    /// Downloads. What broke off is thrown away: the rest might be that of another file.
    pub(super) async fn run(&self) -> Result<Arrived, Failure> {
        let mut seen = Seen::new();
        for run in 1.. {
            match self.once(&mut seen).await {
                Err(failure) if run < RUNS && is_cut(&failure) && self.gate.check().is_ok() => {
                    tracing::info!(run, detail = failure.detail, "The download begins again");
                    self.directory.clear()?;
                    seen.begin_again();
                }
                ended => return ended,
            }
        }
        Err(Failure::internal("no run of yt-dlp"))
    }

    async fn once(&self, seen: &mut Seen) -> Result<Arrived, Failure> {
        let broken = |error: io::Error| Failure::internal(format!("yt-dlp: {error}"));
        let info_json = self.directory.beside("info.json");
        tokio::fs::write(&info_json, &self.order.info_json).await.map_err(broken)?;
        let program = Program {
            path: &self.tools.yt_dlp,
            args: flags::download(self.tools, &info_json, self.order.formats, &self.order.options),
            directory: self.directory.media(),
            scratch: self.directory.scratch(),
            limits: ChildLimits::download(self.file_limit.min(self.most().saturating_add(ABOVE_THE_CAP))),
            network: Network::Proxy,
            reads: &[&info_json],
        };
        let mut child = Child::start(self.tools, &program).map_err(broken)?;
        let (Some(stdout), Some(stderr)) = (child.take_stdout(), child.take_stderr()) else {
            return Err(Failure::internal("a child without output"));
        };
        let mut announced = Announced::default();
        let ended = self.gate.guard(self.watch(&mut child, stdout, stderr, &mut announced, seen)).await;
        let refusal = child.refusal();
        child.end().await;
        let (status, stderr) = ended.map_err(|failure| because(failure, refusal.clone()))?;
        // A file that met the kernel's limit is a failure of yt-dlp's to write, unless one looks.
        self.look(seen)?;
        if !status.success() {
            return Err(because(failure_of(&stderr, status), refusal));
        }
        let (path, bytes) = self.only_file()?;
        Ok(Arrived { path, bytes, announced: announced.all() })
    }

    /// The most that may be fetched, as far as the gate is concerned.
    fn most(&self) -> u64 {
        if self.order.in_part { u64::MAX } else { self.gate.most() }
    }

    /// Looks on until the child has ended, or until it must be ended.
    async fn watch(
        &self,
        child: &mut Child,
        stdout: ChildStdout,
        stderr: ChildStderr,
        announced: &mut Announced,
        seen: &mut Seen,
    ) -> Result<(ExitStatus, String), Failure> {
        let mut lines = FramedRead::new(stdout, LinesCodec::new_with_max_length(MAX_LINE_BYTES)).fuse();
        let stderr = read_tail(stderr, MAX_STDERR_BYTES);
        tokio::pin!(stderr);
        let mut said = None;
        let mut looks = interval(LOOK_EVERY);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                status = child.wait() => {
                    let status = status.map_err(|error| Failure::internal(format!("yt-dlp: {error}")))?;
                    let said = match said { Some(said) => said, None => stderr.await };
                    while let Some(line) = lines.next().await {
                        announced.hear(line.ok());
                    }
                    return Ok((status, said));
                }
                text = &mut stderr, if said.is_none() => said = Some(text),
                Some(line) = lines.next() => {
                    if let Some(total) = announced.hear(line.ok()) {
                        self.expect(total)?;
                    }
                }
                _ = looks.tick() => self.look(seen)?,
            }
        }
    }

    /// The site has announced so many bytes: that can be judged before they come.
    fn expect(&self, total: u64) -> Result<(), Failure> {
        if !self.order.in_part {
            self.gate.announced(total)?;
        }
        self.directory.expect(if self.order.verbatim { total } else { total.saturating_mul(2) })?;
        if self.order.verbatim && self.gate.length() == Length::Unknown {
            self.gate.expect(Length::Exact(total));
        }
        Ok(())
    }

    /// One look at the disk. It is local, and the directory holds a handful of files: no need to leave the thread.
    fn look(&self, seen: &mut Seen) -> Result<(), Failure> {
        let now = measure(self.directory.media()).map_err(|error| Failure::internal(format!("spool: {error}")))?;
        if now != seen.last {
            seen.changed = Instant::now();
            seen.last = now;
        }
        seen.most = seen.most.max(now.file);
        if self.order.in_part {
            self.gate.came_by(seen.most);
        } else {
            self.gate.fetched(seen.most)?;
        }
        self.directory.taken(now.disk)?;
        let idle = self.gate.idle_timeout();
        if seen.changed.elapsed() > idle {
            return Err(Failure::new(FailureKind::TimedOut, format!("no byte for {} s", idle.as_secs())));
        }
        Ok(())
    }

    /// The one file that must be there now.
    fn only_file(&self) -> Result<(PathBuf, u64), Failure> {
        let list = || {
            let entries = std::fs::read_dir(self.directory.media())?;
            entries
                .map(|entry| entry.and_then(|entry| Ok((entry.path(), entry.metadata()?))))
                .collect::<io::Result<Vec<_>>>()
        };
        let files = list().map_err(|error| Failure::internal(format!("spool: {error}")))?;
        match &files[..] {
            [(path, file)] if file.is_file() && file.len() > 0 => Ok((path.clone(), file.len())),
            [(_, file)] if file.is_file() => Err(Failure::new(FailureKind::BadLink, "an empty file")),
            _ => {
                let names: Vec<_> = files.iter().filter_map(|(path, _)| path.file_name()).collect();
                Err(Failure::internal(format!("yt-dlp ended well, but left {names:?} instead of one file")))
            }
        }
    }
}

/// May it be another time, at once?
fn is_cut(failure: &Failure) -> bool {
    failure.kind == FailureKind::Network && failure.is_transient() && failure.retry_after.is_none()
}

/// The watchdog's memory.
struct Seen {
    last: Measure,
    /// The most that was ever there of the file: a count that goes back would puzzle people.
    most: u64,
    changed: Instant,
}

impl Seen {
    fn new() -> Self {
        Self { last: Measure::default(), most: 0, changed: Instant::now() }
    }

    fn begin_again(&mut self) {
        *self = Self { most: self.most, ..Self::new() };
    }
}

/// What the site announces of each part, one after the other.
#[derive(Debug, Default)]
struct Announced {
    finished: u64,
    current: Option<u64>,
    /// A part came without an announcement, or with one that yt-dlp made up.
    incomplete: bool,
}

impl Announced {
    /// Takes a line in; gives the total so far when it became known.
    fn hear(&mut self, line: Option<String>) -> Option<u64> {
        let progress: Progress = serde_json::from_str(&line?).ok()?;
        match progress.status.as_str() {
            "downloading" if self.current.is_none() => {
                self.current = progress.total_bytes.and_then(whole);
                self.current.map(|current| self.finished.saturating_add(current))
            }
            "finished" => {
                self.incomplete |= self.current.is_none();
                let part = self.current.take().or_else(|| progress.downloaded_bytes.and_then(whole));
                self.finished = self.finished.saturating_add(part.unwrap_or(0));
                None
            }
            _ => None,
        }
    }

    /// All parts together, when each was announced.
    fn all(&self) -> Option<u64> {
        (self.finished > 0 && !self.incomplete).then_some(self.finished)
    }
}

fn whole(bytes: f64) -> Option<u64> {
    /// No file is larger: 1 EB.
    const MOST: f64 = 1e18;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be between 0 and 10^18")]
    (0.0..MOST).contains(&bytes).then_some(bytes as u64)
}
