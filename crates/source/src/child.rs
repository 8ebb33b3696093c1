//! The one place where this crate starts foreign programs.
//!
//! Every child gets an argv and no shell, a clean environment, a private working directory, resource limits and its own process group. The
//! group dies with its owner: when a [`Child`] is dropped, and when this process dies in any way, even by SIGKILL (see `child/launch.py`).
//! It refuses to hand a child our standard input, our environment or an unbounded place for its output.

mod capture;
mod limits;

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
use tokio::process::{ChildStderr, ChildStdout};

pub(crate) use capture::{read_at_most, read_tail};
pub(crate) use limits::ChildLimits;

use crate::Tools;

/// Sets the limits and the tether, then becomes the program.
const LAUNCH: &str = include_str!("child/launch.py");

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
}

/// A running process group.
#[derive(Debug)]
pub(crate) struct Child {
    leader: tokio::process::Child,
    group: Pid,
    /// Closing it makes the kernel kill the group. `None` once the leader has ended.
    tether: Option<PipeWriter>,
}

impl Child {
    /// Starts the program with its standard output and error piped to us.
    pub(crate) fn start(tools: &Tools, program: &Program<'_>) -> io::Result<Self> {
        Self::start_with_output(tools, program, Stdio::piped(), 0)
    }

    /// Starts the program with this end of a socket as its standard output.
    pub(crate) fn start_on_socket(tools: &Tools, program: &Program<'_>, socket: OwnedFd) -> io::Result<Self> {
        Self::start_with_output(tools, program, socket.into(), 0)
    }

    /// Starts the program with this standard output, and with these pipes as its file descriptors 3, 4 and so on. Nobody else inherits them.
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
        Self::start_with_output(tools, program, OwnedFd::from(theirs).into(), pipes.len())
    }

    #[expect(clippy::disallowed_methods, reason = "the one reasoned place where children of this crate start")]
    fn start_with_output(tools: &Tools, program: &Program<'_>, output: Stdio, pipes: usize) -> io::Result<Self> {
        let (tethered, tether) = io::pipe()?;
        let mut command = tokio::process::Command::new(&tools.python);
        command
            .args([OsStr::new("-I"), OsStr::new("-S"), OsStr::new("-c"), OsStr::new(LAUNCH)])
            .arg(program.limits.to_json())
            .arg(pipes.to_string())
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
            .stdout(output)
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        if tools.plugin_dirs.is_empty() {
            command.env("YTDLP_NO_PLUGINS", "1");
        }
        let leader = command.spawn()?;
        let group = leader.id().and_then(|id| i32::try_from(id).ok()).map(Pid::from_raw);
        let group = group.ok_or_else(|| io::Error::other("the child ended before it began"))?;
        Ok(Self { leader, group, tether: Some(tether) })
    }

    /// The number of the group, which is that of the program as well.
    pub(crate) fn group(&self) -> Pid {
        self.group
    }

    /// Its standard output, once.
    pub(crate) fn take_stdout(&mut self) -> Option<ChildStdout> {
        self.leader.stdout.take()
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
