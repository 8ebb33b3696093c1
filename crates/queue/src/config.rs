//! The queue's numbers.

use std::time::Duration;

/// How the queue behaves. Every process of a house should have the same.
#[derive(Debug, Clone)]
pub struct QueueConfig {
    /// The most jobs of one account that run at once; an account of weight 2 has twice as many.
    pub user_running: u32,
    /// The most jobs of one account that wait, between attempts included.
    pub user_queued: u32,
    /// The most finished jobs that one account keeps, items of lists included; the last twenty lists and links stay in any case.
    pub recents: u32,
    /// How long a finished job is kept.
    pub retention: Duration,
    /// How often a job may fail with what may pass before it is given up.
    pub attempts: u32,
    /// How many workers may vanish with a job before it is given up.
    pub losses: u32,
    /// How long an idempotency key names its job.
    pub idempotency_ttl: Duration,
    /// How many replicas of Redis must have a job before it counts as taken; 0: none.
    pub replicas: u32,
    /// The wait before the second attempt; it doubles with each further one.
    pub backoff_first: Duration,
    /// The longest wait between attempts.
    pub backoff_most: Duration,
    /// How often a worker shows that it lives.
    pub beat: Duration,
    /// A worker whose beats were seen standing still for so long is dead.
    pub dead_after: Duration,
    /// The most connections over which one account's devices take files at once.
    pub streams: u32,
    /// How long such a connection counts when nothing is heard of it.
    pub stream_lapses: Duration,
    /// How long a file waits for the device to go on with another connection, before it counts as stopped.
    pub stream_lingers: Duration,
    /// How often workers look for work, due retries and old records, even when nobody calls.
    pub poll: Duration,
}

impl Default for QueueConfig {
    fn default() -> Self {
        Self {
            user_running: 3,
            user_queued: 1000,
            recents: 500,
            retention: Duration::from_secs(30 * 24 * 3600),
            attempts: 5,
            losses: 10,
            idempotency_ttl: Duration::from_secs(24 * 3600),
            replicas: 0,
            backoff_first: Duration::from_secs(5),
            backoff_most: Duration::from_secs(600),
            beat: Duration::from_secs(1),
            dead_after: Duration::from_secs(6),
            streams: 8,
            stream_lapses: Duration::from_secs(15),
            stream_lingers: Duration::from_secs(3),
            poll: Duration::from_millis(500),
        }
    }
}

/// How one worker process works.
#[derive(Debug, Clone)]
pub struct WorkerConfig {
    /// What the process is called in logs and for operators. Each start gets a name of its own from it.
    pub worker_id: String,
    /// How many jobs at once.
    pub concurrency: usize,
    /// How long running jobs may go on after the shutdown was asked for.
    pub drain: Duration,
    /// How long a job may go on after it was told that it is cancelled or no longer ours, to clean up after itself.
    pub grace: Duration,
}

impl Default for WorkerConfig {
    fn default() -> Self {
        Self {
            worker_id: "worker".into(),
            concurrency: 4,
            drain: Duration::from_secs(25),
            grace: Duration::from_secs(10),
        }
    }
}
