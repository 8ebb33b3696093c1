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

#[tokio::test]
async fn a_weight_counts_as_that_many_people() {
    let world = World::new(QueueConfig { user_running: 1, ..quick() }).await;
    world.queue.operator().set_weight(&account("b"), 2).await.unwrap();
    for name in ["a", "b"] {
        for _ in 0..6 {
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
    assert_eq!(order.matches('b').count(), 6, "{order}");
    assert_eq!(order[..6].matches('b').count(), 4, "{order}");

    assert!(world.queue.operator().set_weight(&account("b"), 17).await.is_err());
}

#[tokio::test]
async fn a_weight_is_so_many_slots_too() {
    let world = World::new(QueueConfig { user_running: 1, ..quick() }).await;
    world.queue.operator().set_weight(&account("b"), 2).await.unwrap();
    for name in ["a", "b"] {
        for _ in 0..4 {
            world.send(name).await;
        }
    }
    let mut many = world.worker(6);
    let held: Vec<_> = [many.next().await, many.next().await, many.next().await].into();
    assert!(many.is_idle_for(Duration::from_millis(150)).await, "one of a, two of b");
    assert_eq!(held.iter().filter(|started| started.job().account == account("b")).count(), 2);
}

#[tokio::test]
async fn five_hundred_links_of_one_person_do_not_hold_up_five_of_another() {
    let world = World::new(quick()).await;
    for _ in 0..500 {
        world.send("a").await;
    }
    let mut worker = world.worker(2);
    let mut running = vec![worker.next().await, worker.next().await];
    for _ in 0..5 {
        world.send("b").await;
    }
    let mut order = String::new();
    while order.matches('b').count() < 5 {
        running.remove(0).completes();
        let started = worker.next().await;
        order.push_str(started.job().account.as_str().trim_start_matches("dbid:"));
        running.push(started);
    }
    assert!(order.starts_with('b'), "the next free slot: {order}");
    assert!(order.matches('a').count() < 18, "two of a ran before: {order}");
}
