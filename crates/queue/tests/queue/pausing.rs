//! Put aside for later, and never lost.

use std::time::Duration;

use sluice_domain::{AttemptEnd, Failure, FailureKind, JobState};
use sluice_queue::{QueueConfig, StopReason};

use crate::world::{World, account, quick};

#[tokio::test]
async fn what_waits_is_put_aside_and_comes_back_to_its_place() {
    let world = World::new(quick()).await;
    let (first, second) = (world.send("a").await, world.send("a").await);
    let paused = world.queue.pause(&first.account, &first.id).await.unwrap().unwrap();
    assert_eq!(paused.state, JobState::Paused);
    assert_eq!(world.queue.depth().await.unwrap().queued, 1);
    world.queue.resume(&first.account, &first.id).await.unwrap();
    let mut worker = world.worker(1);
    for job in [&first, &second] {
        let started = worker.next().await;
        assert_eq!(started.id(), &job.id);
        started.completes();
    }
}

#[tokio::test]
async fn what_runs_stops_at_no_cost() {
    let world = World::new(quick()).await;
    let sent = world.send("a").await;
    let mut worker = world.worker(1);
    let started = worker.next().await;
    let told = world.queue.pause(&sent.account, &sent.id).await.unwrap().unwrap();
    assert!(told.pause_requested && !told.cancel_requested);
    assert_eq!(started.lease.stop().cancelled().await, StopReason::Cancelled);
    drop(started);
    let paused = world.until_state(&sent, JobState::Paused).await;
    assert_eq!((paused.attempt, paused.attempts.len(), paused.attempts[0].end), (0, 1, AttemptEnd::Paused));
    assert!(!paused.pause_requested);
    assert!(worker.is_idle_for(Duration::from_millis(150)).await);
    world.queue.resume(&sent.account, &sent.id).await.unwrap();
    let again = worker.next().await;
    assert_eq!(again.job().attempt, 1);
    again.completes();
    world.until_state(&sent, JobState::Completed).await;
}

#[tokio::test]
async fn a_pause_that_is_taken_back_at_once_loses_nothing() {
    let world = World::new(quick()).await;
    let sent = world.send("a").await;
    let mut worker = world.worker(1);
    let started = worker.next().await;
    world.queue.pause(&sent.account, &sent.id).await.unwrap();
    started.lease.stop().cancelled().await;
    world.queue.resume(&sent.account, &sent.id).await.unwrap();
    drop(started);
    worker.next().await.completes();
    world.until_state(&sent, JobState::Completed).await;
}

#[tokio::test]
async fn retries_and_dead_workers_heed_a_pause() {
    let world = World::new(QueueConfig {
        backoff_first: Duration::from_secs(600),
        backoff_most: Duration::from_secs(600),
        ..quick()
    })
    .await;
    let sent = world.send("a").await;
    let mut worker = world.worker(1);
    worker.next().await.ends(Failure::new(FailureKind::Network, "reset"));
    world.until_state(&sent, JobState::Retrying).await;
    world.queue.pause(&sent.account, &sent.id).await.unwrap();
    world.queue.resume(&sent.account, &sent.id).await.unwrap();
    worker.next().await.ignores_everything();
    worker.vanish().await;
    world.queue.pause(&sent.account, &sent.id).await.unwrap();
    let mut living = world.worker(1);
    world.until_state(&sent, JobState::Paused).await;
    world.queue.cancel(&sent.account, &sent.id).await.unwrap();
    world.until_state(&sent, JobState::Cancelled).await;
    assert!(living.is_idle_for(Duration::from_millis(50)).await);
}

#[tokio::test]
async fn an_operator_pauses_one_account_or_all() {
    let world = World::new(quick()).await;
    let operator = world.queue.operator();
    operator.pause(Some(&account("a"))).await.unwrap();
    let held = world.send("a").await;
    let mut worker = world.worker(2);
    let other = world.send("b").await;
    let started = worker.next().await;
    assert_eq!(started.id(), &other.id);
    assert!(world.queue.waiting(&held.account, &held.id).await.unwrap().unwrap().paused);
    operator.pause(None).await.unwrap();
    operator.resume(Some(&account("a"))).await.unwrap();
    assert!(worker.is_idle_for(Duration::from_millis(150)).await);
    started.completes();
    world.until_state(&other, JobState::Completed).await;
    operator.resume(None).await.unwrap();
    let started = worker.next().await;
    assert_eq!(started.id(), &held.id);
    started.completes();
}
