//! A private Redis: the real server on a unix socket, everything in its append-only file.
//! It is ended and started again by tests, in good order or not.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Result;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::UnixStream,
};

use crate::{
    eventually::eventually,
    process::{Launch, Process},
    tools,
};

/// How soon what was written is on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Fsync {
    /// Before it is acknowledged.
    #[default]
    Always,
    /// Within a second: what was acknowledged in the last second before a crash of the machine may be lost. A crash of Redis
    /// alone loses less, as what it handed to the kernel stays.
    EverySecond,
}

/// A running Redis.
#[derive(Debug)]
pub struct Redis {
    process: Process,
    place: Place,
}

/// Where a Redis keeps its data, and how: what remains of it while it is away.
#[derive(Debug, Clone)]
pub struct Place {
    directory: PathBuf,
    fsync: Fsync,
}

impl Place {
    /// Starts Redis again over its data.
    pub async fn start(self) -> Result<Redis> {
        Redis::start(&self.directory, self.fsync).await
    }
}

impl Redis {
    /// Starts it over `directory`, with the data that an earlier one left there.
    pub async fn start(directory: &Path, fsync: Fsync) -> Result<Self> {
        let socket = socket(directory);
        let (socket_text, place) = (socket.display().to_string(), directory.display().to_string());
        let appendfsync = match fsync {
            Fsync::Always => "always",
            Fsync::EverySecond => "everysec",
        };
        let arguments = [
            ["--port", "0"],
            ["--unixsocket", &socket_text],
            ["--dir", &place],
            ["--save", ""],
            ["--appendonly", "yes"],
            ["--appendfsync", appendfsync],
        ];
        let launch = Launch {
            name: "redis".into(),
            program: "redis-server".into(),
            arguments: arguments.concat().into_iter().map(str::to_owned).collect(),
            environment: tools::environment(),
            announces: false,
        };
        let process = Process::start(directory, launch).await?;
        eventually("Redis answers", Duration::from_secs(30), async || Ok(pong(&socket).await.ok())).await?;
        Ok(Self { process, place: Place { directory: directory.to_owned(), fsync } })
    }

    /// How Sluice reaches it.
    pub fn url(&self) -> String {
        format!("redis+unix://{}", self.socket().display())
    }

    /// Its unix socket.
    pub fn socket(&self) -> PathBuf {
        socket(&self.place.directory)
    }

    /// Asks everybody who connects from now on for this password, until it ends. Never said on a command line.
    pub async fn demand(&self, password: &str) -> Result<()> {
        let mut stream = UnixStream::connect(self.socket()).await?;
        stream.write_all(format!("CONFIG SET requirepass {password}\r\n").as_bytes()).await?;
        let mut answer = [0; 3];
        stream.read_exact(&mut answer).await?;
        anyhow::ensure!(&answer == b"+OK");
        Ok(())
    }

    /// Kills it with SIGKILL. Its data stay.
    pub async fn crash(self) -> Result<Place> {
        self.process.crash().await?;
        Ok(self.place)
    }

    /// Ends it with SIGTERM, as a service manager does. Its data stay.
    pub async fn stop(self) -> Result<Place> {
        self.process.stop().await?;
        Ok(self.place)
    }

    pub(crate) fn process(&self) -> &Process {
        &self.process
    }
}

fn socket(directory: &Path) -> PathBuf {
    directory.join("redis.sock")
}

/// A server that is still loading its data answers with an error instead.
async fn pong(socket: &Path) -> Result<()> {
    let mut stream = UnixStream::connect(socket).await?;
    stream.write_all(b"PING\r\n").await?;
    let mut answer = [0; 5];
    stream.read_exact(&mut answer).await?;
    anyhow::ensure!(&answer == b"+PONG");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn ask(directory: &Path, command: &str, answer: &str) {
        let mut stream = UnixStream::connect(socket(directory)).await.unwrap();
        stream.write_all(format!("{command}\r\n").as_bytes()).await.unwrap();
        let mut got = vec![0; answer.len()];
        stream.read_exact(&mut got).await.unwrap();
        assert_eq!(String::from_utf8_lossy(&got), answer);
    }

    #[tokio::test]
    async fn what_was_written_survives_sigkill() {
        let directory = tempfile::tempdir().unwrap();
        let redis = Redis::start(directory.path(), Fsync::Always).await.unwrap();
        ask(directory.path(), "SET a 1", "+OK").await;
        let redis = redis.crash().await.unwrap().start().await.unwrap();
        ask(directory.path(), "GET a", "$1\r\n1").await;
        let group = redis.process().group();
        drop(redis);
        let gone = async || Ok(nix::sys::signal::kill(group, None).is_err().then_some(()));
        eventually("Redis is gone", Duration::from_secs(5), gone).await.unwrap();
    }
}
