//! A list and its items.

use std::time::Duration;

use redis::cmd;
use sluice_domain::Item;
use sluice_domain::{AttemptEnd, Failure, FailureKind, Job, JobState};
use sluice_queue::{Outcome, QueueConfig, RecentsQuery, Taken, WorkerConfig};

use crate::world::{Started, Worker, World, account, another_link, quick, soon};

fn items(numbers: std::ops::RangeInclusive<u32>) -> Vec<Item> {
    let item = |number| Item {
        number,
        url: another_link().parse().unwrap(),
        item: None,
        title: Some(format!("Part {number}")),
        thumbnail: None,
        duration: None,
    };
    numbers.map(item).collect()
}

/// A list of so many items, all of them waiting.
async fn list(world: &World, worker: &mut Worker, count: u32) -> Job {
    let sent = world.send("a").await;
    let started = worker.next().await;
    assert_eq!(started.id(), &sent.id);
    for first in (1..=count).step_by(50) {
        let batch = items(first..=count.min(first + 49));
        assert_eq!(started.lease.take_items(&batch, Some(count)).await.unwrap(), Taken::All);
    }
    started.ends(Outcome::Listed { cut_at: None });
    world.until_state(&sent, JobState::Collecting).await
}

async fn children(world: &World, list: &Job) -> Vec<Job> {
    let mut all = Vec::new();
    let mut query = RecentsQuery { limit: 100, ..RecentsQuery::default() };
    loop {
        let page = world.queue.items(&list.account, &list.id, query).await.unwrap();
        all.extend(page.items);
        let Some(next) = page.next else { return all };
        query.before = Some(next);
    }
}

async fn next_item(worker: &mut Worker, list: &Job) -> Started {
    let started = worker.next().await;
    assert_eq!(started.job().parent.as_ref(), Some(&list.id));
    started
}

#[tokio::test]
async fn items_are_jobs_and_the_list_ends_with_the_last() {
    let world = World::new(QueueConfig { user_running: 10, ..quick() }).await;
    let mut worker = world.worker(1);
    let list = list(&world, &mut worker, 3).await;
    let told = list.items.unwrap();
    assert_eq!((told.found, told.announced, told.listed, told.over()), (3, Some(3), true, 0));
    assert_eq!(list.attempts[0].end, AttemptEnd::Listed);
    let recents = world.queue.recents(&account("a"), RecentsQuery::default()).await.unwrap().items;
    assert_eq!(recents.len(), 1, "the items are found behind their list");
    for number in 1..=3 {
        let started = next_item(&mut worker, &list).await;
        assert_eq!(started.job().title.as_deref(), Some(&*format!("Part {number}")), "in the order of the list");
        assert_eq!(world.job(&list).await.state, JobState::Collecting);
        started.completes();
    }
    let done = world.until_state(&list, JobState::Completed).await;
    assert_eq!((done.items.unwrap().completed, done.receipt), (3, None));
    let all = children(&world, &list).await;
    assert_eq!(all.iter().map(|job| job.title.clone().unwrap()).collect::<Vec<_>>(), ["Part 1", "Part 2", "Part 3"]);
    assert!(world.queue.items(&account("b"), &list.id, RecentsQuery::default()).await.unwrap().items.is_empty());
}

#[tokio::test]
async fn a_list_that_is_read_twice_makes_no_item_twice() {
    let world = World::new(quick()).await;
    let sent = world.send("a").await;
    let mut dead = world.worker(1);
    let started = dead.next().await;
    let batch = items(1..=5);
    started.lease.take_items(&batch[..3], None).await.unwrap();
    started.ignores_everything();
    dead.vanish().await;
    let mut worker = world.worker(1);
    // Until the dead worker is noticed, its items go on.
    let mut over = 0;
    let again = loop {
        let started = worker.next().await;
        if started.id() == &sent.id {
            break started;
        }
        started.completes();
        over += 1;
    };
    assert_eq!(again.job().items.unwrap().found, 3);
    again.lease.take_items(&batch, None).await.unwrap();
    again.lease.take_items(&batch, None).await.unwrap();
    assert_eq!(world.job(&sent).await.items.unwrap().found, 5);
    again.ends(Outcome::Listed { cut_at: Some(5) });
    assert_eq!(world.until_state(&sent, JobState::Collecting).await.items.unwrap().cut_at, Some(5));
    for _ in over..5 {
        next_item(&mut worker, &sent).await.completes();
    }
    world.until_state(&sent, JobState::Completed).await;
}

#[tokio::test]
async fn what_did_not_arrive_is_told_and_sent_again() {
    let world = World::new(quick()).await;
    let mut worker = world.worker(1);
    let list = list(&world, &mut worker, 3).await;
    next_item(&mut worker, &list).await.completes();
    next_item(&mut worker, &list).await.ends(Failure::new(FailureKind::Removed, ""));
    let third = next_item(&mut worker, &list).await;
    let (done, third_id) = (children(&world, &list).await[0].clone(), third.id().clone());
    third.ends(Outcome::Duplicate(Box::new(done)));
    let failed = world.until_state(&list, JobState::Failed).await;
    let told = failed.items.unwrap();
    assert_eq!((told.completed, told.failed, told.duplicate), (1, 1, 1));
    let error = failed.error.unwrap();
    assert_eq!(error.kind, FailureKind::Incomplete);
    assert!(error.message.starts_with("1 of 3 items did not arrive."), "{}", error.message);

    world.queue.retry(&list.account, &list.id).await.unwrap();
    assert_eq!(world.job(&list).await.state, JobState::Collecting);
    // All that did not end as a file of its own; what was a duplicate is wanted now.
    for _ in 0..2 {
        let started = next_item(&mut worker, &list).await;
        assert_eq!(started.job().force, started.id() == &third_id);
        started.completes();
    }
    let done = world.until_state(&list, JobState::Completed).await;
    assert_eq!((done.items.unwrap().completed, done.error), (3, None));
    assert!(worker.is_idle_for(Duration::from_millis(50)).await);
}

#[tokio::test]
async fn one_item_sent_again_opens_its_list_again() {
    let world = World::new(quick()).await;
    let mut worker = world.worker(1);
    let list = list(&world, &mut worker, 2).await;
    let first = next_item(&mut worker, &list).await;
    let id = first.id().clone();
    first.ends(Failure::new(FailureKind::Removed, ""));
    next_item(&mut worker, &list).await.completes();
    world.until_state(&list, JobState::Failed).await;
    world.queue.retry(&list.account, &id).await.unwrap();
    assert_eq!(world.job(&list).await.state, JobState::Collecting);
    next_item(&mut worker, &list).await.completes();
    world.until_state(&list, JobState::Completed).await;
}

#[tokio::test]
async fn cancelling_a_list_stops_everything_of_it() {
    let world = World::new(quick()).await;
    let mut worker = world.worker(1);
    let list = list(&world, &mut worker, 300).await;
    next_item(&mut worker, &list).await.completes();
    let running = next_item(&mut worker, &list).await;
    world.queue.cancel(&list.account, &list.id).await.unwrap();
    running.lease.stop().cancelled().await;
    drop(running);
    let over = world.until_state(&list, JobState::Cancelled).await.items.unwrap();
    assert_eq!((over.completed, over.cancelled), (1, 299));
    assert_eq!(world.queue.depth().await.unwrap().queued, 0);
    assert!(worker.is_idle_for(Duration::from_millis(100)).await);

    // And once more, from where it was.
    world.queue.retry(&list.account, &list.id).await.unwrap();
    assert_eq!(world.queue.operator().overview().await.unwrap().depth.queued + 1, 299);
    assert_eq!(next_item(&mut worker, &list).await.job().attempt, 1);
}

#[tokio::test]
async fn a_list_that_is_cancelled_while_it_is_read_keeps_no_items() {
    let world = World::new(quick()).await;
    let sent = world.send("a").await;
    let mut worker = world.worker(1);
    let started = worker.next().await;
    started.lease.take_items(&items(1..=10), None).await.unwrap();
    world.queue.cancel(&sent.account, &sent.id).await.unwrap();
    assert!(started.lease.take_items(&items(11..=20), None).await.is_err());
    started.ends(Outcome::Cancelled);
    let over = world.until_state(&sent, JobState::Cancelled).await.items.unwrap();
    assert_eq!((over.found, over.cancelled), (10, 10));
    assert!(worker.is_idle_for(Duration::from_millis(50)).await);
}

#[tokio::test]
async fn a_list_is_put_aside_and_goes_on() {
    let world = World::new(quick()).await;
    let mut worker = world.worker(1);
    let list = list(&world, &mut worker, 4).await;
    let running = next_item(&mut worker, &list).await;
    world.queue.pause(&list.account, &list.id).await.unwrap();
    running.lease.stop().cancelled().await;
    drop(running);
    soon("all items are put aside", async {
        while children(&world, &list).await.iter().any(|job| job.state != JobState::Paused) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    assert_eq!(world.job(&list).await.state, JobState::Paused);
    assert!(worker.is_idle_for(Duration::from_millis(50)).await);
    world.queue.resume(&list.account, &list.id).await.unwrap();
    for _ in 0..4 {
        next_item(&mut worker, &list).await.completes();
    }
    world.until_state(&list, JobState::Completed).await;
}

#[tokio::test]
async fn an_empty_list_is_over_at_once() {
    let world = World::new(quick()).await;
    let sent = world.send("a").await;
    let mut worker = world.worker(1);
    worker.next().await.ends(Outcome::Listed { cut_at: None });
    world.until_state(&sent, JobState::Cancelled).await;
    assert!(world.queue.delete(&sent.account, &sent.id).await.unwrap(), "and it can be forgotten");
    assert!(world.queue.get(&sent.account, &sent.id).await.unwrap().is_none());
}

#[tokio::test]
async fn a_full_line_makes_a_list_wait() {
    let world = World::new(QueueConfig { user_queued: 3, ..quick() }).await;
    let sent = world.send("a").await;
    let mut worker = world.worker(1);
    let started = worker.next().await;
    assert_eq!(started.lease.take_items(&items(1..=3), None).await.unwrap(), Taken::All);
    assert_eq!(started.lease.take_items(&items(4..=6), None).await.unwrap(), Taken::Full);
    assert_eq!(world.job(&sent).await.items.unwrap().found, 3);
    drop(started);
}

#[tokio::test]
async fn a_forgotten_list_takes_its_items_along() {
    let world = World::new(QueueConfig { recents: 1, ..quick() }).await;
    let mut worker = world.worker(1);
    let list = list(&world, &mut worker, 120).await;
    for _ in 0..120 {
        next_item(&mut worker, &list).await.completes();
    }
    world.until_state(&list, JobState::Completed).await;
    assert!(world.queue.delete(&list.account, &list.id).await.unwrap());
    soon("nothing is left", async {
        while !world.redis.ask::<Vec<String>>(cmd("KEYS").arg("{test}:job:*")).await.unwrap().is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    let left: Vec<String> = world.redis.ask(cmd("KEYS").arg("{test}:*")).await.unwrap();
    assert!(!left.iter().any(|key| key.contains("children") || key.contains("marks")), "{left:?}");
}

#[tokio::test]
async fn many_long_lists_do_not_fill_the_memory() {
    let world = World::new(QueueConfig { recents: 60, ..quick() }).await;
    let mut worker = world.worker(1);
    let mut last = None;
    for _ in 0..30 {
        let list = list(&world, &mut worker, 4).await;
        for _ in 0..4 {
            next_item(&mut worker, &list).await.completes();
        }
        world.until_state(&list, JobState::Completed).await;
        last = Some(list);
    }
    // Thirty lists with their items are 150 records; twenty lists stay, though they are a hundred.
    soon("the oldest are forgotten", async {
        while world.redis.ask::<Vec<String>>(cmd("KEYS").arg("{test}:job:*")).await.unwrap().len() != 100 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    assert_eq!(world.redis.ask::<u32>(cmd("HGET").arg("{test}:items").arg("dbid:a")).await.unwrap(), 80);
    assert_eq!(children(&world, &last.unwrap()).await.len(), 4);
}

#[tokio::test]
async fn lists_within_lists_end_somewhere() {
    let world = World::new(quick()).await;
    let top = world.send("a").await;
    let mut worker = world.worker(1);
    let mut leases = Vec::new();
    for depth in 0..4 {
        let started = worker.next().await;
        let taken = started.lease.take_items(&items(1..=1), None).await;
        if depth == 3 {
            assert_eq!(taken.unwrap_err().kind, FailureKind::UnsupportedSite);
            started.ends(Failure::new(FailureKind::UnsupportedSite, ""));
        } else {
            assert_eq!(taken.unwrap(), Taken::All);
            leases.push(started.id().clone());
            started.ends(Outcome::Listed { cut_at: None });
        }
    }
    let failed = world.until_state(&top, JobState::Failed).await;
    assert_eq!(failed.items.unwrap().failed, 1, "the failure comes up to the top");
    world.queue.cancel(&top.account, &top.id).await.unwrap();
}

/// A world where nobody keeps house: what items have to follow stays to be done. With a worker that has taken its first look already.
async fn without_upkeep(slots: usize) -> (World, Worker) {
    let world = World::new(QueueConfig { poll: Duration::from_secs(3600), ..quick() }).await;
    let cascades = |command: &str| cmd(command).arg("{test}:cascades").to_owned();
    world.redis.ask::<()>(cascades("HSET").arg("nobody").arg("forget dbid:a 0")).await.unwrap();
    let worker = world.worker(slots);
    soon("the first look", async {
        while world.redis.ask::<u32>(&cascades("HLEN")).await.unwrap() > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    (world, worker)
}

/// A worker that takes no job and does what has to be done now and then.
async fn house(world: &World) -> Worker {
    let queue = World::connect(&world.redis, quick(), Duration::MAX).await;
    Worker::start(queue, WorkerConfig { concurrency: 0, ..WorkerConfig::default() })
}

#[tokio::test]
async fn what_is_done_to_items_of_a_list_that_is_being_forgotten_brings_nothing_back() {
    let (world, mut worker) = without_upkeep(1).await;
    let list = list(&world, &mut worker, 3).await;
    for _ in 0..3 {
        next_item(&mut worker, &list).await.ends(Failure::new(FailureKind::Removed, ""));
    }
    world.until_state(&list, JobState::Failed).await;
    let items = children(&world, &list).await;
    assert!(world.queue.delete(&list.account, &list.id).await.unwrap());
    assert!(world.queue.delete(&list.account, &items[0].id).await.unwrap());
    world.queue.retry(&list.account, &items[1].id).await.unwrap();
    worker.next().await.completes();
    world.until_state(&items[1], JobState::Completed).await;
    world.queue.retry(&list.account, &items[2].id).await.unwrap();
    let waits_no_more = worker.next().await;
    let stub: bool = world.redis.ask(cmd("EXISTS").arg(format!("{{test}}:job:{}", list.id))).await.unwrap();
    assert!(!stub, "nothing of the list comes back");

    // What was on its way again when its list went stands for itself.
    let _house = house(&world).await;
    let stands = world.until(&items[2], "without its list", |job| job.parent.is_none()).await;
    waits_no_more.completes();
    world.until_state(&stands, JobState::Completed).await;
    let recents = world.queue.recents(&account("a"), RecentsQuery::default()).await.unwrap().items;
    assert_eq!(recents.iter().map(|job| &job.id).collect::<Vec<_>>(), [&items[2].id]);
    let kept: u32 = world.redis.ask(cmd("HGET").arg("{test}:items").arg("dbid:a")).await.unwrap();
    assert_eq!(kept, 0, "no item is taken off twice");
}

#[tokio::test]
async fn an_item_sent_again_does_not_complete_a_list_that_was_never_read() {
    let world = World::new(quick()).await;
    let sent = world.send("a").await;
    let mut worker = world.worker(1);
    let reading = worker.next().await;
    reading.lease.take_items(&items(1..=1), None).await.unwrap();
    reading.ends(Failure::new(FailureKind::Removed, ""));
    let item = next_item(&mut worker, &sent).await;
    let id = item.id().clone();
    item.ends(Failure::new(FailureKind::Removed, ""));
    let failed = children(&world, &world.until_state(&sent, JobState::Failed).await).await.remove(0);
    world.until_state(&failed, JobState::Failed).await;
    world.queue.retry(&sent.account, &id).await.unwrap();
    next_item(&mut worker, &sent).await.completes();
    world.until_state(&failed, JobState::Completed).await;
    let list = world.job(&sent).await;
    assert_eq!((list.state, list.error.unwrap().kind), (JobState::Failed, FailureKind::Removed));
    assert_eq!(list.items.unwrap().completed, 1);
}

#[tokio::test]
async fn an_item_of_a_list_within_a_list_opens_both_again() {
    let world = World::new(quick()).await;
    let mut worker = world.worker(1);
    let top = list(&world, &mut worker, 1).await;
    let inner = next_item(&mut worker, &top).await;
    let inner_job = inner.job().clone();
    inner.lease.take_items(&items(1..=1), None).await.unwrap();
    inner.ends(Outcome::Listed { cut_at: None });
    let item = next_item(&mut worker, &inner_job).await;
    let id = item.id().clone();
    item.ends(Failure::new(FailureKind::Removed, ""));
    world.until_state(&top, JobState::Failed).await;
    world.queue.retry(&top.account, &id).await.unwrap();
    assert_eq!(world.job(&top).await.state, JobState::Collecting);
    assert_eq!(world.job(&top).await.items.unwrap().over(), 0);
    next_item(&mut worker, &inner_job).await.completes();
    world.until_state(&inner_job, JobState::Completed).await;
    world.until_state(&top, JobState::Completed).await;
}

#[tokio::test]
async fn what_a_list_had_found_before_it_failed_is_cancelled_with_it() {
    let world = World::new(quick()).await;
    let sent = world.send("a").await;
    let mut worker = world.worker(1);
    let reading = worker.next().await;
    reading.lease.take_items(&items(1..=60), None).await.unwrap();
    reading.ends(Failure::new(FailureKind::Removed, ""));
    let running = next_item(&mut worker, &sent).await;
    world.queue.cancel(&sent.account, &sent.id).await.unwrap();
    soon("its item is told", running.lease.stop().cancelled()).await;
    drop(running);
    let over = world.until(&sent, "all items over", |list| list.items.unwrap().over() == 60).await;
    assert_eq!((over.state, over.items.unwrap().cancelled), (JobState::Failed, 60));
    assert!(world.queue.delete(&sent.account, &sent.id).await.unwrap());
}

#[tokio::test]
async fn a_list_whose_own_list_is_cancelled_leaves_no_items_behind() {
    let (world, mut worker) = without_upkeep(1).await;
    let top = list(&world, &mut worker, 1).await;
    let inner = next_item(&mut worker, &top).await;
    let inner_job = inner.job().clone();
    inner.lease.take_items(&items(1..=2), None).await.unwrap();
    world.queue.operator().pause(None).await.unwrap();
    inner.ends(Outcome::HandBack);
    world.until_state(&inner_job, JobState::Queued).await;
    // The moment between the word to the list and its coming round to the items.
    let key = format!("{{test}}:job:{}", top.id);
    world.redis.ask::<()>(cmd("HSET").arg(&key).arg("cancel").arg("1")).await.unwrap();
    world.queue.operator().resume(None).await.unwrap();
    let told = world.until(&inner_job, "follows", |job| job.state != JobState::Queued).await;
    assert_eq!((told.state, told.cancel_requested), (JobState::Collecting, true), "it waits for its items");
    let _house = house(&world).await;
    world.until_state(&inner_job, JobState::Cancelled).await;
    world.until_state(&top, JobState::Cancelled).await;
    assert!(children(&world, &inner_job).await.iter().all(|job| job.state == JobState::Cancelled));
}

#[tokio::test]
async fn an_item_that_was_deleted_does_not_come_back_while_its_own_items_still_go() {
    let (world, mut worker) = without_upkeep(2).await;
    let sent = world.send("a").await;
    let reading = worker.next().await;
    let batch = items(1..=1);
    reading.lease.take_items(&batch, None).await.unwrap();
    let inner = next_item(&mut worker, &sent).await;
    let inner_job = inner.job().clone();
    inner.lease.take_items(&items(1..=1), None).await.unwrap();
    inner.ends(Outcome::Listed { cut_at: None });
    next_item(&mut worker, &inner_job).await.completes();
    world.until_state(&inner_job, JobState::Completed).await;
    assert!(world.queue.delete(&sent.account, &inner_job.id).await.unwrap());
    reading.lease.take_items(&batch, None).await.unwrap();
    assert_eq!(world.job(&sent).await.items.unwrap().found, 0);
    reading.ends(Outcome::Listed { cut_at: None });
    world.until_state(&sent, JobState::Cancelled).await;
}
