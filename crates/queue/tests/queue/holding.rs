//! Jobs that their sender works on at once.

use std::time::Duration;

use jiff::Timestamp;
use redis::cmd;
use sluice_domain::{AttemptEnd, JobId, JobRequest, JobState, Length, Origin, Preset, Route};
use sluice_queue::{Begun, Described, HeldJob, Holder, Outcome, QueueConfig, Save, Sent, StopReason};
use tokio::sync::oneshot;

use crate::world::{World, account, another_link, quick, receipt, request, soon};

fn nothing_beside() -> JobId {
    JobId::from_random([7; 16])
}

fn holder(world: &World) -> Holder {
    Holder::new(world.queue.clone(), "web".into(), Duration::from_millis(100))
}

async fn begin(holder: &Holder, request: &JobRequest, beside: &JobId) -> Sent {
    holder.begin(&account("a"), request, beside, Timestamp::now()).await.unwrap()
}

async fn held(holder: &Holder) -> HeldJob {
    let Sent::Held(job) = begin(holder, &request(&another_link()), &nothing_beside()).await else { panic!("not held") };
    job
}

async fn workers_on_the_list(world: &World) -> Vec<String> {
    world.redis.ask(cmd("HKEYS").arg("{test}:workers")).await.unwrap()
}

#[tokio::test]
async fn it_never_waits_and_its_holder_is_on_the_list_as_long_as_it_has_it() {
    let world = World::new(quick()).await;
    let mut worker = world.worker(1);
    let holder = holder(&world);
    let held = held(&holder).await;
    let job = held.lease().job().clone();
    assert_eq!((job.state, job.attempt), (JobState::Running, 1));
    assert_eq!(world.queue.depth().await.unwrap().queued, 0);
    assert_eq!(workers_on_the_list(&world).await.len(), 2);
    // Whoever waits for a worker is told of those that take jobs.
    assert_eq!(world.queue.depth().await.unwrap().workers, 1);
    assert!(worker.is_idle_for(Duration::from_millis(900)).await, "somebody else begins it");
    held.lease().still_mine().await.unwrap();

    let (done, wait) = oneshot::channel::<()>();
    held.work(async move {
        let _ = wait.await;
        Outcome::Completed(receipt())
    });
    assert!(worker.is_idle_for(Duration::from_millis(100)).await);
    let _ = done.send(());
    let landed = world.until_state(&job, JobState::Completed).await;
    assert_eq!(landed.receipt, Some(receipt()));
    soon("it takes leave", async {
        while workers_on_the_list(&world).await.len() > 1 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
    // And comes again.
    let again = held_again(&holder, &world).await;
    holder.close().await;
    assert_eq!(world.job(&again).await.state, JobState::Queued);
    assert_eq!(worker.next().await.id(), &again.id);
}

/// Another job, whose work heeds the word to stop.
async fn held_again(holder: &Holder, world: &World) -> sluice_domain::Job {
    let held = held(holder).await;
    let (job, lease) = (held.lease().job().clone(), held.lease().clone());
    held.work(async move {
        lease.stop().cancelled().await;
        Outcome::HandBack
    });
    // No worker has a slot for it before the holder closes.
    world.queue.operator().pause(None).await.unwrap();
    assert_eq!(world.job(&job).await.state, JobState::Running);
    let queue = world.queue.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(600)).await;
        queue.operator().resume(None).await.unwrap();
    });
    job
}

#[tokio::test]
async fn what_is_handed_back_costs_no_attempt_and_is_gone_on_with() {
    let world = World::new(quick()).await;
    let holder = holder(&world);
    let worked = held(&holder).await;
    let job = worked.lease().job().clone();
    worked.work(async { Outcome::HandBack });
    let mut worker = world.worker(1);
    let again = worker.next().await;
    assert_eq!((again.id(), again.job().attempt), (&job.id, 1));
    again.completes();
    // Nobody works on it: the next heartbeat gives it back.
    let dropped = held(&holder).await;
    let job = dropped.lease().job().clone();
    drop(dropped);
    let again = worker.next().await;
    assert_eq!((again.id(), again.job().attempt), (&job.id, 1));
    again.completes();
    world.until_state(&job, JobState::Completed).await;
}

#[tokio::test]
async fn when_its_holder_dies_a_worker_has_it_as_after_any_worker() {
    let world = World::new(quick()).await;
    let config = world.config.clone();
    let queue = World::connect(&world.redis, config, Duration::MAX).await;
    // A process of its own, as far as heartbeats go: all of it ends with its runtime.
    let (tell, told) = oneshot::channel();
    let process = std::thread::spawn(move || {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let lease = runtime.block_on(async {
            let holder = Holder::new(queue, "web".into(), Duration::ZERO);
            let held = held(&holder).await;
            let lease = held.lease().clone();
            held.work(std::future::pending());
            lease
        });
        tell.send(lease).unwrap();
        runtime.shutdown_background();
    });
    let dead = told.await.unwrap();
    process.join().unwrap();
    let mut worker = world.worker(1);
    let again = worker.next().await;
    assert_eq!((again.id(), again.job().attempt), (&dead.job().id, 2));
    assert_eq!(again.job().attempts.last().unwrap().end, AttemptEnd::Lost);
    assert!(again.lease.fence() > dead.fence());
    again.completes();
    world.until_state(dead.job(), JobState::Completed).await;
}

#[tokio::test]
async fn its_person_cancels_and_pauses_it_like_any_job() {
    let world = World::new(quick()).await;
    let holder = holder(&world);
    for pause in [false, true] {
        let held = held(&holder).await;
        let (job, lease) = (held.lease().job().clone(), held.lease().clone());
        let (tell, told) = oneshot::channel();
        held.work(async move {
            let _ = tell.send(lease.stop().cancelled().await);
            Outcome::Cancelled
        });
        let asked = if pause {
            world.queue.pause(&job.account, &job.id).await
        } else {
            world.queue.cancel(&job.account, &job.id).await
        };
        asked.unwrap();
        assert_eq!(soon("it is told", told).await.unwrap(), StopReason::Cancelled);
        world.until_state(&job, if pause { JobState::Paused } else { JobState::Cancelled }).await;
    }
}

#[tokio::test]
async fn it_keeps_to_its_accounts_share_and_to_what_the_operator_says() {
    let world = World::new(QueueConfig { user_running: 1, ..quick() }).await;
    let holder = holder(&world);
    let link = another_link();
    let save = Save {
        url: link.parse().unwrap(),
        item: None,
        preset: Preset::Best,
        origin: Origin::Page,
        described: Described::default(),
        route: Route::Direct,
        length: Length::Exact(10),
        known_by: "film".into(),
    };
    let Begun::Part(part) = world.queue.save(&account("a"), &save, true).await.unwrap() else { panic!("no part") };
    // The file of the device has the account's only place, but is of the same bytes.
    let Sent::Held(one) = begin(&holder, &request(&link), part.job()).await else { panic!("it waits") };
    assert!(matches!(begin(&holder, &request(&another_link()), part.job()).await, Sent::Waits(_)));
    assert!(
        matches!(begin(&holder, &request(&link), part.job()).await, Sent::Duplicate(same) if same.id == one.lease().job().id)
    );
    let ben = account("b");
    world.queue.operator().pause(Some(&ben)).await.unwrap();
    let sent = holder.begin(&ben, &request(&another_link()), &nothing_beside(), Timestamp::now()).await.unwrap();
    assert!(matches!(sent, Sent::Waits(_)), "{sent:?}");
    // Under the same word it is the same job, in whatever hands.
    let worded = |link: &str| JobRequest::parse(link, None, None, Some("word"), Origin::Api).unwrap();
    let other = account("c");
    let first = holder.begin(&other, &worded(&another_link()), &nothing_beside(), Timestamp::now()).await.unwrap();
    let Sent::Held(first) = first else { panic!("{first:?}") };
    let again = holder.begin(&other, &worded(&another_link()), &nothing_beside(), Timestamp::now()).await.unwrap();
    assert!(matches!(&again, Sent::Existed(job) if job.id == first.lease().job().id), "{again:?}");
}
