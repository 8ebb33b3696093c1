//! Files that a device takes.

use std::time::Duration;

use sluice_domain::{Failure, FailureKind, Job, JobState, Length, Origin, Preset, Route};
use sluice_queue::{Begun, Described, Ended, Part, QueueConfig, QueueError, RecentsQuery, Save, Word};

use crate::world::{World, account, quick, request};

const TOTAL: u64 = 1000;

fn lingering() -> QueueConfig {
    QueueConfig { streams: 3, stream_lingers: Duration::from_millis(100), ..quick() }
}

fn save(link: &str) -> Save {
    Save {
        url: link.parse().unwrap(),
        item: None,
        preset: Preset::Best,
        origin: Origin::Page,
        described: Described { title: Some("Film".into()), ..Described::default() },
        route: Route::Direct,
        length: Length::Exact(TOTAL),
        known_by: link.to_owned(),
    }
}

async fn begun(world: &World, save: &Save, from_start: bool) -> Begun {
    world.queue.save(&account("a"), save, from_start).await.unwrap()
}

async fn part(world: &World, save: &Save, from_start: bool) -> Part {
    let Begun::Part(part) = begun(world, save, from_start).await else { panic!("no part") };
    part
}

async fn job(world: &World, part: &Part) -> Job {
    world.queue.get(&account("a"), part.job()).await.unwrap().unwrap()
}

#[tokio::test]
async fn it_is_on_record_and_complete_when_every_byte_was_given_in_whatever_parts() {
    let world = World::new(lingering()).await;
    let file = save("https://a.example/film");
    let first = part(&world, &file, true).await;
    let second = part(&world, &file, false).await;
    assert_eq!(first.job(), second.job());
    assert_eq!(first.beat(&(0..400)).await.unwrap(), Word::GoOn);
    let told = job(&world, &first).await;
    assert!(told.is_for_device() && told.state == JobState::Running && told.title.as_deref() == Some("Film"));
    assert_eq!((told.progress.bytes_out, told.progress.length), (400, Length::Exact(TOTAL)));
    let recents = world.queue.recents(&account("a"), RecentsQuery::default()).await.unwrap();
    assert_eq!(recents.items, [told]);
    second.close(&(300..TOTAL), Ended::Given { whole: false }).await.unwrap();
    let told = job(&world, &first).await;
    assert_eq!((told.state, told.progress.bytes_out), (JobState::Running, TOTAL), "{told:?}");
    first.clone().close(&(0..500), Ended::Left).await.unwrap();
    let told = job(&world, &first).await;
    assert_eq!((told.state, told.progress.bytes_out), (JobState::Completed, TOTAL), "{told:?}");
    assert_eq!(job(&world, &part(&world, &file, false).await).await.state, JobState::Completed, "nothing undoes it");
    // From its start it is another file.
    assert_ne!(part(&world, &file, true).await.job(), &recents.items[0].id);
}

#[tokio::test]
async fn a_device_that_leaves_may_go_on_and_else_it_has_stopped() {
    let world = World::new(lingering()).await;
    let file = save("https://a.example/film");
    let first = part(&world, &file, true).await;
    let id = first.job().clone();
    let leaving = tokio::spawn({
        let first = first.clone();
        async move { first.close(&(0..100), Ended::Left).await }
    });
    let second = part(&world, &file, false).await;
    assert_eq!((second.job(), job(&world, &second).await.state), (&id, JobState::Running));
    leaving.await.unwrap().unwrap();
    assert_eq!(job(&world, &second).await.state, JobState::Running);
    second.clone().close(&(100..200), Ended::Left).await.unwrap();
    let told = job(&world, &second).await;
    assert_eq!((told.state, told.progress.bytes_out, told.error), (JobState::Cancelled, 200, None));
    // Long after, it goes on all the same.
    let third = part(&world, &file, false).await;
    assert_eq!((third.job(), job(&world, &third).await.state), (&id, JobState::Running));
    let torn = Failure::new(FailureKind::Network, "reset");
    third.clone().close(&(200..300), Ended::Torn(&torn)).await.unwrap();
    let told = job(&world, &third).await;
    assert_eq!((told.state, told.error.unwrap().kind), (JobState::Failed, FailureKind::Network));
    let again = world.queue.retry(&account("a"), &id).await;
    assert!(matches!(again, Err(QueueError::NotRetryable)), "only the device can: {again:?}");
}

#[tokio::test]
async fn its_person_cancels_it_and_what_goes_on_by_itself_does_not_undo_that() {
    let world = World::new(lingering()).await;
    let file = save("https://a.example/film");
    let first = part(&world, &file, true).await;
    world.queue.pause(&account("a"), first.job()).await.unwrap();
    assert_eq!(first.beat(&(0..1)).await.unwrap(), Word::GoOn, "there is no pause for a device");
    assert_eq!(job(&world, &first).await.state, JobState::Running);
    world.queue.cancel(&account("b"), first.job()).await.unwrap();
    assert_eq!(first.beat(&(0..1)).await.unwrap(), Word::GoOn, "somebody else's word");
    world.queue.cancel(&account("a"), first.job()).await.unwrap();
    assert_eq!(first.beat(&(0..2)).await.unwrap(), Word::Cancel);
    first.clone().close(&(0..2), Ended::Left).await.unwrap();
    assert_eq!(job(&world, &first).await.state, JobState::Cancelled);
    assert!(matches!(begun(&world, &file, false).await, Begun::Barred));
    assert_eq!(first.beat(&(0..3)).await.unwrap(), Word::Cancel);
    assert_ne!(part(&world, &file, true).await.job(), first.job());
}

#[tokio::test]
async fn a_person_has_so_many_connections_and_each_file_takes_a_place_among_their_jobs() {
    let world = World::new(QueueConfig { user_running: 2, ..lingering() }).await;
    let films: Vec<Save> = (0..4).map(|number| save(&format!("https://a.example/{number}"))).collect();
    let mut parts = Vec::new();
    for film in &films[..3] {
        parts.push(part(&world, film, true).await);
    }
    assert!(matches!(begun(&world, &films[3], true).await, Begun::Full { limit: 3 }));
    let queued = request("https://a.example/queued");
    let queued = world.queue.enqueue(&account("a"), queued, jiff::Timestamp::now()).await.unwrap().job();
    let mut worker = world.worker(1);
    let other = request("https://b.example/1");
    let other = world.queue.enqueue(&account("b"), other, jiff::Timestamp::now()).await.unwrap().job();
    let at_work = worker.next().await;
    assert_eq!(at_work.id(), &other.id, "who takes files to a device has had their share");
    at_work.completes();
    assert_eq!(world.queue.get(&account("a"), &queued.id).await.unwrap().unwrap().state, JobState::Queued);
    let [one, two, _] = &parts[..] else { panic!("three") };
    for part in [one, two] {
        part.clone().close(&(0..TOTAL), Ended::Given { whole: true }).await.unwrap();
    }
    assert_eq!(worker.next().await.id(), &queued.id);
    part(&world, &films[3], true).await;
}

#[tokio::test]
async fn what_nobody_speaks_for_lapses_and_is_running_again_at_the_next_word() {
    let config = QueueConfig { stream_lapses: Duration::from_millis(50), ..lingering() };
    let world = World::new(config).await;
    let first = part(&world, &save("https://a.example/film"), true).await;
    tokio::time::sleep(Duration::from_millis(60)).await;
    world.queue.lapse().await.unwrap();
    assert_eq!(job(&world, &first).await.state, JobState::Cancelled);
    assert_eq!(first.beat(&(0..10)).await.unwrap(), Word::GoOn);
    assert_eq!(job(&world, &first).await.state, JobState::Running);
}
