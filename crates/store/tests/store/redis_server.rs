//! A real redis-server for one test: a child on a unix socket in a directory of its own, append-only, gone with the test.
//! Crate `queue` uses this file too.

use std::{
    path::PathBuf,
    process::{Child, Stdio},
    time::{Duration, Instant},
};

use tempfile::TempDir;

/// A running redis-server.
pub(crate) struct RedisServer {
    dir: TempDir,
    child: Option<Child>,
}

impl RedisServer {
    pub(crate) async fn start() -> Self {
        let mut server = Self { dir: tempfile::tempdir().expect("a temporary directory"), child: None };
        server.go_on().await;
        server
    }

    pub(crate) fn url(&self) -> String {
        format!("redis+unix://{}", self.socket().display())
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.dir.path().join("redis.sock")
    }

    /// Starts it again on the same data.
    pub(crate) async fn go_on(&mut self) {
        self.spawn();
        let begun = Instant::now();
        while self.ask::<String>(&redis::cmd("PING")).await.is_err() {
            assert!(begun.elapsed() < Duration::from_secs(10), "redis-server does not answer");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Ends it in good order: everything is on disk.
    pub(crate) async fn stop(&mut self) {
        let _ = self.ask::<()>(&redis::cmd("SHUTDOWN")).await;
        self.reap();
    }

    /// Ends it with SIGKILL.
    pub(crate) fn kill(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
        }
        self.reap();
    }

    /// One command on a connection of its own.
    pub(crate) async fn ask<T: redis::FromRedisValue>(&self, command: &redis::Cmd) -> redis::RedisResult<T> {
        let mut connection = redis::Client::open(self.url())?.get_multiplexed_async_connection().await?;
        command.query_async(&mut connection).await
    }

    /// Everything that is on disk: what a thief of the backup has.
    #[allow(dead_code, reason = "crate queue includes this file and needs no thief")]
    pub(crate) async fn everything_on_disk(&self) -> Vec<u8> {
        self.ask::<()>(&redis::cmd("SAVE")).await.expect("SAVE");
        let mut all = Vec::new();
        let mut dirs = vec![self.dir.path().to_owned()];
        while let Some(dir) = dirs.pop() {
            for entry in std::fs::read_dir(dir).expect("a directory").map(|entry| entry.expect("an entry")) {
                let kind = entry.file_type().expect("a type");
                if kind.is_dir() {
                    dirs.push(entry.path());
                } else if kind.is_file() {
                    all.extend(std::fs::read(entry.path()).expect("a file"));
                }
            }
        }
        all
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the one place where these tests start a child: fixed arguments, no shell"
    )]
    fn spawn(&mut self) {
        let child = std::process::Command::new("redis-server")
            .args(["--port", "0", "--save", "", "--appendonly", "yes", "--rdbcompression", "no", "--unixsocket"])
            .arg(self.socket())
            .arg("--dir")
            .arg(self.dir.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-server cannot be started: install it (apt-get install redis-server)");
        self.child = Some(child);
    }

    fn reap(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.wait();
        }
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.kill();
    }
}
