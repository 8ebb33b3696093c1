//! What whoever runs it sees and does.

use std::time::Duration;

use sluice_domain::{Failure, FailureKind, JobState};

use crate::world::{World, account, quick};

#[tokio::test]
async fn everything_is_told_at_a_glance() {
    let world = World::new(quick()).await;
    let failing = world.send("a").await;
    let mut worker = world.worker(1);
    worker.next().await.ends(Failure::new(FailureKind::Removed, ""));
    world.until_state(&failing, JobState::Failed).await;
    let _running = {
        world.send("a").await;
        worker.next().await
    };
    world.send("a").await;
    world.send("b").await;
    world.queue.operator().set_weight(&account("b"), 3).await.unwrap();
    world.queue.operator().pause(Some(&account("b"))).await.unwrap();
    world
        .redis
        .ask::<()>(redis::cmd("LPUSH").arg("{test}:dead").arg(r#"{"id":"x","reason":"r","at":5}"#))
        .await
        .unwrap();

    let seen = world.queue.operator().overview().await.unwrap();
    assert_eq!((seen.depth.queued, seen.depth.running, seen.depth.workers, seen.paused), (2, 1, 1, false));
    assert_eq!(seen.failures, [(FailureKind::Removed, 1)]);
    let [worker] = &seen.workers[..] else { panic!("{:?}", seen.workers) };
    assert_eq!((worker.running, worker.slots), (1, 1));
    assert!(seen.now.duration_since(worker.last_beat).as_secs() < 15);
    assert!(seen.oldest_waiting.unwrap() <= seen.now);
    let b = seen.accounts.iter().find(|load| load.account == account("b")).unwrap();
    assert_eq!((b.waiting, b.running, b.weight, b.paused), (1, 0, 3, true));
    let only_running = world.send("c").await;
    let _held = {
        let mut other = world.worker(2);
        let mut started = other.next().await;
        while started.id() != &only_running.id {
            started = other.next().await;
        }
        let seen = world.queue.operator().overview().await.unwrap();
        let c = seen.accounts.iter().find(|load| load.account == account("c")).unwrap();
        assert_eq!((c.waiting, c.running), (0, 1));
        started
    };
    assert_eq!(seen.dead[0].reason, "r");
}

#[tokio::test]
async fn many_are_moved_at_once() {
    let world = World::new(quick()).await;
    let mut jobs = Vec::new();
    for _ in 0..120 {
        jobs.push(world.send("a").await);
    }
    let mut worker = world.worker(3);
    for _ in 0..60 {
        worker.next().await.ends(Failure::new(FailureKind::Removed, ""));
    }
    for job in &jobs[..60] {
        world.until_state(job, JobState::Failed).await;
    }
    worker.vanish().await;
    let operator = world.queue.operator();
    assert_eq!(operator.retry_all(FailureKind::Removed).await.unwrap(), 60);
    assert_eq!(operator.retry_all(FailureKind::Removed).await.unwrap(), 0);
    assert_eq!(world.job(&jobs[0]).await.state, JobState::Queued);
    let waiting = operator.overview().await.unwrap().depth.queued;
    assert_eq!(operator.cancel_waiting(Some(&account("b"))).await.unwrap(), 0);
    assert_eq!(operator.cancel_waiting(None).await.unwrap(), waiting);
    assert_eq!(world.job(&jobs[0]).await.state, JobState::Cancelled);
    assert_eq!(operator.overview().await.unwrap().depth.queued, 0);
}

#[tokio::test]
async fn the_wait_is_told_roughly() {
    let world = World::new(quick()).await;
    let first = world.send("a").await;
    assert_eq!(world.queue.waiting(&first.account, &first.id).await.unwrap().unwrap().about, None, "nothing ran yet");
    let mut worker = world.worker(1);
    let started = worker.next().await;
    tokio::time::sleep(Duration::from_millis(60)).await;
    started.completes();
    world.until_state(&first, JobState::Completed).await;
    let held = world.send("a").await;
    let _running = worker.next().await;
    let (near, far) = (world.send("a").await, world.send("a").await);
    let about = async |id| world.queue.waiting(&account("a"), id).await.unwrap().unwrap().about.unwrap();
    let (near, far) = (about(&near.id).await, about(&far.id).await);
    assert!(near >= Duration::from_millis(25) && far > near, "{near:?} {far:?}");
    assert_eq!(world.queue.waiting(&held.account, &held.id).await.unwrap(), None, "it runs");
}
