//! One Redis, a queue on it, and worker processes.

use std::{
    process::Stdio,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use futures::{StreamExt as _, stream};
use jiff::Timestamp;
use redis::cmd;
use sluice_domain::{AccountId, JobRequest, Origin};
use sluice_queue::{Queue, QueueConfig};
use sluice_store::{Store, StoreConfig};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader, Lines},
    process::{Child, ChildStdout, Command},
};

use crate::{redis_server::RedisServer, worker};

/// Commands that go on at the same time where many do.
pub(crate) const IN_FLIGHT: usize = 64;
/// Accounts between which jobs are spread.
const ACCOUNTS: u64 = 20;

/// One Redis and a queue on it.
pub(crate) struct House {
    pub(crate) redis: RedisServer,
    pub(crate) queue: Queue,
    kept: u32,
}

/// A worker process: gone when this is.
pub(crate) struct Worker {
    _child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

/// More finished jobs than any account has here: nothing is trimmed.
pub(crate) const ALL: u32 = 10_000_000;

/// The defaults, but nothing is ever full, and an account keeps so many finished jobs.
fn config(kept: u32) -> QueueConfig {
    QueueConfig { user_queued: 10_000_000, user_running: 1000, recents: kept, ..QueueConfig::default() }
}

/// A queue on the Redis at `url`.
pub(crate) async fn connect(url: String, kept: u32) -> Queue {
    let store = Store::connect(StoreConfig {
        url: url.into(),
        namespace: "bench".into(),
        secret_key: "a-secret-key-for-benches-only".into(),
        patience: Duration::MAX,
    });
    Queue::new(store.await.unwrap(), config(kept))
}

impl House {
    /// An empty house in which an account keeps so many finished jobs.
    pub(crate) async fn new(kept: u32) -> Self {
        let redis = RedisServer::start().await;
        let queue = connect(redis.url(), kept).await;
        Self { redis, queue, kept }
    }

    /// One new job, of one of the accounts, for a link that no other has.
    pub(crate) async fn send(&self) {
        static LINKS: AtomicU64 = AtomicU64::new(0);
        let number = LINKS.fetch_add(1, Ordering::Relaxed);
        let account: AccountId = format!("dbid:p{}", number % ACCOUNTS).parse().unwrap();
        let link = format!("https://site.example/watch?v=dQw4w9WgXcQ&list={number}");
        let request = JobRequest::parse(&link, None, None, None, Origin::Page).unwrap();
        self.queue.enqueue(&account, request, Timestamp::now()).await.unwrap();
    }

    /// So many new jobs, many at a time.
    pub(crate) async fn fill(&self, jobs: usize) {
        stream::iter(0..jobs).for_each_concurrent(IN_FLIGHT, |_| self.send()).await;
    }

    /// A worker process with so many slots, and ready.
    pub(crate) fn worker(&self, slots: usize) -> Worker {
        #[expect(clippy::disallowed_methods, reason = "this program again: fixed arguments, no shell")]
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args([worker::WORD, &self.redis.url(), &slots.to_string(), &self.kept.to_string()]);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Worker { _child: child, lines }
    }

    /// A number that Redis tells about itself: `info("memory", "used_memory:")`.
    pub(crate) async fn info(&self, section: &str, line: &str) -> String {
        let text: String = self.redis.ask(cmd("INFO").arg(section)).await.unwrap();
        let found = text.lines().find_map(|found| found.strip_prefix(line));
        found.unwrap_or_default().to_owned()
    }

    /// Sets one of Redis's settings.
    pub(crate) async fn set(&self, name: &str, value: &str) {
        self.redis.ask::<()>(cmd("CONFIG").arg("SET").arg(name).arg(value)).await.unwrap();
    }
}

impl Worker {
    /// When the next job began, in nanoseconds since 1970.
    pub(crate) async fn begun(&mut self) -> u128 {
        let line = tokio::time::timeout(Duration::from_secs(60), self.lines.next_line()).await;
        line.expect("a job begins").unwrap().expect("the worker runs").parse().unwrap()
    }
}
