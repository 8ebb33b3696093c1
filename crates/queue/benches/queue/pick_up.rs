//! How long a job waits for a worker that has nothing to do, from the call of `enqueue` in one process to the handler in another.

use std::time::Duration;

use redis::cmd;

use crate::{
    house::{ALL, House},
    worker::now,
};

const JOBS: usize = 1000;
/// Between two jobs, so that the worker has gone back to sleep.
const REST: Duration = Duration::from_millis(2);
/// How often the wake-up channel is cut, where it is.
const CUT: Duration = Duration::from_millis(150);

pub(crate) async fn run() {
    println!("\npick-up by an idle worker in another process, {JOBS} jobs         p50        p99        max");
    row("as it is", false).await;
    row("wake-up channel cut every 150 ms", true).await;
}

async fn row(name: &str, cut: bool) {
    let house = House::new(ALL).await;
    let mut worker = house.worker(4);
    // The first job waits for the worker to come up.
    house.send().await;
    worker.begun().await;
    let mut waits = Vec::new();
    let measuring = async {
        for _ in 0..JOBS {
            tokio::time::sleep(REST).await;
            let sent = now();
            house.send().await;
            waits.push(worker.begun().await.saturating_sub(sent));
        }
    };
    let cutting = async {
        loop {
            tokio::time::sleep(CUT).await;
            let _ = house.redis.ask::<u64>(cmd("CLIENT").arg("KILL").arg("TYPE").arg("pubsub")).await;
        }
    };
    tokio::select! {
        () = measuring => {}
        () = cutting, if cut => {}
    }
    waits.sort_unstable();
    let at = |percent: usize| waits[(JOBS * percent / 100).min(JOBS - 1)] as f64 / 1e6;
    println!("  {name:<55} {:>7.2} ms {:>7.2} ms {:>7.2} ms", at(50), at(99), at(100));
}
