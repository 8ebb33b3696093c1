//! The same file, asked for twice.

use jiff::Timestamp;
use sluice_domain::{Failure, FailureKind, Job, JobState};
use sluice_queue::{Enqueued, Held, Outcome};

use crate::world::{World, account, another_link, quick, request};

async fn send(world: &World, name: &str, link: &str, force: bool) -> Enqueued {
    world.queue.enqueue(&account(name), request(link).forced(force), Timestamp::now()).await.unwrap()
}

fn duplicate(of: Enqueued) -> Job {
    let Enqueued::Duplicate(job) = of else { panic!("no duplicate: {of:?}") };
    job
}

#[tokio::test]
async fn a_link_that_is_there_or_on_its_way_is_not_queued_again() {
    let world = World::new(quick()).await;
    let link = another_link();
    let first = send(&world, "a", &link, false).await.job();
    assert_eq!(duplicate(send(&world, "a", &link, false).await).id, first.id);
    assert!(matches!(send(&world, "b", &link, false).await, Enqueued::New(_)), "another person's link");
    let other_folder =
        sluice_domain::JobRequest::parse(&link, None, Some("/x"), None, sluice_domain::Origin::Api).unwrap();
    let elsewhere = world.queue.enqueue(&account("a"), other_folder, Timestamp::now()).await.unwrap();
    assert!(matches!(elsewhere, Enqueued::New(_)), "another place");

    let mut worker = world.worker(3);
    for _ in 0..3 {
        worker.next().await.completes();
    }
    world.until_state(&first, JobState::Completed).await;
    assert_eq!(duplicate(send(&world, "a", &link, false).await).id, first.id);
    let again = send(&world, "a", &link, true).await.job();
    assert!(again.force && again.id != first.id);
    assert_eq!(worker.next().await.id(), &again.id);
}

#[tokio::test]
async fn what_failed_stands_in_nobodys_way() {
    let world = World::new(quick()).await;
    let link = another_link();
    let first = send(&world, "a", &link, false).await.job();
    world.queue.cancel(&first.account, &first.id).await.unwrap();
    assert!(matches!(send(&world, "a", &link, false).await, Enqueued::New(_)));
    world.queue.delete(&first.account, &first.id).await.unwrap();
    assert!(matches!(send(&world, "a", &link, false).await, Enqueued::Duplicate(_)), "the newer one holds the mark");
}

#[tokio::test]
async fn two_links_to_one_film_bring_it_once() {
    let world = World::new(quick()).await;
    let (one, two) = (world.send("a").await, world.send("a").await);
    let mut worker = world.worker(2);
    let (first, second) = (worker.next().await, worker.next().await);
    // Two slots hand their jobs over in either order.
    let (one, two) = if first.id() == &one.id { (one, two) } else { (two, one) };
    assert_eq!(first.lease.hold("Site:film", None).await.unwrap(), Held::Mine);
    assert_eq!(first.lease.hold("Site:film", None).await.unwrap(), Held::Mine, "asking twice changes nothing");
    let Held::Other(other) = second.lease.hold("Site:film", None).await.unwrap() else { panic!("it is held") };
    assert_eq!(other.id, one.id);
    first.completes();
    let done = world.until_state(&one, JobState::Completed).await;
    second.ends(Outcome::Duplicate(Box::new(done)));
    let refused = world.until_state(&two, JobState::Refused).await;
    let error = refused.error.unwrap();
    assert_eq!((error.kind, error.message.as_str()), (FailureKind::Duplicate, "You already have this: /clip.mp4."));
    assert_eq!(refused.duplicate_of, Some(one.id.clone()));

    // Sent again, it is wanted twice.
    world.queue.retry(&two.account, &two.id).await.unwrap();
    let again = worker.next().await;
    assert!(again.job().force && again.job().duplicate_of.is_none());
    assert_eq!(again.lease.hold("Site:film", None).await.unwrap(), Held::Mine);
    again.completes();
    world.until_state(&two, JobState::Completed).await;
}

#[tokio::test]
async fn a_file_that_is_gone_is_brought_again() {
    let world = World::new(quick()).await;
    let (one, two, three) = (world.send("a").await, world.send("a").await, world.send("a").await);
    let mut worker = world.worker(1);
    let first = worker.next().await;
    first.lease.hold("Site:film", None).await.unwrap();
    first.completes();
    world.until_state(&one, JobState::Completed).await;
    let second = worker.next().await;
    assert!(matches!(second.lease.hold("Site:film", None).await.unwrap(), Held::Other(_)));
    assert_eq!(second.lease.hold("Site:film", Some(&one.id)).await.unwrap(), Held::Mine);
    // What failed holds nothing.
    second.ends(Failure::new(FailureKind::Removed, ""));
    world.until_state(&two, JobState::Failed).await;
    let third = worker.next().await;
    assert_eq!(third.id(), &three.id);
    assert_eq!(third.lease.hold("Site:film", None).await.unwrap(), Held::Mine);
    third.completes();
}
