//! Running programs: to their end, or as children that end with us.

use std::{
    ffi::OsStr,
    fs::{self, File},
    os::unix::{fs::PermissionsExt as _, process::CommandExt as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};

use crate::interrupt::Interrupt;

/// How often a ready file is looked for.
const LOOK: Duration = Duration::from_millis(20);
/// Lines of a log that are shown when its program fails.
const TAIL_LINES: usize = 25;

/// A command; no shell is ever involved.
#[expect(clippy::disallowed_methods, reason = "the one place where xtask starts programs")]
pub(crate) fn command(program: impl AsRef<OsStr>) -> Command {
    Command::new(program)
}

/// Is there a program of this name on PATH?
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    let program =
        |path: &PathBuf| path.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0);
    std::env::split_paths(&std::env::var_os("PATH")?).map(|dir| dir.join(name)).find(program)
}

/// Runs it to its end, with our terminal; an error unless it succeeds.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let status = command.status().with_context(|| format!("{name} cannot be started"))?;
    ensure!(status.success(), "{name} failed ({status})");
    Ok(())
}

/// Runs it to its end, silently; its standard output, or an error with its standard error.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("{name} cannot be started"))?;
    ensure!(output.status.success(), "{name} failed ({}):\n{}", output.status, String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// A child in a group of its own, its output in a log file. Gone when this is dropped.
pub(crate) struct Server {
    name: &'static str,
    child: Child,
    log: PathBuf,
    grace: Duration,
}

impl Server {
    /// Starts it and waits until it writes its ready file; returns what is in there.
    pub(crate) fn start(
        name: &'static str,
        mut command: Command,
        dir: &Path,
        patience: Duration,
        interrupt: &Interrupt,
    ) -> Result<(Self, String)> {
        let (ready, log) = (dir.join(format!("{name}.ready")), dir.join(format!("{name}.log")));
        // It may not be there; if it cannot be removed, that shows below.
        let _ = fs::remove_file(&ready);
        let out = File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
        command.arg("--ready-file").arg(&ready);
        let mut command = dying_with_us(&command);
        command.stdin(Stdio::null()).stdout(out.try_clone()?).stderr(out).process_group(0);
        let child = command.spawn().with_context(|| format!("{name} cannot be started"))?;
        let mut server = Self { name, child, log, grace: Duration::from_secs(60) };
        let begun = Instant::now();
        loop {
            if let Ok(text) = fs::read_to_string(&ready) {
                return Ok((server, text.trim().to_owned()));
            }
            if let Some(status) = server.child.try_wait()? {
                bail!("{name} ended ({status}):\n{}", server.tail());
            }
            if begun.elapsed() > patience {
                bail!("{name} was not ready after {} s:\n{}", patience.as_secs(), server.tail());
            }
            interrupt.check()?;
            std::thread::sleep(LOOK);
        }
    }

    /// Where its output goes.
    pub(crate) fn log(&self) -> &Path {
        &self.log
    }

    /// Has it ended by itself?
    pub(crate) fn check(&mut self) -> Result<()> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => bail!("{} ended ({status}):\n{}", self.name, self.tail()),
        }
    }

    /// Asks it to stop and waits; kills it when that takes too long.
    pub(crate) fn stop(&mut self) {
        self.signal(Signal::SIGTERM);
        let begun = Instant::now();
        while begun.elapsed() < self.grace {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(LOOK);
        }
        self.signal(Signal::SIGKILL);
        let _ = self.child.wait();
    }

    fn signal(&mut self, signal: Signal) {
        // Once it was waited for, its id may be somebody else's.
        if let (Ok(None), Ok(id)) = (self.child.try_wait(), i32::try_from(self.child.id())) {
            let _ = killpg(Pid::from_raw(id), signal);
        }
    }

    fn tail(&self) -> String {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        let tail = &lines[lines.len().saturating_sub(TAIL_LINES)..];
        format!("{}\n(all of it is in {})", tail.join("\n"), self.log.display())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The same command under `setpriv`, where there is one that can: the kernel then ends it when we are killed.
fn dying_with_us(command: &Command) -> Command {
    let can = |setpriv: &PathBuf| {
        let mut probe = self::command(setpriv);
        probe.args(["--pdeathsig", "TERM", "true"]).stdout(Stdio::null()).stderr(Stdio::null());
        probe.status().is_ok_and(|status| status.success())
    };
    let mut wrapped = match find("setpriv").filter(can) {
        Some(setpriv) => {
            let mut wrapped = self::command(setpriv);
            wrapped.args(["--pdeathsig", "TERM", "--"]).arg(command.get_program());
            wrapped
        }
        None => self::command(command.get_program()),
    };
    wrapped.args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => wrapped.env(name, value),
            None => wrapped.env_remove(name),
        };
    }
    wrapped
}
