//! Attempts that die, and the attempts after them: the same session, few bytes twice, one right file.

use std::sync::atomic::Ordering;

use serde_json::json;
use sluice_domain::FailureKind;

use crate::{
    memory::{Memory, Notes},
    world::{APPEND, FINISH, SIZE, START, Way, World},
};

const CHUNK: usize = 4 << 20;

/// So many bytes of appends were read by Dropbox, at least all and at most these more.
async fn sent_again_at_most(world: &World, most: usize) {
    let sent = usize::try_from(world.bytes(APPEND).await).unwrap();
    assert!((SIZE..=SIZE + most).contains(&sent), "{} bytes too many", sent.abs_diff(SIZE));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_upload_is_gone_on_with() {
    for (way, kept) in [(Way::Tls, "discard"), (Way::Plain, "keep")] {
        for stop in [1000, CHUNK - 1, CHUNK, CHUNK + 1, 6_000_000, 2 * CHUNK, 2 * CHUNK + 77_777, SIZE - 1] {
            let world = World::new(way).await;
            world.switch("partial_append", kept).await;
            let dies = Memory { stops_at: Some(stop as u64), ..Memory::known(SIZE) };
            world.upload_until_it_stops(&dies, None).await;
            let checkpoint = world.journal.last();
            assert_eq!(checkpoint.is_some(), stop >= CHUNK, "{stop}");
            let source = Memory::known(SIZE);
            let receipt = world.resume(&source, checkpoint.clone()).await;
            world.landed(receipt, "/Videos/clip.mp4", &source);
            sent_again_at_most(&world, CHUNK).await;
            let sessions = world.statuses(START).await.len();
            assert_eq!(sessions, if checkpoint.is_some() { 1 } else { 2 }, "{stop}");
            // What was hashed before is not even read again.
            let read = usize::try_from(source.given.load(Ordering::Relaxed)).unwrap();
            assert!(read <= SIZE - stop / CHUNK * CHUNK + CHUNK, "{stop}: {read}");
        }
    }
}

/// Dropbox has more than is on record, and less.
#[tokio::test(flavor = "multi_thread")]
async fn dropbox_knows_better_than_the_record() {
    for lost in [None, Some(3_000_000), Some(2 * CHUNK)] {
        let world = World::new(Way::Tls).await;
        let dies = Memory { stops_at: Some(SIZE as u64 - 5), ..Memory::known(SIZE) };
        world.upload_until_it_stops(&dies, None).await;
        let early = world.journal.checkpoint(1).await;
        assert_eq!(early.offset, CHUNK as u64);
        if let Some(bytes) = lost {
            world.fault(json!({"route": APPEND, "fault": {"kind": "lose_bytes", "bytes": bytes}})).await;
        }
        let source = Memory::known(SIZE);
        let receipt = world.resume(&source, Some(early)).await;
        world.landed(receipt, "/Videos/clip.mp4", &source);
        sent_again_at_most(&world, SIZE - 2 * CHUNK + lost.unwrap_or(0)).await;
        assert_eq!(world.statuses(START).await.len(), 1);
    }
}

/// Killed again and again, always a little later.
#[tokio::test(flavor = "multi_thread")]
async fn many_deaths_cost_little() {
    let world = World::new(Way::Tls).await;
    world.switch("partial_append", "keep").await;
    let stops: Vec<_> = (CHUNK + 500_000..SIZE).step_by(700_000).collect();
    for stop in &stops {
        let dies = Memory { stops_at: Some(*stop as u64), ..Memory::known(SIZE) };
        world.upload_until_it_stops(&dies, world.journal.last()).await;
    }
    let source = Memory::known(SIZE);
    let receipt = world.resume(&source, world.journal.last()).await;
    world.landed(receipt, "/Videos/clip.mp4", &source);
    assert_eq!(world.statuses(START).await.len(), 1);
    sent_again_at_most(&world, stops.len() * 100_000).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_gone_on_with_begins_again() {
    let world = World::new(Way::Tls).await;
    let dies = Memory { stops_at: Some(6_000_000), ..Memory::known(SIZE) };
    world.upload_until_it_stops(&dies, None).await;
    let checkpoint = world.journal.last().unwrap();
    let other = Memory { fingerprint: Some("other bytes".into()), ..Memory::of(SIZE) };
    let nameless = Memory::of(SIZE);
    let odd = sluice_domain::Checkpoint { sink: "{}".into(), ..checkpoint.clone() };
    for (source, checkpoint, sessions) in [(&other, &checkpoint, 2), (&nameless, &checkpoint, 3), (&other, &odd, 4)] {
        let receipt = world.resume(source, Some(checkpoint.clone())).await;
        world.landed(receipt, "/Videos/clip.mp4", source);
        assert_eq!(world.statuses(START).await.len(), sessions);
    }
}

/// A session that is gone costs no more than the bytes in it.
#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_expired_is_replaced() {
    let world = World::new(Way::Tls).await;
    let dies = Memory { stops_at: Some(6_000_000), ..Memory::known(SIZE) };
    world.upload_until_it_stops(&dies, None).await;
    world.fault(json!({"route": APPEND, "fault": {"kind": "expire_session"}})).await;
    let source = Memory::known(SIZE);
    let receipt = world.resume(&source, world.journal.last()).await;
    world.landed(receipt, "/Videos/clip.mp4", &source);
    assert_eq!(world.statuses(START).await.len(), 2);
}

/// The fingerprint lied, or the record did: what was committed is not what was read, and all begins again.
#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_record_is_found_out() {
    let world = World::new(Way::Tls).await;
    let dies = Memory { stops_at: Some(6_000_000), ..Memory::known(SIZE) };
    world.upload_until_it_stops(&dies, None).await;
    let mut checkpoint = world.journal.last().unwrap();
    let half = checkpoint.sink.find("\"half\":\"").unwrap() + 8;
    checkpoint.sink.replace_range(half..half + 4, "0000");
    let source = Memory::known(SIZE);
    let receipt = world.resume(&source, Some(checkpoint)).await;
    world.landed(receipt, "/Videos/clip.mp4", &source);
    assert_eq!(world.statuses("files/delete_v2").await, [200]);
}

/// An append of the dead worker is carried out after its successor has begun.
#[tokio::test(flavor = "multi_thread")]
async fn a_late_append_does_no_harm() {
    for ms in [1, 60, 200, 600] {
        let world = World::new(Way::Tls).await;
        world.fault(json!({"route": APPEND, "nth": 2, "fault": {"kind": "zombie", "ms": ms}})).await;
        let dies = Memory::known(SIZE);
        let killed = async {
            let mut tick = tokio::time::interval(std::time::Duration::from_millis(2));
            while world.struck().await == 0 || dies.given.load(Ordering::Relaxed) < 2 * CHUNK as u64 {
                tick.tick().await;
            }
        };
        tokio::select! {
            biased;
            () = killed => {}
            ended = world.upload(&dies) => panic!("it was too quick: {ended:?}"),
        }
        let source = Memory::known(SIZE);
        let receipt = world.resume(&source, world.journal.last()).await;
        world.landed(receipt, "/Videos/clip.mp4", &source);
        assert_eq!(world.statuses(START).await.len(), 1);
    }
}

/// A worker stood still in the middle of an append and goes on beside its successor, in the same session.
#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_comes_back_does_no_harm() {
    for way in [Way::Plain, Way::Tls] {
        let mut world = World::new(way).await;
        let theirs = Memory { stops_at: Some(6_000_000), ..Memory::known(SIZE) };
        let mut old = world.sink("clip.mp4", None);
        let old_journal = std::mem::replace(&mut world.journal, Notes::default().into());
        let old_gate = sluice_transfer::Gate::new(&sluice_domain::Limits::default());
        let comes_back = sluice_transfer::Sink::take(&mut old, &theirs, &old_gate);
        let source = Memory::known(SIZE);
        let successor = async {
            theirs.stopped.notified().await;
            old_journal.fenced.store(true, Ordering::Relaxed);
            let wakes = async {
                let mut tick = tokio::time::interval(std::time::Duration::from_millis(5));
                while world.statuses(APPEND).await.len() < 3 {
                    tick.tick().await;
                }
                theirs.go_on.notify_one();
            };
            let (receipt, ()) = tokio::join!(world.resume(&source, old_journal.last()), wakes);
            receipt
        };
        let (fenced, receipt) = tokio::join!(comes_back, successor);
        assert_eq!(fenced.unwrap_err().kind, FailureKind::Internal);
        world.landed(receipt, "/Videos/clip.mp4", &source);
        assert_eq!(world.statuses(START).await.len(), 1, "both wrote to one session");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_breaks_off_leaves_a_record() {
    let world = World::new(Way::Tls).await;
    let breaks = Memory { breaks_at: Some(2 * CHUNK as u64 + 1000), ..Memory::known(SIZE) };
    assert_eq!(world.upload(&breaks).await.unwrap_err().kind, FailureKind::SiteBusy);
    let checkpoint = world.journal.last().unwrap();
    assert_eq!(checkpoint.offset, 2 * CHUNK as u64);
    assert!(world.statuses(FINISH).await.is_empty());
    let source = Memory::known(SIZE);
    let receipt = world.resume(&source, Some(checkpoint)).await;
    world.landed(receipt, "/Videos/clip.mp4", &source);
    sent_again_at_most(&world, 1000).await;
}

/// The job is somebody else's: nothing more is sent.
#[tokio::test(flavor = "multi_thread")]
async fn without_its_lease_an_upload_stops() {
    let world = World::new(Way::Tls).await;
    world.journal.fenced.store(true, Ordering::Relaxed);
    assert_eq!(world.upload(&Memory::known(SIZE)).await.unwrap_err().kind, FailureKind::Internal);
    assert_eq!(world.statuses(APPEND).await, [200]);
}
