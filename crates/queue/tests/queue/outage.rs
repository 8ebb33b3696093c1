//! Redis goes away and comes back while jobs run.

use std::time::Duration;

use jiff::Timestamp;
use sluice_domain::{JobState, Progress};
use sluice_queue::QueueError;

use crate::world::{World, account, quick, request};

#[tokio::test]
async fn running_jobs_outlive_a_restart_of_redis() {
    let mut world = World::new(quick()).await;
    let (one, two) = (world.send("a").await, world.send("a").await);
    // Two workers: each watches the other, and neither may take the silence of the outage for death.
    let (mut first, mut second) = (world.worker(1), world.worker(1));
    let (started, other) = (first.next().await, second.next().await);
    world.redis.stop().await;
    started.lease.progress(Progress { bytes_in: 7, ..Progress::default() });
    // Longer than a silent worker is left its jobs.
    tokio::time::sleep(world.config.dead_after * 2).await;
    started.completes();
    world.redis.go_on().await;
    other.lease.still_mine().await.unwrap();
    let done = world.until_state(if started_is(&one, &other) { &two } else { &one }, JobState::Completed).await;
    assert_eq!((done.attempt, done.progress.bytes_in), (1, 7));
    other.completes();
    for job in [&one, &two] {
        assert_eq!(world.until_state(job, JobState::Completed).await.attempt, 1);
    }
    let third = world.send("a").await;
    tokio::select! { job = first.next() => job.completes(), job = second.next() => job.completes() }
    world.until_state(&third, JobState::Completed).await;
}

fn started_is(job: &sluice_domain::Job, started: &crate::world::Started) -> bool {
    started.id() == &job.id
}

#[tokio::test]
async fn the_impatient_are_told_and_nothing_is_half_done() {
    let mut world = World::new(quick()).await;
    let web = World::connect(&world.redis, world.config.clone(), Duration::from_millis(100)).await;
    world.redis.stop().await;
    let refused = web.enqueue(&account("a"), request("https://site.example/v"), Timestamp::now()).await;
    assert!(matches!(&refused, Err(QueueError::Store(error)) if error.is_unavailable()), "{refused:?}");
    world.redis.go_on().await;
    assert_eq!(web.depth().await.unwrap().queued, 0);
    web.enqueue(&account("a"), request("https://site.example/v"), Timestamp::now()).await.unwrap();
    assert_eq!(web.depth().await.unwrap().queued, 1);
}

#[tokio::test]
async fn what_was_acknowledged_survives_a_restart() {
    let mut world = World::new(quick()).await;
    let mut sent = Vec::new();
    for _ in 0..50 {
        sent.push(world.send("a").await);
    }
    world.redis.stop().await;
    world.redis.go_on().await;
    let mut worker = world.worker(3);
    for _ in 0..50 {
        worker.next().await.completes();
    }
    for job in &sent {
        assert_eq!(world.until_state(job, JobState::Completed).await.attempt, 1);
    }
}
