//! The worker process of a bench: it says when a job begins, and ends it at once.

use std::{
    io::Write as _,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use async_trait::async_trait;
use sluice_domain::Receipt;
use sluice_queue::{Handler, Lease, Outcome, WorkerConfig, run_workers};
use tokio_util::sync::CancellationToken;

use crate::house::connect;

/// The first argument of a worker process.
pub(crate) const WORD: &str = "worker";

/// Slots of a worker that is to be fast, not merely awake. A worker with fewer tells when its jobs begin.
pub(crate) const MANY: usize = 32;

/// The time of day: all processes of a machine have the same.
pub(crate) fn now() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos()
}

/// Ends a job where it begins.
struct Trivial {
    tells: bool,
}

#[async_trait]
impl Handler for Trivial {
    async fn run(&self, _: Lease) -> Outcome {
        if self.tells {
            let mut out = std::io::stdout().lock();
            let _ = writeln!(out, "{}", now());
            let _ = out.flush();
        }
        let path = "/clip.mp4".to_owned();
        Outcome::Completed(Receipt {
            path,
            file_id: "id:1".into(),
            rev: "1".into(),
            size: 1,
            content_hash: "0".repeat(64),
        })
    }
}

/// Works until it is killed.
pub(crate) async fn run(url: String, slots: usize, kept: u32) {
    let queue = connect(url, kept).await;
    let worker = WorkerConfig { concurrency: slots, ..WorkerConfig::default() };
    run_workers(queue, worker, Arc::new(Trivial { tells: slots < MANY }), CancellationToken::new()).await.unwrap();
}
