//! Commands that were executed although their replies were lost.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use sluice_domain::JobState;
use sluice_queue::{QueueConfig, WorkerConfig};

use crate::{
    proxy::CuttingProxy,
    world::{Worker, World, account, another_link, quick, request, soon},
};

#[tokio::test(flavor = "multi_thread")]
async fn lost_replies_lose_and_double_nothing() {
    const JOBS: usize = 400;
    // Cuts come so thick here that a beat may have to be repeated several times: nobody is dead because of that.
    let config = QueueConfig { user_running: 100, dead_after: Duration::from_secs(5), ..quick() };
    let world = World::new(config.clone()).await;
    let proxy = CuttingProxy::start(world.redis.socket(), 17);
    let queue = World::connect_to(proxy.url(), config, Duration::MAX).await;
    let mut worker = Worker::start(queue.clone(), WorkerConfig { concurrency: 8, ..WorkerConfig::default() });

    let sending = tokio::spawn(async move {
        let mut sent = Vec::new();
        for _ in 0..JOBS {
            let request = request(&another_link());
            sent.push(queue.enqueue(&account("a"), request, Timestamp::now()).await.unwrap().job());
        }
        sent
    });
    let mut begun = HashMap::new();
    while begun.len() < JOBS {
        let started = worker.next().await;
        *begun.entry(started.id().clone()).or_insert(0) += 1;
        started.completes();
    }
    let sent = soon("all are sent", sending).await.unwrap();
    for job in &sent {
        assert_eq!(world.until_state(job, JobState::Completed).await.attempt, 1);
        assert_eq!(begun[&job.id], 1, "begun once");
    }
    assert_eq!(world.queue.depth().await.unwrap().queued, 0);
    assert!(proxy.cuts() > 50, "{} cuts", proxy.cuts());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wake_up_line_that_is_cut_again_and_again_delays_little() {
    let world = World::new(QueueConfig { poll: Duration::from_millis(300), ..quick() }).await;
    let mut worker = world.worker(1);
    let socket = world.redis.url();
    let cutting = tokio::spawn(async move {
        let mut line = redis::Client::open(socket).unwrap().get_multiplexed_async_connection().await.unwrap();
        loop {
            let kill = redis::cmd("CLIENT").arg("KILL").arg("TYPE").arg("pubsub").to_owned();
            kill.query_async::<()>(&mut line).await.unwrap();
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    });
    for _ in 0..30 {
        let sent = Instant::now();
        world.send("a").await;
        worker.next().await.completes();
        assert!(sent.elapsed() < Duration::from_secs(1), "{:?}", sent.elapsed());
    }
    cutting.abort();
}
