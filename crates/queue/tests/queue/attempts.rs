//! How attempts end: retry, backoff, budget, snooze, refusal, panic.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use sluice_domain::{ByteSize, Failure, FailureKind, JobState};
use sluice_queue::{Outcome, QueueConfig};

use crate::world::{World, quick};

fn network() -> Failure {
    Failure::new(FailureKind::Network, "reset")
}

#[tokio::test]
async fn what_may_pass_is_tried_again_within_the_budget() {
    let world = World::new(QueueConfig { attempts: 3, ..quick() }).await;
    let sent = world.send("a").await;
    let mut worker = world.worker(2);
    for attempt in 1..=3 {
        let started = worker.next().await;
        assert_eq!(started.job().attempt, attempt);
        assert_eq!(started.job().error, None, "each attempt begins without the last one's error");
        started.ends(network());
    }
    let failed = world.until_state(&sent, JobState::Failed).await;
    assert_eq!(failed.error.map(|error| error.kind), Some(FailureKind::Network));
    assert_eq!(failed.attempt, 3);
}

#[tokio::test]
async fn between_attempts_the_person_sees_why_and_when() {
    let world = World::new(quick()).await;
    let sent = world.send("a").await;
    let mut worker = world.worker(1);
    let after = Duration::from_secs(3600);
    worker.next().await.ends(Outcome::Retry { failure: network(), after: Some(after) });
    let waiting = world.until_state(&sent, JobState::Retrying).await;
    assert_eq!(waiting.error.map(|error| (error.kind, error.retryable)), Some((FailureKind::Network, true)));
    let wait = waiting.retry_at.unwrap().duration_since(Timestamp::now());
    assert!(wait > SignedDuration::from_secs(3500) && wait <= SignedDuration::from_secs(3600), "{wait:?}");
    let cancelled = world.queue.cancel(&sent.account, &sent.id).await.unwrap().unwrap();
    assert_eq!((cancelled.state, cancelled.retry_at, cancelled.error), (JobState::Cancelled, None, None));
    assert_eq!(world.queue.depth().await.unwrap().retrying, 0);
}

#[tokio::test]
async fn what_will_not_pass_is_not_tried_again() {
    let world = World::new(quick()).await;
    let check = async |failure: Failure, state| {
        let sent = world.send("a").await;
        let mut worker = world.worker(1);
        worker.next().await.ends(failure.clone());
        let ended = world.until_state(&sent, state).await;
        assert_eq!(ended.error.unwrap().message, failure.message());
        worker.vanish().await;
    };
    check(Failure::new(FailureKind::Removed, ""), JobState::Failed).await;
    check(Failure::too_large(ByteSize(2000), ByteSize(1000), Some("480p would fit.")), JobState::Refused).await;
}

#[tokio::test]
async fn a_snooze_costs_no_attempt() {
    let world = World::new(QueueConfig { attempts: 1, ..quick() }).await;
    let sent = world.send("a").await;
    let mut worker = world.worker(1);
    for _ in 0..3 {
        let started = worker.next().await;
        assert_eq!(started.job().attempt, 1);
        let until = Timestamp::now() + SignedDuration::from_millis(20);
        started.ends(Outcome::Snooze { failure: Failure::new(FailureKind::LiveNotFinished, ""), until });
    }
    worker.next().await.completes();
    assert_eq!(world.until_state(&sent, JobState::Completed).await.attempt, 1);
}

#[tokio::test]
async fn a_panic_is_that_jobs_failure_alone() {
    let world = World::new(quick()).await;
    let (one, two) = (world.send("a").await, world.send("a").await);
    let mut worker = world.worker(2);
    let (first, second) = (worker.next().await, worker.next().await);
    // Two slots hand their jobs over in either order.
    let (one, two) = if first.id() == &one.id { (one, two) } else { (two, one) };
    first.panics();
    let failed = world.until_state(&one, JobState::Failed).await;
    assert_eq!(failed.error.unwrap().kind, FailureKind::Internal);
    assert_eq!(world.job(&two).await.state, JobState::Running);
    let three = world.send("a").await;
    worker.next().await.completes();
    world.until_state(&three, JobState::Completed).await;
    second.completes();
    world.until_state(&two, JobState::Completed).await;
}
