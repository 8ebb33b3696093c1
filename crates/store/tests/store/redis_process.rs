//! One redis-server on a port of loopback, in a directory of its own, append-only: a part of [`crate::sentinel_servers`] and
//! [`crate::cluster_servers`]. Crate `queue` uses this file too.

#![allow(dead_code, reason = "each crate that includes this file needs another part of it")]

use std::{
    io::Write as _,
    net::TcpListener,
    path::Path,
    process::{Child, Stdio},
    time::{Duration, Instant},
};

use redis::{Cmd, FromRedisValue, RedisResult, cmd};
use tempfile::TempDir;

/// Whatever servers do among themselves happens within this, or never.
pub(crate) const SETTLED: Duration = Duration::from_secs(90);

/// A redis-server, or a sentinel.
pub(crate) struct RedisProcess {
    dir: TempDir,
    port: u16,
    /// Where a node of a cluster talks to the others.
    bus: u16,
    sentinel: bool,
    child: Option<Child>,
}

impl RedisProcess {
    /// A server with these lines in its configuration.
    pub(crate) async fn server(lines: &[&str]) -> Self {
        let always = ["save \"\"", "appendonly yes", "repl-diskless-sync-delay 0", "repl-ping-replica-period 1"];
        Self::start(false, |_| [&always, lines].concat().join("\n")).await
    }

    /// A sentinel with these lines in its configuration.
    pub(crate) async fn sentinel(lines: &[String]) -> Self {
        Self::start(true, |_| lines.join("\n")).await
    }

    /// A node of a cluster, alone as yet.
    pub(crate) async fn node(node_timeout: Duration) -> Self {
        let timeout = format!("cluster-node-timeout {}", node_timeout.as_millis());
        let always = ["save \"\"", "appendonly yes", "repl-diskless-sync-delay 0", "cluster-enabled yes", &timeout];
        // The bus is by default at a port that may not exist.
        Self::start(false, |bus| format!("{}\ncluster-port {bus}", always.join("\n"))).await
    }

    async fn start(sentinel: bool, configuration: impl Fn(u16) -> String) -> Self {
        // A port may be taken between being found free and being used: then another one.
        for _ in 0..10 {
            let (port, bus) = (free_port(), free_port());
            let dir = tempfile::tempdir().expect("a temporary directory");
            let mut file = std::fs::File::create(dir.path().join("redis.conf")).expect("a file");
            writeln!(file, "port {port}\nbind 127.0.0.1\ndir {}\n{}", dir.path().display(), configuration(bus))
                .expect("a write");
            let mut server = Self { dir, port, bus, sentinel, child: None };
            if server.try_go_on().await {
                return server;
            }
        }
        panic!("redis-server does not start");
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn bus_port(&self) -> u16 {
        self.bus
    }

    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Starts it again on the same data.
    pub(crate) async fn go_on(&mut self) {
        assert!(self.try_go_on().await, "redis-server does not start again");
    }

    /// Ends it with SIGKILL.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Stops it with SIGSTOP: it is there, and answers nothing.
    pub(crate) fn freeze(&self) {
        self.signal("STOP");
    }

    /// Lets it go on after [`RedisProcess::freeze`].
    pub(crate) fn thaw(&self) {
        self.signal("CONT");
    }

    /// One command on a connection of its own.
    pub(crate) async fn ask<T: FromRedisValue>(&self, command: &Cmd) -> RedisResult<T> {
        let client = redis::Client::open(format!("redis://{}", self.address()))?;
        command.query_async(&mut client.get_multiplexed_async_connection().await?).await
    }

    /// Waits until what it answers is right.
    pub(crate) async fn until<T: FromRedisValue>(&self, what: &str, command: &Cmd, is: impl Fn(&T) -> bool) -> T {
        let begun = Instant::now();
        loop {
            match self.ask(command).await {
                Ok(answer) if is(&answer) => return answer,
                other => assert!(begun.elapsed() < SETTLED, "not in time: {what} ({:?})", other.err()),
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// One field of what it says about itself.
    pub(crate) async fn info(&self, field: &str) -> Option<String> {
        let info: String = self.ask(cmd("INFO").arg("everything")).await.expect("INFO");
        let line = info.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        line.map(|value| value.trim().to_owned())
    }

    async fn try_go_on(&mut self) -> bool {
        self.spawn();
        let begun = Instant::now();
        loop {
            match self.ask::<String>(&cmd("PING")).await {
                Ok(_) => return true,
                // It is there, and wants a password.
                Err(error) if error.code() == Some("NOAUTH") => return true,
                Err(_) => {}
            }
            let ended = self.child.as_mut().is_none_or(|child| child.try_wait().is_ok_and(|status| status.is_some()));
            if ended || begun.elapsed() > SETTLED {
                self.kill();
                return false;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    #[expect(clippy::disallowed_methods, reason = "these tests start their servers: fixed arguments, no shell")]
    fn spawn(&mut self) {
        let mut command = std::process::Command::new("redis-server");
        command.arg(Path::new(self.dir.path()).join("redis.conf"));
        if self.sentinel {
            command.arg("--sentinel");
        }
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn();
        self.child = Some(child.expect("redis-server cannot be started: install it (apt-get install redis-server)"));
    }

    #[expect(clippy::disallowed_methods, reason = "the standard library knows no signal but SIGKILL")]
    fn signal(&self, name: &str) {
        let Some(child) = &self.child else { return };
        let sent = std::process::Command::new("kill").arg(format!("-{name}")).arg(child.id().to_string()).status();
        assert!(sent.is_ok_and(|status| status.success()), "kill -{name}");
    }
}

impl Drop for RedisProcess {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A free port below those that the system gives to outgoing connections.
fn free_port() -> u16 {
    loop {
        let port = rand::random_range(12_000..32_000);
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}
