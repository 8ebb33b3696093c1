//! One child process: started without a shell, in a group of its own, and gone for sure when it is stopped.
//!
//! Where util-linux's `setpriv` is there, the child also gets SIGTERM from the kernel when we die without a word.

use std::{
    path::PathBuf,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use futures::StreamExt as _;
use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};
use tokio::{
    io::AsyncRead,
    process::{Child as Process, Command},
    time::timeout,
};
use tokio_util::{
    codec::{FramedRead, LinesCodec},
    sync::CancellationToken,
};

use super::plan::Spec;
use crate::programs;

/// Longer lines of a child's log are cut.
const MAX_LINE_BYTES: usize = 32 * 1024;

/// How children are started here.
#[derive(Debug, Clone)]
pub(super) struct Launcher {
    /// `setpriv`, if it knows what we need.
    setpriv: Option<PathBuf>,
    /// Is each line told whose it is? Machines that read JSON need it bare.
    prefix: bool,
}

impl Launcher {
    pub(super) async fn new(prefix: bool) -> Self {
        let works = async |path: &PathBuf| {
            let mut command = command(path);
            command
                .args(["--pdeathsig", "TERM", "true"])
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null());
            matches!(timeout(Duration::from_secs(5), command.status()).await, Ok(Ok(status)) if status.success())
        };
        let setpriv = match programs::find("setpriv") {
            Some(path) if works(&path).await => Some(path),
            _ => None,
        };
        Self { setpriv, prefix }
    }

    /// Starts a child. Must be called on the thread that lives as long as we do: the kernel's word is tied to it.
    pub(super) fn start(&self, spec: &Spec) -> std::io::Result<Child> {
        let mut command = match &self.setpriv {
            None => command(&spec.program),
            Some(setpriv) => {
                let mut command = command(setpriv);
                command.args(["--pdeathsig", "TERM", "--"]).arg(&spec.program);
                command
            }
        };
        command.args(&spec.args).envs(spec.env.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = command.process_group(0).kill_on_drop(true).spawn()?;
        let name = if self.prefix { format!("{:<8}| ", spec.name) } else { String::new() };
        if let Some(out) = process.stdout.take() {
            tokio::spawn(tell(name.clone(), out));
        }
        if let Some(err) = process.stderr.take() {
            tokio::spawn(tell(name, err));
        }
        let group = process.id().and_then(|id| i32::try_from(id).ok()).map(Pid::from_raw);
        Ok(Child { process, group, grace: spec.grace })
    }
}

/// A child that was started.
pub(super) struct Child {
    process: Process,
    group: Option<Pid>,
    grace: Duration,
}

impl Child {
    /// Waits for its end.
    pub(super) async fn ended(&mut self) -> std::io::Result<ExitStatus> {
        self.process.wait().await
    }

    /// Asks it to stop; kills its whole group when it takes too long, or somebody is in a hurry.
    pub(super) async fn stop(mut self, hurry: &CancellationToken) {
        self.signal(Signal::SIGTERM);
        tokio::select! {
            _ = timeout(self.grace, self.process.wait()) => {}
            () = hurry.cancelled() => {}
        }
        self.signal(Signal::SIGKILL);
        // Killed processes end at once; the bound is for those that hang inside the kernel.
        let _ = timeout(Duration::from_secs(5), self.process.wait()).await;
    }

    fn signal(&self, signal: Signal) {
        if let Some(group) = self.group {
            // An error means that nobody is left in the group.
            let _ = killpg(group, signal);
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.signal(Signal::SIGKILL);
    }
}

/// Passes a child's lines on to our standard error.
async fn tell(prefix: String, from: impl AsyncRead + Unpin) {
    let mut lines = FramedRead::new(from, LinesCodec::new_with_max_length(MAX_LINE_BYTES));
    while let Some(line) = lines.next().await {
        match line {
            Ok(line) => eprintln!("{prefix}{line}"),
            Err(tokio_util::codec::LinesCodecError::MaxLineLengthExceeded) => {
                eprintln!("{prefix}(a line too long to show)");
            }
            Err(tokio_util::codec::LinesCodecError::Io(_)) => break,
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place where `up` starts processes: no shell, own group, see above"
)]
fn command(program: &PathBuf) -> Command {
    Command::new(program)
}
