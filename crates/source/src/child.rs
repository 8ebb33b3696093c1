//! The one place where this crate starts foreign programs.
//!
//! Every child gets an argv and no shell, a clean environment, a private working directory, resource limits and its own process group. The
//! group dies with its owner: when a [`Child`] is dropped, and when this process dies in any way, even by SIGKILL (see `child/launch.py`).
//! As far as the kernel allows, it has no network but the proxy, or none at all, reads nothing but programs and what it is given, and writes nothing but its
//! own directories (see `child/contain.py`).
//! It refuses to hand a child our standard input, our environment or an unbounded place for its output.

mod capture;
mod hold;
mod limits;
mod view;

use std::{
    ffi::{OsStr, OsString},
    io::{self, IoSlice, PipeWriter},
    iter,
    os::{
        fd::{AsRawFd, OwnedFd},
        unix::net::UnixStream,
    },
    path::Path,
    process::{ExitStatus, Stdio},
};

use nix::{
    sys::{
        signal::{Signal, killpg},
        socket::{ControlMessage, MsgFlags, sendmsg},
    },
    unistd::Pid,
};
use serde::Serialize;
use sluice_egress::{Pass, Refusal};
use tokio::process::{ChildStderr, ChildStdout};
use tokio_util::task::AbortOnDropHandle;

pub(crate) use capture::{read_at_most, read_tail};
pub use hold::Containment;
pub(crate) use limits::ChildLimits;
pub(crate) use view::{View, readable};

use crate::Tools;

/// Sets the limits and the tether, then becomes the program.
const LAUNCH: &str = concat!(include_str!("child/contain.py"), include_str!("child/launch.py"));
/// What stands in front of a program in Python that confines its own children.
pub(crate) const CONTAIN: &str = include_str!("child/contain.py");

/// By these, programs know a proxy: Python, curl and deno alike. No variable makes exceptions.
pub(crate) const PROXY_VARIABLES: [&str; 4] = ["http_proxy", "https_proxy", "ftp_proxy", "all_proxy"];

/// What to start.
#[derive(Debug)]
pub(crate) struct Program<'a> {
    pub(crate) path: &'a Path,
    pub(crate) args: Vec<OsString>,
    /// Its private working directory.
    pub(crate) directory: &'a Path,
    /// Where its temporary files and caches go.
    pub(crate) scratch: &'a Path,
    pub(crate) limits: ChildLimits,
    pub(crate) network: Network,
    /// What it may read besides.
    pub(crate) reads: &'a [&'a Path],
}

/// Where a program may speak to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Network {
    /// Nobody.
    None,
    /// The proxy.
    Proxy,
    /// The proxy, for its children, which have passes of their own and are confined one by one.
    Children,
}

/// What `launch.py` is told.
#[derive(Serialize)]
struct Orders<'a> {
    limits: ChildLimits,
    pipes: usize,
    port: Option<u16>,
    confine: Option<View<'a>>,
}

/// A running process group.
#[derive(Debug)]
pub(crate) struct Child {
    leader: tokio::process::Child,
    group: Pid,
    /// The way out, where it has one.
    pass: Option<Pass>,
    stdout: Option<ChildStdout>,
    /// Serves the proxy in its network.
    _hold: AbortOnDropHandle<()>,
    /// Closing it makes the kernel kill the group. `None` once the leader has ended.
    tether: Option<PipeWriter>,
}

impl Child {
    /// Starts the program with its standard output and error piped to us.
    pub(crate) fn start(tools: &Tools, program: &Program<'_>) -> io::Result<Self> {
        let (ours, theirs) = io::pipe()?;
        let mut child = Self::start_with_pipes(tools, program, &theirs.into(), &[])?;
        child.stdout = Some(ChildStdout::from_std(OwnedFd::from(ours).into())?);
        Ok(child)
    }

    /// Starts the program with this standard output, and with these pipes as its file descriptors 3, 4 and so on. Nobody else inherits them.
    #[expect(clippy::disallowed_methods, reason = "the one reasoned place where children of this crate start")]
    pub(crate) fn start_with_pipes(
        tools: &Tools,
        program: &Program<'_>,
        output: &OwnedFd,
        pipes: &[OwnedFd],
    ) -> io::Result<Self> {
        let (ours, theirs) = UnixStream::pair()?;
        let all: Vec<_> = iter::once(output).chain(pipes).map(AsRawFd::as_raw_fd).collect();
        let message = [ControlMessage::ScmRights(&all)];
        // It waits in the socket until the launcher reads it; the descriptors live on in there.
        sendmsg::<()>(ours.as_raw_fd(), &[IoSlice::new(&[0])], &message, MsgFlags::MSG_NOSIGNAL, None)?;
        let (tethered, tether) = io::pipe()?;
        let pass = (program.network == Network::Proxy).then(|| tools.proxy.pass());
        let orders = Orders {
            limits: program.limits,
            pipes: pipes.len(),
            port: (program.network != Network::None).then(|| tools.proxy.address().port()),
            confine: (program.network != Network::Children).then(|| View::of(tools, program)),
        };
        let mut command = tokio::process::Command::new(&tools.python);
        command
            .args([OsStr::new("-I"), OsStr::new("-S"), OsStr::new("-c"), OsStr::new(LAUNCH)])
            .arg(serde_json::to_string(&orders)?)
            .arg(program.path)
            .args(&program.args)
            .env_clear()
            .env("PATH", &tools.search_path)
            .env("HOME", "/nonexistent")
            .env("LANG", "C.UTF-8")
            .env("TMPDIR", program.scratch)
            .env("XDG_CACHE_HOME", program.scratch)
            .current_dir(program.directory)
            .stdin(tethered)
            .stdout(OwnedFd::from(theirs))
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        if tools.plugin_dirs.is_empty() {
            command.env("YTDLP_NO_PLUGINS", "1");
        }
        if let Some(pass) = &pass {
            // Not as an argument, which everybody on this machine can read.
            let url = pass.url();
            command.envs(PROXY_VARIABLES.map(|name| (name, &url)));
        }
        let leader = command.spawn()?;
        let group = leader.id().and_then(|id| i32::try_from(id).ok()).map(Pid::from_raw);
        let group = group.ok_or_else(|| io::Error::other("the child ended before it began"))?;
        let hold = hold::hold(ours, tools, program.network)?;
        Ok(Self { leader, group, pass, stdout: None, _hold: hold, tether: Some(tether) })
    }

    /// What the program was refused on its way out, if anything: what it made of it is its own affair.
    pub(crate) fn refusal(&self) -> Option<Refusal> {
        self.pass.as_ref().and_then(Pass::refusal)
    }

    /// The number of the group, which is that of the program as well.
    pub(crate) fn group(&self) -> Pid {
        self.group
    }

    /// Its standard output, once.
    pub(crate) fn take_stdout(&mut self) -> Option<ChildStdout> {
        self.stdout.take()
    }

    /// Its standard error, once.
    pub(crate) fn take_stderr(&mut self) -> Option<ChildStderr> {
        self.leader.stderr.take()
    }

    /// Waits until the program has ended, and ends what it left behind in its group.
    pub(crate) async fn wait(&mut self) -> io::Result<ExitStatus> {
        let status = self.leader.wait().await?;
        self.kill();
        Ok(status)
    }

    /// Kills the group and waits until the program is gone, so that its directory can be removed.
    pub(crate) async fn end(mut self) {
        self.kill();
        // It cannot refuse; an error means that it was gone already.
        let _ = self.leader.wait().await;
    }

    /// Kills the group; does nothing the second time, when its number may be somebody else's.
    fn kill(&mut self) {
        if let Some(tether) = self.tether.take() {
            // The tether alone would do, but not before the launcher has set it up. An empty group is no error.
            let _ = killpg(self.group, Signal::SIGKILL);
            drop(tether);
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.kill();
    }
}

#[cfg(test)]
mod tests;
