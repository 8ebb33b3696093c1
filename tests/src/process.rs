//! A real program as a child: own process group, clean environment, log file, ready file.
//! It dies with its handle; it never outlives the test.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::process::ExitStatusExt as _,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use nix::{
    sys::signal::{Signal, kill, killpg},
    unistd::Pid,
};
use tokio::process::{Child, Command};

use crate::eventually::eventually;

/// Programs start within this time even when the machine is busy building.
const START: Duration = Duration::from_secs(60);
/// Longer than any drain that a test configures.
const STOP: Duration = Duration::from_secs(40);

/// How a program is started.
#[derive(Debug, Clone)]
pub struct Launch {
    /// Name for logs and messages; unique within a world.
    pub name: String,
    /// The program.
    pub program: PathBuf,
    /// Its arguments. `--ready-file PATH` is added when `announces` is set.
    pub arguments: Vec<String>,
    /// Its whole environment.
    pub environment: BTreeMap<String, String>,
    /// Whether it writes a ready file.
    pub announces: bool,
}

/// A running program.
#[derive(Debug)]
pub struct Process {
    launch: Launch,
    directory: PathBuf,
    child: Child,
    group: Pid,
    ready: String,
}

impl Process {
    /// Starts it in `directory`, where its log and ready files go, and waits until it says that it is ready.
    pub async fn start(directory: &Path, launch: Launch) -> Result<Self> {
        let name = &launch.name;
        let log = fs::OpenOptions::new().append(true).create(true).open(log_of(directory, name))?;
        let ready_file = directory.join(format!("{name}.ready"));
        let _ = fs::remove_file(&ready_file);
        #[expect(clippy::disallowed_methods, reason = "the one place where the harness starts Sluice's own programs")]
        let mut command = Command::new(&launch.program);
        command.current_dir(directory).args(&launch.arguments).env_clear().envs(&launch.environment);
        if launch.announces {
            command.arg("--ready-file").arg(&ready_file);
        }
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).process_group(0).kill_on_drop(true);
        let child = command.spawn().with_context(|| format!("{} cannot be started", launch.program.display()))?;
        let group = Pid::from_raw(i32::try_from(child.id().context("it ended at once")?)?);
        let mut process = Self { launch, directory: directory.to_owned(), child, group, ready: String::new() };
        if process.launch.announces {
            process.ready = process.announcement(&ready_file).await?;
        }
        Ok(process)
    }

    async fn announcement(&mut self, file: &Path) -> Result<String> {
        let what = format!("{} is ready", self.launch.name);
        eventually(&what, START, async || {
            if let Some(status) = self.child.try_wait()? {
                bail!("{} ended with {status} before it was ready:\n{}", self.launch.name, self.log());
            }
            Ok(fs::read_to_string(file).ok())
        })
        .await
    }

    /// What it wrote into its ready file: its base address.
    pub fn address(&self) -> &str {
        &self.ready
    }

    /// Its process group, which is also its process id.
    pub fn group(&self) -> Pid {
        self.group
    }

    /// All that it printed, with what earlier processes of that name printed in this directory.
    pub fn log(&self) -> String {
        fs::read_to_string(log_of(&self.directory, &self.launch.name)).unwrap_or_default()
    }

    /// Asks it to stop and waits; an error when it does not stop, or not with success.
    pub async fn stop(mut self) -> Result<()> {
        kill(self.group, Signal::SIGTERM)?;
        let status = self.wait().await?;
        ensure!(
            status.success() || status.signal() == Some(Signal::SIGTERM as i32),
            "{} stopped with {status}:\n{}",
            self.launch.name,
            self.log()
        );
        Ok(())
    }

    /// Kills it, and it alone, with SIGKILL: its children have to notice by themselves.
    pub async fn crash(mut self) -> Result<Launch> {
        kill(self.group, Signal::SIGKILL)?;
        self.wait().await?;
        Ok(self.launch.clone())
    }

    /// Stops it where it is (SIGSTOP), with everything that descends from it if `family` is set. The same call of
    /// [`Paused::resume`] lets all of them go on.
    pub fn pause(&self, family: bool) -> Result<Paused> {
        kill(self.group, Signal::SIGSTOP)?;
        let mut stopped = vec![self.group];
        // It makes no more children now; those of its children that come meanwhile are stopped by nobody.
        for pid in if family { descendants(self.group) } else { Vec::new() } {
            if kill(pid, Signal::SIGSTOP).is_ok() {
                stopped.push(pid);
            }
        }
        Ok(Paused(stopped))
    }

    async fn wait(&mut self) -> Result<ExitStatus> {
        let waiting = tokio::time::timeout(STOP, self.child.wait()).await;
        Ok(waiting.with_context(|| format!("{} does not stop:\n{}", self.launch.name, self.log()))??)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // While the child is not reaped its group cannot belong to anybody else.
        if self.child.id().is_some() {
            let _ = killpg(self.group, Signal::SIGKILL);
        }
    }
}

/// Processes that stand still.
#[derive(Debug)]
pub struct Paused(Vec<Pid>);

impl Paused {
    /// Which process was paused, whether or not it still exists.
    pub fn group(&self) -> Pid {
        self.0[0]
    }

    /// Lets them go on (SIGCONT); those that were killed meanwhile are passed over.
    pub fn resume(self) {
        for pid in self.0 {
            let _ = kill(pid, Signal::SIGCONT);
        }
    }
}

/// Children, their children and so on, at this moment.
pub fn descendants(of: Pid) -> Vec<Pid> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let pairs: Vec<(Pid, Pid)> = entries
        .flatten()
        .filter_map(|entry| {
            let pid = entry.file_name().to_str()?.parse().ok()?;
            // "pid (name) state parent ...", and the name may hold anything.
            let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
            let parent = stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()?;
            Some((Pid::from_raw(pid), Pid::from_raw(parent)))
        })
        .collect();
    let mut found = vec![of];
    let mut next = 0;
    while let Some(&parent) = found.get(next) {
        found.extend(pairs.iter().filter(|(_, of)| *of == parent).map(|(pid, _)| *pid));
        next += 1;
    }
    found.split_off(1)
}

fn log_of(directory: &Path, name: &str) -> PathBuf {
    directory.join(format!("{name}.log"))
}
