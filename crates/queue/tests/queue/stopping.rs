//! Cancel and shutdown: who is told, who waits, what it costs.

use std::time::Duration;

use sluice_domain::{FailureKind, JobState};
use sluice_queue::{Outcome, StopReason, WorkerConfig};

use crate::world::{World, quick, soon};

#[tokio::test]
async fn a_waiting_job_is_cancelled_at_once() {
    let world = World::new(quick()).await;
    let (first, second) = (world.send("a").await, world.send("a").await);
    let cancelled = world.queue.cancel(&first.account, &first.id).await.unwrap().unwrap();
    assert_eq!(cancelled.state, JobState::Cancelled);
    let mut worker = world.worker(2);
    let started = worker.next().await;
    assert_eq!(started.id(), &second.id);
    started.completes();
    assert!(worker.is_idle_for(Duration::from_millis(100)).await);
    let again = world.queue.cancel(&second.account, &second.id).await.unwrap().unwrap();
    assert_eq!(again.state, JobState::Completed, "what is over stays as it is");
}

#[tokio::test]
async fn a_running_job_is_told_at_once() {
    // The heartbeat is slow here: the message alone brings the news.
    let config = sluice_queue::QueueConfig { beat: Duration::from_secs(60), ..quick() };
    let world = World::new(config).await;
    let sent = world.send("a").await;
    let mut worker = world.worker(1);
    let started = worker.next().await;
    let asked = world.queue.cancel(&sent.account, &sent.id).await.unwrap().unwrap();
    assert!(asked.cancel_requested && asked.state == JobState::Running);
    assert_eq!(soon("it is told", started.lease.stop().cancelled()).await, StopReason::Cancelled);
    assert_eq!(started.lease.still_mine().await.unwrap_err().kind, FailureKind::Cancelled);
    drop(started);
    let ended = world.until_state(&sent, JobState::Cancelled).await;
    assert!(!ended.cancel_requested && ended.error.is_none());
}

#[tokio::test]
async fn a_file_that_landed_counts_more_than_a_late_cancel() {
    let world = World::new(quick()).await;
    let sent = world.send("a").await;
    let mut worker = world.worker(1);
    let started = worker.next().await;
    world.queue.cancel(&sent.account, &sent.id).await.unwrap();
    started.completes();
    world.until_state(&sent, JobState::Completed).await;
}

#[tokio::test]
async fn a_cancelled_job_is_not_tried_again() {
    let world = World::new(quick()).await;
    let sent = world.send("a").await;
    let mut worker = world.worker(1);
    let started = worker.next().await;
    world.queue.cancel(&sent.account, &sent.id).await.unwrap();
    started.ends(sluice_domain::Failure::new(FailureKind::Network, "cut by the cancel"));
    world.until_state(&sent, JobState::Cancelled).await;
}

#[tokio::test]
async fn who_does_not_heed_is_dropped() {
    let world = World::new(quick()).await;
    let sent = world.send("a").await;
    let grace = Duration::from_millis(50);
    let mut worker = world.worker_with(WorkerConfig { concurrency: 1, grace, ..WorkerConfig::default() });
    worker.next().await.ignores_everything();
    world.queue.cancel(&sent.account, &sent.id).await.unwrap();
    world.until_state(&sent, JobState::Cancelled).await;
    let next = world.send("a").await;
    worker.next().await.completes();
    world.until_state(&next, JobState::Completed).await;
}

#[tokio::test]
async fn a_drain_hands_back_without_cost() {
    let world = World::new(quick()).await;
    let (first, second) = (world.send("a").await, world.send("a").await);
    let mut old = world.worker(1);
    let started = old.next().await;
    old.ask_to_stop();
    assert_eq!(started.lease.stop().cancelled().await, StopReason::Drain);
    started.lease.still_mine().await.unwrap();
    drop(started);
    old.stopped().await;
    let back = world.job(&first).await;
    assert_eq!((back.state, back.attempt), (JobState::Queued, 0));
    assert_eq!(world.queue.depth().await.unwrap().workers, 0);

    let mut new = world.worker(1);
    let again = new.next().await;
    assert_eq!((again.id(), again.job().attempt), (&first.id, 1), "it has its old place");
    again.completes();
    assert_eq!(new.next().await.id(), &second.id);
}

#[tokio::test]
async fn a_drain_lets_a_commit_finish_and_beats_meanwhile() {
    let world = World::new(quick()).await;
    let sent = world.send("a").await;
    let mut old = world.worker(1);
    let started = old.next().await;
    // Somebody who would take the job over from a worker that went silent.
    let mut other = world.worker(1);
    old.ask_to_stop();
    assert!(other.is_idle_for(world.config.dead_after * 3).await, "the draining worker beats");
    started.completes();
    assert_eq!(world.until_state(&sent, JobState::Completed).await.attempt, 1);
    old.stopped().await;
}

#[tokio::test]
async fn the_drain_ends() {
    let world = World::new(quick()).await;
    let sent = world.send("a").await;
    let drain = Duration::from_millis(100);
    let mut worker = world.worker_with(WorkerConfig { concurrency: 1, drain, ..WorkerConfig::default() });
    worker.next().await.ignores_everything();
    worker.ask_to_stop();
    worker.stopped().await;
    let back = world.job(&sent).await;
    assert_eq!((back.state, back.attempt), (JobState::Queued, 0));
}

#[tokio::test]
async fn nothing_is_claimed_after_the_shutdown() {
    let world = World::new(quick()).await;
    let worker = world.worker(4);
    worker.ask_to_stop();
    worker.stopped().await;
    let sent = world.send("a").await;
    assert_eq!(world.job(&sent).await.state, JobState::Queued);
    let mut other = world.worker(1);
    other.next().await.ends(Outcome::HandBack);
    assert_eq!(other.next().await.job().attempt, 1);
}
