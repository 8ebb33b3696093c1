//! Whose turn is it?

use std::time::Duration;

use sluice_queue::QueueConfig;

use crate::world::{World, account, quick};

#[tokio::test]
async fn the_next_free_slot_is_the_newcomers() {
    let world = World::new(quick()).await;
    for _ in 0..20 {
        world.send("a").await;
    }
    let mut worker = world.worker(2);
    let first = worker.next().await;
    let _second = worker.next().await;
    for _ in 0..3 {
        world.send("b").await;
    }
    first.completes();
    let mut order = String::new();
    for _ in 0..6 {
        let started = worker.next().await;
        order.push_str(started.job().account.as_str().trim_start_matches("dbid:"));
        started.completes();
    }
    // `a` still has one running, so `b` goes first each time it has none.
    assert_eq!(order, "bbbaaa");
}

#[tokio::test]
async fn equals_take_turns() {
    let world = World::new(quick()).await;
    for name in ["a", "b", "c"] {
        for _ in 0..3 {
            world.send(name).await;
        }
    }
    let mut worker = world.worker(1);
    let mut order = String::new();
    for _ in 0..9 {
        let started = worker.next().await;
        order.push_str(started.job().account.as_str().trim_start_matches("dbid:"));
        started.completes();
    }
    assert_eq!(order, "abcabcabc");
}

#[tokio::test]
async fn one_person_does_not_take_every_slot() {
    let world = World::new(QueueConfig { user_running: 2, ..quick() }).await;
    for _ in 0..5 {
        world.send("a").await;
    }
    let mut worker = world.worker(4);
    let first = worker.next().await;
    let _second = worker.next().await;
    assert!(worker.is_idle_for(Duration::from_millis(150)).await);
    world.send("b").await;
    assert_eq!(worker.next().await.job().account, account("b"));
    first.completes();
    assert_eq!(worker.next().await.job().account, account("a"));
}

#[tokio::test]
async fn several_workers_share_without_doubling() {
    let world = World::new(QueueConfig { user_running: 100, ..quick() }).await;
    let (mut one, mut two) = (world.worker(8), world.worker(8));
    let mut waiting = std::collections::HashSet::new();
    for _ in 0..200 {
        waiting.insert(world.send("a").await.id);
    }
    while !waiting.is_empty() {
        let started = tokio::select! { started = one.next() => started, started = two.next() => started };
        assert!(waiting.remove(started.id()), "each job is begun once");
        started.completes();
    }
    assert!(one.is_idle_for(Duration::from_millis(100)).await && two.is_idle_for(Duration::from_millis(1)).await);
}
