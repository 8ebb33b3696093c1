//! The life of a job, and who may see it.

use std::time::Duration;

use jiff::Timestamp;
use sluice_domain::{JobRequest, JobState, Length, Origin, Phase, Progress, Route, UploadIntent};
use sluice_queue::{Described, Enqueued, QueueConfig, QueueError, RecentsQuery};

use crate::world::{World, account, quick, receipt, request};

#[tokio::test]
async fn a_job_goes_in_is_worked_on_and_ends() {
    let world = World::new(quick()).await;
    let sent = world.send("a").await;
    assert_eq!((sent.state, sent.attempt), (JobState::Queued, 0));
    assert_eq!(world.queue.depth().await.unwrap().queued, 1);

    let mut worker = world.worker(1);
    let started = worker.next().await;
    assert_eq!(started.id(), &sent.id);
    let running = world.job(&sent).await;
    assert_eq!((running.state, running.attempt, running.phase), (JobState::Running, 1, Some(Phase::Extracting)));
    assert!(running.started_at.is_some());
    let depth = world.queue.depth().await.unwrap();
    assert_eq!((depth.queued, depth.running, depth.workers), (0, 1, 1));

    started.completes();
    let done = world.until_state(&sent, JobState::Completed).await;
    assert_eq!((done.receipt, done.phase, done.error), (Some(receipt()), None, None));
    assert!(done.finished_at >= done.started_at);
    assert_eq!(world.queue.depth().await.unwrap().running, 0);
}

#[tokio::test]
async fn a_password_in_a_link_is_sealed() {
    let world = World::new(quick()).await;
    for (link, sealed) in [("https://u:hush@a.example/v", true), ("https://a.example/u:hush@v", false)] {
        let job = world.queue.enqueue(&account("a"), request(link), Timestamp::now()).await.unwrap().job();
        assert_eq!(world.job(&job).await.url.as_str(), link);
        let key = format!("{{test}}:job:{}", job.id);
        let kept: String = world.redis.ask(redis::cmd("HGET").arg(key).arg("url")).await.unwrap();
        assert_eq!(kept.contains("hush"), !sealed, "{kept}");
    }
    let mut worker = world.worker(1);
    assert_eq!(worker.next().await.job().url.as_str(), "https://u:hush@a.example/v");
}

#[tokio::test]
async fn what_a_worker_writes_is_on_record() {
    let world = World::new(quick()).await;
    let sent = world.send("a").await;
    let mut worker = world.worker(1);
    let started = worker.next().await;
    let lease = &started.lease;
    let described = Described { title: Some("A talk".into()), thumbnail: None, duration: Some(61.5) };
    lease.describe(&described).await.unwrap();
    lease.planned(Route::Spool, Length::Estimate(1000)).await.unwrap();
    lease.phase(Phase::Transferring).await.unwrap();
    let intent = UploadIntent { path: "/a.mp4".into(), size: 7, content_hash: "ab".repeat(32) };
    lease.intent(&intent).await.unwrap();
    lease.still_mine().await.unwrap();
    let job = world.job(&sent).await;
    assert_eq!((job.title.as_deref(), job.duration, job.route), (Some("A talk"), Some(61.5), Some(Route::Spool)));
    assert_eq!((job.phase, job.intent), (Some(Phase::Transferring), Some(intent)));
    assert_eq!(job.progress.length, Length::Estimate(1000));

    for bytes_in in 1..=1000 {
        lease.progress(Progress { bytes_in, bytes_out: 0, length: Length::Exact(1000), rate: Some(5) });
    }
    let job = world.until(&sent, "the last progress", |job| job.progress.bytes_in == 1000).await;
    assert_eq!(job.progress.rate, Some(5));
    started.completes();
}

#[tokio::test]
async fn a_sites_words_are_bounded() {
    let world = World::new(quick()).await;
    let sent = world.send("a").await;
    let mut worker = world.worker(1);
    let started = worker.next().await;
    let described = Described {
        title: Some(format!("\x1b[2J\n{}", "ü".repeat(100_000))),
        thumbnail: Some("javascript:alert(1)".into()),
        duration: None,
    };
    started.lease.describe(&described).await.unwrap();
    let job = world.job(&sent).await;
    let title = job.title.unwrap();
    assert!(title.starts_with(" [2J ü"), "{title:?}");
    assert_eq!((title.chars().count(), job.thumbnail), (500, None));
    started.completes();
}

#[tokio::test]
async fn one_idempotency_key_is_one_job() {
    let world = World::new(quick()).await;
    let send = async |name: &str, key: &str| {
        let link = format!("https://site.example/{key}");
        let request = JobRequest::parse(&link, None, None, Some(key), Origin::Api).unwrap();
        world.queue.enqueue(&account(name), request, Timestamp::now()).await.unwrap()
    };
    let Enqueued::New(first) = send("a", "k").await else { panic!("the first is new") };
    assert_eq!(send("a", "k").await, Enqueued::Existed(first.clone()));
    assert_ne!(send("a", "other").await.job().id, first.id);
    assert_ne!(send("b", "k").await.job().id, first.id);
    assert_eq!(world.queue.depth().await.unwrap().queued, 3);
}

#[tokio::test]
async fn two_accounts_do_not_see_each_other() {
    let world = World::new(quick()).await;
    let (mine, stranger) = (world.send("a").await, account("b"));
    assert_eq!(world.queue.get(&stranger, &mine.id).await.unwrap(), None);
    assert_eq!(world.queue.cancel(&stranger, &mine.id).await.unwrap(), None);
    assert_eq!(world.queue.retry(&stranger, &mine.id).await.unwrap(), None);
    assert!(!world.queue.delete(&stranger, &mine.id).await.unwrap());
    assert_eq!(world.queue.waiting(&stranger, &mine.id).await.unwrap(), None);
    let theirs = world.queue.recents(&stranger, RecentsQuery { limit: 10, ..RecentsQuery::default() }).await.unwrap();
    assert!(theirs.items.is_empty());
    assert_eq!(world.job(&mine).await.state, JobState::Queued);
}

#[tokio::test]
async fn recents_are_newest_first_in_pages() {
    let world = World::new(quick()).await;
    let mut sent = Vec::new();
    for _ in 0..7 {
        sent.push(world.send("a").await.id);
    }
    sent.reverse();
    let mut listed = Vec::new();
    let mut query = RecentsQuery { limit: 3, ..RecentsQuery::default() };
    loop {
        let page = world.queue.recents(&account("a"), query).await.unwrap();
        assert!(page.items.len() <= 3);
        listed.extend(page.items.into_iter().map(|job| job.id));
        let Some(next) = page.next else { break };
        query.before = Some(next.to_string().parse().unwrap());
    }
    assert_eq!(listed, sent);

    world.queue.cancel(&account("a"), &sent[4]).await.unwrap();
    let query = RecentsQuery { state: Some(JobState::Cancelled), before: None, limit: 3 };
    let page = world.queue.recents(&account("a"), query).await.unwrap();
    assert_eq!(page.items.iter().map(|job| &job.id).collect::<Vec<_>>(), [&sent[4]]);
}

#[tokio::test]
async fn a_person_retries_and_deletes() {
    let world = World::new(quick()).await;
    let (a, sent) = (account("a"), world.send("a").await);
    assert!(matches!(world.queue.delete(&a, &sent.id).await, Err(QueueError::NotFinal)));
    world.queue.cancel(&a, &sent.id).await.unwrap();
    let again = world.queue.retry(&a, &sent.id).await.unwrap().unwrap();
    assert_eq!((again.state, again.attempt, again.finished_at), (JobState::Queued, 0, None));
    let again = world.queue.retry(&a, &sent.id).await.unwrap().unwrap();
    assert_eq!(again.state, JobState::Queued, "a second press does nothing");

    let mut worker = world.worker(1);
    worker.next().await.completes();
    world.until_state(&sent, JobState::Completed).await;
    assert!(matches!(world.queue.retry(&a, &sent.id).await, Err(QueueError::NotRetryable)));
    assert!(worker.is_idle_for(Duration::from_millis(100)).await, "it was queued once");
    assert!(world.queue.delete(&a, &sent.id).await.unwrap());
    assert!(!world.queue.delete(&a, &sent.id).await.unwrap());
    assert_eq!(world.queue.get(&a, &sent.id).await.unwrap(), None);
}

#[tokio::test]
async fn the_backlog_is_bounded() {
    let world = World::new(QueueConfig { user_queued: 2, ..quick() }).await;
    let first = world.send("a").await;
    world.send("a").await;
    assert!(matches!(world.enqueue("a").await, Err(QueueError::Full { limit: 2 })));
    assert!(world.enqueue("b").await.is_ok());
    world.queue.cancel(&first.account, &first.id).await.unwrap();
    assert!(world.enqueue("a").await.is_ok());
    assert!(matches!(world.queue.retry(&first.account, &first.id).await, Err(QueueError::Full { limit: 2 })));
}

#[tokio::test]
async fn the_position_is_told() {
    let world = World::new(quick()).await;
    world.send("b").await;
    let (first, second) = (world.send("a").await, world.send("a").await);
    let position = async |id| world.queue.waiting(&account("a"), id).await.unwrap().map(|waiting| waiting.ahead);
    assert_eq!((position(&first.id).await, position(&second.id).await), (Some(0), Some(1)));
    world.queue.cancel(&account("a"), &first.id).await.unwrap();
    assert_eq!((position(&first.id).await, position(&second.id).await), (None, Some(0)));
}

#[tokio::test]
async fn a_link_survives_as_it_was_pasted() {
    let world = World::new(quick()).await;
    let url = "https://site.example/%F0%9F%8E%AC?q=a%20b&x=%22%27;:{}[]#t=1";
    let sent = world.queue.enqueue(&account("a"), request(url), Timestamp::now()).await.unwrap().job();
    assert_eq!(world.job(&sent).await, sent);
    assert_eq!(sent.url, url.parse().unwrap());
}
