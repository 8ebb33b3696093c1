//! Workers vanish, leases are lost, crash loops end.

use std::time::{Duration, Instant};

use redis::cmd;
use sluice_domain::{AttemptEnd, Failure, FailureKind, JobState, UploadIntent};
use sluice_queue::{QueueConfig, StopReason};

use crate::world::{World, quick, soon};

#[tokio::test]
async fn a_vanished_workers_job_goes_on_elsewhere_and_its_late_word_is_refused() {
    let world = World::new(quick()).await;
    let sent = world.send("a").await;
    let mut dead = world.worker(1);
    let lease = dead.next().await.ignores_everything();
    dead.vanish().await;

    let mut living = world.worker(1);
    let again = living.next().await;
    assert_eq!((again.id(), again.job().attempt), (&sent.id, 2));
    assert!(again.lease.fence() > lease.fence());

    let intent = UploadIntent { path: "/stale".into(), size: 1, content_hash: String::new() };
    assert!(lease.intent(&intent).await.is_err());
    assert!(lease.still_mine().await.is_err());
    assert_eq!(lease.stop().reason(), Some(StopReason::LeaseLost));
    assert_eq!(world.job(&sent).await.intent, None);
    again.completes();
    world.until_state(&sent, JobState::Completed).await;
}

#[tokio::test]
async fn a_kill_is_mended_within_ten_seconds_by_default() {
    let world = World::new(QueueConfig::default()).await;
    let mut living = world.worker(1);
    let busy = world.send("b").await;
    let held = living.next().await;
    let sent = world.send("a").await;
    let mut dead = world.worker(1);
    dead.next().await.ignores_everything();
    held.completes();
    world.until_state(&busy, JobState::Completed).await;
    dead.vanish().await;
    let killed = Instant::now();
    assert_eq!(living.next().await.id(), &sent.id);
    assert!(killed.elapsed() < Duration::from_secs(10), "{:?}", killed.elapsed());
}

#[tokio::test]
async fn a_stalled_worker_loses_that_job_and_nothing_else() {
    let world = World::new(quick()).await;
    let (lost, kept) = (world.send("a").await, world.send("a").await);
    let mut worker = world.worker(2);
    let (first, second) = (worker.next().await, worker.next().await);
    // Two slots hand their jobs over in either order.
    let (lost, kept) = if first.id() == &lost.id { (lost, kept) } else { (kept, lost) };
    // As if another worker had taken it: the record names another lease.
    let key = format!("{{test}}:job:{}", lost.id);
    world.redis.ask::<()>(cmd("HSET").arg(&key).arg("lease").arg("other").arg("fence").arg(99)).await.unwrap();
    assert_eq!(soon("it is told", first.lease.stop().cancelled()).await, StopReason::LeaseLost);
    first.completes();
    second.completes();
    world.until_state(&kept, JobState::Completed).await;
    assert_eq!(world.job(&lost).await.state, JobState::Running, "the late word did not count");
}

#[tokio::test]
async fn a_crash_loop_ends() {
    let world = World::new(QueueConfig { losses: 2, attempts: 1, ..quick() }).await;
    let sent = world.send("a").await;
    for attempt in 1..=2 {
        let mut worker = world.worker(1);
        let started = worker.next().await;
        assert_eq!(started.job().attempt, attempt);
        started.ignores_everything();
        worker.vanish().await;
    }
    let _living = world.worker(1);
    let failed = world.until_state(&sent, JobState::Failed).await;
    assert_eq!(failed.error.unwrap().kind, FailureKind::WorkerLost);
    assert!(failed.finished_at.is_some());
    assert!(failed.attempts.iter().all(|attempt| attempt.end == AttemptEnd::Lost && attempt.kind.is_none()));
    assert_eq!(failed.attempts.len(), 2);
}

#[tokio::test]
async fn lost_workers_leave_the_budget_for_failures_alone() {
    let world = World::new(QueueConfig { attempts: 2, ..quick() }).await;
    let sent = world.send("a").await;
    for _ in 0..3 {
        let mut worker = world.worker(1);
        worker.next().await.ignores_everything();
        worker.vanish().await;
    }
    let mut living = world.worker(1);
    for _ in 0..2 {
        living.next().await.ends(Failure::new(FailureKind::Network, "reset"));
    }
    let failed = world.until_state(&sent, JobState::Failed).await;
    assert_eq!(failed.error.unwrap().kind, FailureKind::Network);
    assert_eq!((failed.attempt, failed.attempts.len()), (5, 5));
}

#[tokio::test]
async fn a_job_that_was_cancelled_on_a_dead_worker_is_cancelled() {
    let world = World::new(quick()).await;
    let sent = world.send("a").await;
    let mut dead = world.worker(1);
    dead.next().await.ignores_everything();
    dead.vanish().await;
    world.queue.cancel(&sent.account, &sent.id).await.unwrap();
    let _living = world.worker(1);
    world.until_state(&sent, JobState::Cancelled).await;
}

#[tokio::test]
async fn a_claim_that_nobody_received_is_given_back() {
    let world = World::new(quick()).await;
    // The worker is busy, so that it claims nothing while its books are changed.
    let busy = world.send("a").await;
    let mut worker = world.worker(1);
    let held = worker.next().await;
    let sent = world.send("a").await;
    let workers: Vec<String> = world.redis.ask(cmd("HKEYS").arg("{test}:workers")).await.unwrap();
    // What a claim does whose reply is lost with its connection.
    let key = format!("{{test}}:job:{}", sent.id);
    let claim = redis::pipe()
        .atomic()
        .cmd("ZREM")
        .arg("{test}:backlog:dbid:a")
        .arg(sent.id.as_str())
        .cmd("HSET")
        .arg(&key)
        .arg(&[("state", "running"), ("fence", "1"), ("attempt", "1"), ("lease", "lost"), ("worker", &workers[0])])
        .cmd("HSET")
        .arg(format!("{{test}}:leases:{}", workers[0]))
        .arg("lost")
        .arg(sent.id.as_str())
        .to_owned();
    let mut connection =
        redis::Client::open(world.redis.url()).unwrap().get_multiplexed_async_connection().await.unwrap();
    claim.query_async::<()>(&mut connection).await.unwrap();
    let back = world.until_state(&sent, JobState::Queued).await;
    assert_eq!(back.attempt, 0);
    held.completes();
    world.until_state(&busy, JobState::Completed).await;
    worker.next().await.completes();
    world.until_state(&sent, JobState::Completed).await;
}

#[tokio::test]
async fn poison_is_put_aside_and_stops_nobody() {
    let world = World::new(quick()).await;
    let (missing, newer, garbled, huge, good) = (
        world.send("a").await,
        world.send("a").await,
        world.send("a").await,
        world.send("a").await,
        world.send("a").await,
    );
    let key = |job: &sluice_domain::Job| format!("{{test}}:job:{}", job.id);
    world.redis.ask::<()>(cmd("DEL").arg(key(&missing))).await.unwrap();
    world.redis.ask::<()>(cmd("HSET").arg(key(&newer)).arg("v").arg(99)).await.unwrap();
    world.redis.ask::<()>(cmd("HSET").arg(key(&garbled)).arg("url").arg("not a link")).await.unwrap();
    world.redis.ask::<()>(cmd("HSET").arg(key(&huge)).arg("title").arg("x".repeat(1 << 20))).await.unwrap();
    let mut worker = world.worker(1);
    let started = worker.next().await;
    assert_eq!(started.id(), &good.id);
    started.completes();
    world.until_state(&good, JobState::Completed).await;
    assert_eq!(world.job(&newer).await.state, JobState::Failed);
    let dead: Vec<String> = world.redis.ask(cmd("LRANGE").arg("{test}:dead").arg(0).arg(-1)).await.unwrap();
    let dead = dead.join("\n");
    for (job, reason) in [(&missing, "no record"), (&newer, "version 99"), (&garbled, "url"), (&huge, "too much")] {
        assert!(dead.contains(job.id.as_str()) && dead.contains(reason), "{reason}: {dead}");
    }
    assert_eq!(world.queue.depth().await.unwrap().queued, 0);
}

#[tokio::test]
async fn a_claim_that_comes_after_its_worker_was_given_up_is_found() {
    let world = World::new(quick()).await;
    let sent = world.send("a").await;
    // The words of a process that is gone, on their way for a long time.
    let client = redis::Client::open(world.redis.url()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let claim = crate::model::script("claim");
    let mut claim = claim.prepare_invoke();
    claim.key("{test}:").arg("gone").arg("lease").arg(3).arg("{}");
    claim.invoke_async::<()>(&mut connection).await.unwrap();
    assert_eq!(world.job(&sent).await.state, JobState::Running);
    let mut living = world.worker(1);
    let again = living.next().await;
    assert_eq!((again.id(), again.job().attempt), (&sent.id, 2));
    again.completes();
    world.until_state(&sent, JobState::Completed).await;
}
