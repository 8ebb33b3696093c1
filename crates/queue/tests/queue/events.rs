//! What whoever watches is told.

use futures::StreamExt as _;
use sluice_domain::JobState;
use sluice_queue::JobEvent;

use crate::world::{World, account, quick, soon};

#[tokio::test]
async fn watchers_hear_of_their_own_jobs_alone() {
    let world = World::new(quick()).await;
    let mut mine = Box::pin(world.queue.events(&account("a")));
    assert_eq!(soon("the line is up", mine.next()).await, Some(JobEvent::Resync));
    world.send("b").await;
    let job = world.send("a").await;
    assert_eq!(soon("the new job", mine.next()).await, Some(JobEvent::Changed(job.id.clone())));
    world.queue.cancel(&job.account, &job.id).await.unwrap();
    assert_eq!(soon("the cancel", mine.next()).await, Some(JobEvent::Changed(job.id.clone())));
    world.queue.delete(&job.account, &job.id).await.unwrap();
    assert_eq!(soon("the delete", mine.next()).await, Some(JobEvent::Deleted(job.id)));
}

#[tokio::test]
async fn who_lags_reads_everything_again() {
    let world = World::new(quick()).await;
    let mut lagging = Box::pin(world.queue.events(&account("a")));
    assert_eq!(soon("the line is up", lagging.next()).await, Some(JobEvent::Resync));
    let mut watching = Box::pin(world.queue.events(&account("a")));
    for _ in 0..400 {
        let job = world.send("a").await;
        // In step, so that all of them are delivered before the lagging one looks.
        while soon("its event", watching.next()).await != Some(JobEvent::Changed(job.id.clone())) {}
    }
    assert_eq!(soon("the doubt", lagging.next()).await, Some(JobEvent::Resync));
    let job = world.send("a").await;
    assert_eq!(soon("life goes on", lagging.next()).await, Some(JobEvent::Changed(job.id)));
}

#[tokio::test]
async fn after_a_restart_of_redis_watchers_are_told_to_look() {
    let mut world = World::new(quick()).await;
    let mut events = Box::pin(world.queue.events(&account("a")));
    assert_eq!(soon("the line is up", events.next()).await, Some(JobEvent::Resync));
    world.redis.stop().await;
    world.redis.go_on().await;
    assert_eq!(soon("the line is up again", events.next()).await, Some(JobEvent::Resync));
    let job = world.send("a").await;
    assert_eq!(soon("the new job", events.next()).await, Some(JobEvent::Changed(job.id.clone())));
    assert_eq!(world.job(&job).await.state, JobState::Queued);
}
