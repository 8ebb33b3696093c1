//! The two ends of a world.

use std::{fmt::Write as _, time::Duration};

use anyhow::{Context, Result, ensure};
use nix::sys::signal::{Signal, kill};

use super::{
    World,
    leftovers::{processes, spooled},
};
use crate::{eventually::eventually, landed::files};

/// How long children may take to notice that their owner is gone.
const NOTICE: Duration = Duration::from_secs(3);
/// Lines of each log that are printed after a failure.
const LINES: usize = 60;

impl World {
    /// Stops everything in order and proves that nothing is left: no child process, no spool file. An upload session that was begun and not
    /// committed may stay open: Dropbox has no call that closes one, and forgets it after a week.
    pub async fn end(mut self) -> Result<()> {
        for worker in std::mem::take(&mut self.workers) {
            worker.stop().await?;
        }
        self.web.take().context("the web server is gone")?.stop().await?;
        if let Some(mut exit) = self.exit.take() {
            exit.stop().await?;
        }
        let spooled = spooled(&self.spool())?;
        ensure!(spooled.is_empty(), "the spool is not empty: {spooled:?}");
        let place = self.directory.path().to_owned();
        // Only the two that are no part of the product may still run.
        let outside =
            [self.emulator.process().group(), self.redis.as_ref().context("Redis is gone")?.process().group()];
        eventually("the children of web and workers are gone", NOTICE, async || {
            let left: Vec<_> = processes(&place).into_iter().filter(|(pid, _)| !outside.contains(pid)).collect();
            Ok(left.is_empty().then_some(()))
        })
        .await
        .with_context(|| format!("{:?}", processes(&place)))?;
        self.ended = true;
        Ok(())
    }

    /// The end of every log, of stopped programs too, for a message.
    fn logs(&self) -> String {
        let mut logs = files(self.directory.path()).unwrap_or_default();
        logs.retain(|name| name.ends_with(".log") && !name.contains('/'));
        let mut text = String::new();
        for name in logs {
            let log = std::fs::read_to_string(self.directory.path().join(&name)).unwrap_or_default();
            let lines: Vec<&str> = log.lines().collect();
            let _ = writeln!(text, "--- {name} ---");
            for line in &lines[lines.len().saturating_sub(LINES)..] {
                let _ = writeln!(text, "{line}");
            }
        }
        text
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if !self.ended {
            eprintln!("{}", self.logs());
        }
        // The handles kill their own groups; this is for what left them.
        for (pid, _) in processes(self.directory.path()) {
            let _ = kill(pid, Signal::SIGKILL);
        }
    }
}
