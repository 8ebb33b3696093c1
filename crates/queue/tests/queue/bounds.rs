//! What is over is forgotten in time, by count and by age, and nothing else.

use std::time::Duration;

use redis::cmd;
use sluice_domain::{JobId, JobState};
use sluice_queue::{JobEvent, QueueConfig, RecentsQuery};

use crate::world::{World, account, quick, soon};

async fn listed(world: &World) -> Vec<JobId> {
    let query = RecentsQuery { limit: 100, ..RecentsQuery::default() };
    world.queue.recents(&account("a"), query).await.unwrap().items.into_iter().map(|job| job.id).collect()
}

async fn until_listed(world: &World, count: usize) -> Vec<JobId> {
    use futures::StreamExt as _;
    let mut events = Box::pin(world.queue.events(&account("a")));
    soon("the list is trimmed", async {
        loop {
            let listed = listed(world).await;
            if listed.len() == count {
                return listed;
            }
            let _: Option<JobEvent> = events.next().await;
        }
    })
    .await
}

#[tokio::test]
async fn the_oldest_finished_ones_go_first() {
    let world = World::new(QueueConfig { recents: 3, ..quick() }).await;
    let mut sent = Vec::new();
    for _ in 0..8 {
        sent.push(world.send("a").await);
    }
    for job in &sent[..6] {
        world.queue.cancel(&job.account, &job.id).await.unwrap();
    }
    // Two wait and are not counted: no worker is there to take them, only one to keep house.
    let _house = world.worker(0);
    let mut kept: Vec<JobId> = sent[3..].iter().map(|job| job.id.clone()).collect();
    kept.reverse();
    assert_eq!(until_listed(&world, 5).await, kept);
}

#[tokio::test]
async fn the_old_ones_go_by_age() {
    let world = World::new(QueueConfig { retention: Duration::from_millis(300), ..quick() }).await;
    let (over, waiting) = (world.send("a").await, world.send("a").await);
    world.queue.cancel(&over.account, &over.id).await.unwrap();
    let _house = world.worker(0);
    assert_eq!(until_listed(&world, 1).await, [waiting.id]);
    assert!(world.queue.get(&over.account, &over.id).await.unwrap().is_none());
}

#[tokio::test]
async fn nothing_remains_of_what_is_deleted() {
    let world = World::new(quick()).await;
    let keys = async || {
        let mut keys: Vec<String> = world.redis.ask(cmd("KEYS").arg("*")).await.unwrap();
        keys.sort();
        keys
    };
    for _ in 0..3 {
        let job = world.send("a").await;
        let mut worker = world.worker(1);
        worker.next().await.completes();
        world.until_state(&job, JobState::Completed).await;
        worker.ask_to_stop();
        worker.stopped().await;
        assert!(world.queue.delete(&job.account, &job.id).await.unwrap());
    }
    // Two counters, the pace of jobs, the turn in which the account was served, and at most a note to look at its history.
    let mut left = keys().await;
    left.retain(|key| key != "{test}:trim");
    assert_eq!(left, ["{test}:pace", "{test}:seq", "{test}:served:dbid:a", "{test}:turn"]);
}
