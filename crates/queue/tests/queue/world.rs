//! One Redis, one queue, and workers whose every job is in the hands of the test.

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use futures::StreamExt as _;
use jiff::Timestamp;
use sluice_domain::{AccountId, Job, JobId, JobRequest, JobState, Origin, Receipt};
use sluice_queue::{
    Enqueued, Handler, Lease, Outcome, Queue, QueueConfig, QueueError, StopReason, WorkerConfig, run_workers,
};
use sluice_store::{Store, StoreConfig};
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

use crate::redis_server::RedisServer;

/// Everything here happens well within this, or never.
pub(crate) const SOON: Duration = Duration::from_secs(15);

pub(crate) struct World {
    pub(crate) redis: RedisServer,
    pub(crate) queue: Queue,
    pub(crate) config: QueueConfig,
}

/// The defaults, faster.
pub(crate) fn quick() -> QueueConfig {
    QueueConfig {
        backoff_first: Duration::from_millis(20),
        backoff_most: Duration::from_millis(100),
        beat: Duration::from_millis(50),
        dead_after: Duration::from_millis(400),
        poll: Duration::from_millis(50),
        ..QueueConfig::default()
    }
}

pub(crate) fn account(name: &str) -> AccountId {
    format!("dbid:{name}").parse().unwrap()
}

pub(crate) fn request(url: &str) -> JobRequest {
    JobRequest::parse(url, None, None, None, Origin::Page).unwrap()
}

/// A link that nobody has sent.
pub(crate) fn another_link() -> String {
    static LINKS: AtomicUsize = AtomicUsize::new(1);
    format!("https://site.example/v/{}", LINKS.fetch_add(1, Ordering::Relaxed))
}

pub(crate) fn receipt() -> Receipt {
    Receipt { path: "/clip.mp4".into(), file_id: "id:1".into(), rev: "1".into(), size: 1, content_hash: "0".repeat(64) }
}

/// Fails the test when this takes too long.
pub(crate) async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(SOON, future).await.unwrap_or_else(|_| panic!("not within {SOON:?}: {what}"))
}

impl World {
    pub(crate) async fn new(config: QueueConfig) -> Self {
        let redis = RedisServer::start().await;
        let queue = Self::connect(&redis, config.clone(), Duration::MAX).await;
        Self { redis, queue, config }
    }

    /// Another process's queue on the same Redis.
    pub(crate) async fn connect(redis: &RedisServer, config: QueueConfig, patience: Duration) -> Queue {
        Self::connect_to(redis.url(), config, patience).await
    }

    pub(crate) async fn connect_to(url: String, config: QueueConfig, patience: Duration) -> Queue {
        let store = Store::connect(StoreConfig {
            url: url.into(),
            namespace: "test".into(),
            secret_key: "a-secret-key-for-tests-only".into(),
            patience,
        });
        Queue::new(store.await.unwrap(), config)
    }

    pub(crate) async fn send(&self, account_name: &str) -> Job {
        self.enqueue(account_name).await.unwrap().job()
    }

    pub(crate) async fn enqueue(&self, account_name: &str) -> Result<Enqueued, QueueError> {
        self.queue.enqueue(&account(account_name), request(&another_link()), Timestamp::now()).await
    }

    pub(crate) async fn job(&self, job: &Job) -> Job {
        self.queue.get(&job.account, &job.id).await.unwrap().expect("the job is there")
    }

    /// Waits until the job is as it should be.
    pub(crate) async fn until(&self, job: &Job, what: &str, is: impl Fn(&Job) -> bool) -> Job {
        // The first event is the line coming up; from then on nothing is missed.
        let mut events = Box::pin(self.queue.events(&job.account));
        soon(what, async {
            loop {
                let now = self.job(job).await;
                if is(&now) {
                    return now;
                }
                events.next().await;
            }
        })
        .await
    }

    pub(crate) async fn until_state(&self, job: &Job, state: JobState) -> Job {
        self.until(job, state.as_str(), |job| job.state == state).await
    }

    /// A worker process.
    pub(crate) fn worker(&self, slots: usize) -> Worker {
        self.worker_with(WorkerConfig { concurrency: slots, ..WorkerConfig::default() })
    }

    pub(crate) fn worker_with(&self, config: WorkerConfig) -> Worker {
        Worker::start(self.queue.clone(), config)
    }
}

/// A worker process in this process.
pub(crate) struct Worker {
    started: mpsc::Receiver<Started>,
    shutdown: CancellationToken,
    task: JoinHandle<Result<(), QueueError>>,
}

/// A job that a worker has begun: the test says what becomes of it.
pub(crate) struct Started {
    pub(crate) lease: Lease,
    reply: oneshot::Sender<Reply>,
}

enum Reply {
    Outcome(Outcome),
    Panic,
}

impl Worker {
    pub(crate) fn start(queue: Queue, config: WorkerConfig) -> Self {
        let (sender, started) = mpsc::channel(1000);
        let shutdown = CancellationToken::new();
        let run = run_workers(queue, config, Arc::new(Hands(sender)), shutdown.clone());
        Self { started, shutdown, task: tokio::spawn(run) }
    }

    /// The next job that it begins.
    pub(crate) async fn next(&mut self) -> Started {
        soon("a job is begun", self.started.recv()).await.expect("the worker runs")
    }

    /// Begins nothing within this time?
    pub(crate) async fn is_idle_for(&mut self, time: Duration) -> bool {
        tokio::time::timeout(time, self.started.recv()).await.is_err()
    }

    pub(crate) fn ask_to_stop(&self) {
        self.shutdown.cancel();
    }

    pub(crate) async fn stopped(self) {
        soon("the worker stops", self.task).await.unwrap().unwrap();
    }

    /// Gone from one moment to the next, as after a kill -9.
    pub(crate) async fn vanish(self) {
        self.task.abort();
        let _ = self.task.await;
    }
}

impl Started {
    pub(crate) fn job(&self) -> &Job {
        self.lease.job()
    }

    pub(crate) fn id(&self) -> &JobId {
        &self.lease.job().id
    }

    pub(crate) fn ends(self, outcome: impl Into<Outcome>) {
        let _ = self.reply.send(Reply::Outcome(outcome.into()));
    }

    pub(crate) fn completes(self) {
        self.ends(Outcome::Completed(receipt()));
    }

    pub(crate) fn panics(self) {
        let _ = self.reply.send(Reply::Panic);
    }

    /// Goes on whatever it is told.
    pub(crate) fn ignores_everything(self) -> Lease {
        let lease = self.lease.clone();
        std::mem::forget(self.reply);
        lease
    }
}

/// Hands every job to the test. A test that lets go of a job makes it heed its reason to stop.
struct Hands(mpsc::Sender<Started>);

#[async_trait]
impl Handler for Hands {
    async fn run(&self, lease: Lease) -> Outcome {
        let (reply, said) = oneshot::channel();
        self.0.send(Started { lease: lease.clone(), reply }).await.expect("the test listens");
        match said.await {
            Ok(Reply::Outcome(outcome)) => outcome,
            Ok(Reply::Panic) => panic!("as the test wished"),
            Err(_) => match lease.stop().cancelled().await {
                StopReason::Cancelled => Outcome::Cancelled,
                StopReason::Drain | StopReason::LeaseLost => Outcome::HandBack,
            },
        }
    }
}
