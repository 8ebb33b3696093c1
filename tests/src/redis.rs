//! A private Redis: the real server on a unix socket, everything in its append-only file.

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

/// A running Redis.
#[derive(Debug)]
pub struct Redis {
    process: Process,
    directory: PathBuf,
}

impl Redis {
    /// Starts it over `directory`, with the data that an earlier one left there.
    pub async fn start(directory: &Path) -> Result<Self> {
        let socket = socket(directory);
        let (socket_text, place) = (socket.display().to_string(), directory.display().to_string());
        let arguments = [
            ["--port", "0"],
            ["--unixsocket", &socket_text],
            ["--dir", &place],
            ["--save", ""],
            ["--appendonly", "yes"],
            ["--appendfsync", "always"],
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
        Ok(Self { process, directory: directory.to_owned() })
    }

    /// How Sluice reaches it.
    pub fn url(&self) -> String {
        format!("redis+unix://{}", socket(&self.directory).display())
    }

    /// Kills it with SIGKILL and starts it again over the same data.
    pub async fn crash_and_restart(self) -> Result<Self> {
        self.process.crash().await?;
        Self::start(&self.directory).await
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
        let redis = Redis::start(directory.path()).await.unwrap();
        ask(directory.path(), "SET a 1", "+OK").await;
        let redis = redis.crash_and_restart().await.unwrap();
        ask(directory.path(), "GET a", "$1\r\n1").await;
        let group = redis.process().group();
        drop(redis);
        let gone = async || Ok(nix::sys::signal::kill(group, None).is_err().then_some(()));
        eventually("Redis is gone", Duration::from_secs(5), gone).await.unwrap();
    }
}
