//! Long files, in concurrent sessions: blocks side by side, in any order, twice; one right file.

use std::sync::{Arc, atomic::Ordering};

use reqwest::Method;
use serde_json::{Value, json};
use sluice_domain::{FailureKind, Length};
use sluice_dropbox::Tuning;

use crate::{
    memory::{Memory, Notes},
    world::{APPEND, FINISH, START, Way, World, hasty},
};

const BLOCK: usize = 4 << 20;
/// Five blocks and a rest: six appends, of which the last one closes.
const LONG: usize = 5 * BLOCK + 1_000_001;
/// Enough for several lanes.
const LONGER: usize = 14 * BLOCK + 77;

/// Bytes that a stream may have given already when it is not needed any more.
const SLACK: usize = 80_000;

async fn world(way: Way) -> World {
    World::tuned(way, Tuning { concurrent_over: BLOCK as u64, most_lanes: 4, ..hasty() }).await
}

/// A long way: every body is slow by itself, and several are not slower than one.
async fn far_away(world: &World) {
    world.control(Method::POST, "throttle", Some(json!({"bytes_per_second": 16 << 20, "round_trip_ms": 20}))).await;
}

async fn sessions(world: &World) -> usize {
    world.statuses(START).await.len()
}

/// Bytes of appends that were sent in vain, when so many were needed.
async fn sent_again(world: &World, needed: usize) -> usize {
    let sent = usize::try_from(world.bytes(APPEND).await).unwrap();
    sent.checked_sub(needed).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_length_lands() {
    for way in [Way::Plain, Way::Tls] {
        for size in [BLOCK + 1, 2 * BLOCK - 1, 2 * BLOCK, 5 * BLOCK, 5 * BLOCK + 1, 6 * BLOCK - 1, LONG] {
            let world = world(way).await;
            let source = Memory::of(size);
            let receipt = world.upload(&source).await;
            world.landed(receipt, "/Videos/clip.mp4", &source);
            assert_eq!(world.statuses(APPEND).await, vec![200; size / BLOCK + 1]);
            assert_eq!((sessions(&world).await, sent_again(&world, size).await), (1, 0), "{size}");
            assert_eq!(world.statuses(FINISH).await, [200]);
            let read = usize::try_from(source.given.load(Ordering::Relaxed)).unwrap();
            assert!((size..size + SLACK).contains(&read), "{size}: {read} bytes were read");
            assert!(world.journal.last().is_none(), "nobody could go on");
        }
    }
}

/// What is short, of unknown length, or read only once goes over in order.
#[tokio::test(flavor = "multi_thread")]
async fn not_every_file_is_worth_it() {
    let forward = sluice_transfer::Access::Forward { window: 16 << 20 };
    let short = Memory::of(BLOCK);
    let unknown = Memory { length: Length::Unknown, ..Memory::of(LONG) };
    let once = Memory { access: forward, ..Memory::of(LONG) };
    for source in [short, unknown, once] {
        let world = world(Way::Tls).await;
        let receipt = world.upload(&source).await;
        world.landed(receipt, "/Videos/clip.mp4", &source);
        assert_eq!(
            world.statuses(APPEND).await.len(),
            source.bytes.len().div_ceil(BLOCK),
            "there is no closing append"
        );
    }
}

/// Where several appends at once are faster than one, there are several; they arrive out of order, and nothing is sent or read twice.
#[tokio::test(flavor = "multi_thread")]
async fn lanes_are_added_on_a_long_way() {
    for way in [Way::Plain, Way::Tls] {
        let world = world(way).await;
        far_away(&world).await;
        world.fault(json!({"route": APPEND, "nth": 5, "fault": {"kind": "delay", "ms": 2000}})).await;
        let source = Memory::known(LONGER);
        let receipt = world.upload(&source).await;
        world.landed(receipt, "/Videos/clip.mp4", &source);
        assert_eq!((sessions(&world).await, sent_again(&world, LONGER).await), (1, 0));
        let notes = world.journal.checkpoints.lock().unwrap();
        assert!(notes.iter().any(|note| !note.sink.contains("\"beyond\":{}")), "all came in order");
        assert_eq!(notes.last().unwrap().offset, 14 * BLOCK as u64, "on record before the session closes");
    }
}

/// A single lane reads on while an append waits for its answer, in the stream that is open.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_waits_for_an_answer_to_read_on() {
    for way in [Way::Plain, Way::Tls] {
        let world = World::tuned(way, Tuning { concurrent_over: BLOCK as u64, most_lanes: 1, ..hasty() }).await;
        world.fault(json!({"route": APPEND, "nth": 2, "fault": {"kind": "delay", "ms": 600_000}})).await;
        let source = Memory { stops_at: Some(2 * BLOCK as u64 + 5), ..Memory::of(LONG) };
        world.upload_until_it_stops(&source, None).await;
        // Whether the third one has reached Dropbox by then is open; that the source was read for it is not.
        assert_eq!(world.statuses(APPEND).await[..2], [200, 0], "the second one is not answered");
        assert_eq!(source.opened.load(Ordering::Relaxed), 1);
    }
}

/// The file lands in spite of this fault at the nth call of the route, in so many sessions.
async fn survives(way: Way, route: &str, nth: u64, fault: &Value, want_sessions: usize) {
    let world = world(way).await;
    world.fault(json!({"route": route, "nth": nth, "fault": fault})).await;
    let source = Memory::of(LONG);
    let receipt = world.upload(&source).await;
    world.landed(receipt, "/Videos/clip.mp4", &source);
    assert_eq!((world.struck().await, sessions(&world).await), (1, want_sessions), "{fault}");
}

/// At the first append, in the middle, and at the one that closes.
#[tokio::test(flavor = "multi_thread")]
async fn an_append_that_goes_wrong_is_made_again() {
    let faults = [
        json!({"kind": "lose_response"}),
        json!({"kind": "lose_response", "connection": true}),
        json!({"kind": "cut_body", "after_bytes": 900_001}),
        json!({"kind": "status", "code": 503}),
        json!({"kind": "rate_limit", "shape": "json_no_retry"}),
        json!({"kind": "auth", "tag": "expired_access_token"}),
        json!({"kind": "truncate_json"}),
        json!({"kind": "zombie", "ms": 100}),
    ];
    for fault in faults {
        for (nth, way) in [(1, Way::Tls), (4, Way::Plain), (6, Way::Tls)] {
            survives(way, APPEND, nth, &fault, 1).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closing_append_may_be_lost_whatever_a_second_one_says() {
    for size in [LONG, 5 * BLOCK] {
        for reclose in ["closed", "incorrect_offset"] {
            for fault in [json!({"kind": "lose_response"}), json!({"kind": "zombie", "ms": 30})] {
                let world = world(Way::Tls).await;
                world.switch("reclose", reclose).await;
                world.fault(json!({"route": APPEND, "nth": 6, "fault": fault})).await;
                let source = Memory::of(size);
                let receipt = world.upload(&source).await;
                world.landed(receipt, "/Videos/clip.mp4", &source);
                assert_eq!(sessions(&world).await, 1);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_goes_wrong_is_made_again() {
    for fault in [
        json!({"kind": "lose_response"}),
        json!({"kind": "status", "code": 503}),
        json!({"kind": "hold_lock", "ms": 150}),
    ] {
        survives(Way::Tls, FINISH, 1, &fault, 1).await;
    }
    survives(Way::Tls, FINISH, 1, &json!({"kind": "expire_session"}), 2).await;
    survives(Way::Tls, FINISH, 1, &json!({"kind": "wrong_content_hash"}), 2).await;
    for tag in ["concurrent_session_missing_data", "concurrent_session_not_closed"] {
        survives(Way::Tls, FINISH, 1, &json!({"kind": "route_error", "error": {".tag": tag}}), 2).await;
    }
}

/// Sessions that have holes again and again: the last try goes in order, where Dropbox tells what it has.
#[tokio::test(flavor = "multi_thread")]
async fn the_last_try_goes_in_order() {
    let missing = json!({"kind": "route_error", "error": {".tag": "concurrent_session_missing_data"}});
    let world = world(Way::Tls).await;
    world.fault(json!({"route": FINISH, "times": 2, "fault": missing})).await;
    let source = Memory::of(LONG);
    let receipt = world.upload(&source).await;
    world.landed(receipt, "/Videos/clip.mp4", &source);
    assert_eq!((sessions(&world).await, world.statuses(APPEND).await.len()), (3, 6 + 6 + 6));
    let world = self::world(Way::Tls).await;
    world.fault(json!({"route": APPEND, "nth": 3, "times": 1000, "fault": {"kind": "expire_session"}})).await;
    let failure = world.upload(&source).await.unwrap_err();
    assert_eq!((failure.kind, failure.is_transient()), (FailureKind::DropboxBusy, true));
    assert_eq!(sessions(&world).await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_append_that_is_too_large_is_halved() {
    let world =
        World::tuned(Way::Tls, Tuning { concurrent_over: 0, usual_appends: 8, largest_chunk: 16 << 20, ..hasty() })
            .await;
    world.fault(json!({"route": APPEND, "nth": 1, "fault": {"kind": "status", "code": 413}})).await;
    let source = Memory::of(16 * BLOCK);
    let receipt = world.upload(&source).await;
    world.landed(receipt, "/Videos/clip.mp4", &source);
    assert_eq!(world.statuses(APPEND).await.len(), 1 + 16 + 1, "blocks of 4 MiB instead of 8");
}

/// Killed anywhere: the same session, at most the lanes' appends once more, and nothing is read for its hash alone.
#[tokio::test(flavor = "multi_thread")]
async fn a_killed_upload_is_gone_on_with() {
    for stop in [BLOCK, BLOCK + 1, 6 * BLOCK + 5, 13 * BLOCK - 1, LONGER - 1] {
        let world = world(Way::Tls).await;
        far_away(&world).await;
        let dies = Memory { stops_at: Some(stop as u64), ..Memory::known(LONGER) };
        world.upload_until_it_stops(&dies, None).await;
        let checkpoint = world.journal.last();
        let source = Memory::known(LONGER);
        let receipt = world.resume(&source, checkpoint.clone()).await;
        world.landed(receipt, "/Videos/clip.mp4", &source);
        // Before the first block is safe there is nothing to go on with.
        assert_eq!(sessions(&world).await, if checkpoint.is_some() { 1 } else { 2 }, "{stop}");
        assert!(checkpoint.is_some() || stop < 3 * BLOCK);
        let again = sent_again(&world, LONGER).await;
        assert!(again <= 4 * BLOCK + (8 << 20), "{stop}: {again} bytes again");
        let read = usize::try_from(source.given.load(Ordering::Relaxed)).unwrap();
        let left = LONGER - usize::try_from(checkpoint.map_or(0, |checkpoint| checkpoint.offset)).unwrap();
        assert!(read < left + SLACK, "{stop}: {read} bytes were read, {left} were left");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_deaths_cost_little() {
    let world = world(Way::Tls).await;
    far_away(&world).await;
    let stops: Vec<_> = (4 * BLOCK..LONGER).step_by(9_000_000).collect();
    for stop in &stops {
        let dies = Memory { stops_at: Some(*stop as u64), ..Memory::known(LONGER) };
        tokio::select! {
            ended = world.resume(&dies, world.journal.last()) => return world.landed(ended, "/Videos/clip.mp4", &dies),
            () = dies.stopped.notified() => {}
        }
    }
    let source = Memory::known(LONGER);
    let receipt = world.resume(&source, world.journal.last()).await;
    world.landed(receipt, "/Videos/clip.mp4", &source);
    assert_eq!(sessions(&world).await, 1);
}

/// The dead worker had closed the session, or was about to.
#[tokio::test(flavor = "multi_thread")]
async fn a_closed_session_is_committed_by_the_successor() {
    for (size, reclose) in [(LONG, "closed"), (5 * BLOCK, "incorrect_offset")] {
        for fault in [None, Some(json!({"kind": "lose_response"})), Some(json!({"kind": "hold"}))] {
            let mut world = world(Way::Tls).await;
            world.switch("reclose", reclose).await;
            let journal = Arc::new(Notes { refuses_from: Some(1), ..Notes::default() });
            world.journal = journal.clone();
            if let Some(fault) = &fault {
                world.fault(json!({"route": APPEND, "nth": 6, "fault": fault})).await;
            }
            let dies = Memory::known(size);
            let held = async {
                match &fault {
                    Some(fault) if fault["kind"] == "hold" => world.strikes().await,
                    _ => std::future::pending().await,
                }
            };
            tokio::select! {
                ended = world.upload(&dies) => assert!(ended.is_err(), "the journal took no intent"),
                () = held => {}
            }
            world.journal = Arc::default();
            let source = Memory::known(size);
            let receipt = world.resume(&source, journal.last()).await;
            world.landed(receipt, "/Videos/clip.mp4", &source);
            assert_eq!(sessions(&world).await, 1, "{size} {fault:?}");
            let read = usize::try_from(source.given.load(Ordering::Relaxed)).unwrap();
            assert!(read <= 2 * (size % BLOCK), "{read}");
        }
    }
}

/// A worker stood still and goes on beside its successor, in the same session.
#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_comes_back_does_no_harm() {
    for way in [Way::Plain, Way::Tls] {
        let mut world = world(way).await;
        let theirs = Memory { stops_at: Some(9_000_000), ..Memory::known(LONG) };
        let mut old = world.sink("clip.mp4", None);
        let old_journal = std::mem::replace(&mut world.journal, Notes::default().into());
        let old_gate = sluice_transfer::Gate::new(&sluice_domain::Limits::default());
        let comes_back = sluice_transfer::Sink::take(&mut old, &theirs, &old_gate);
        let source = Memory::known(LONG);
        let successor = async {
            theirs.stopped.notified().await;
            old_journal.fenced.store(true, Ordering::Relaxed);
            theirs.go_on.notify_one();
            world.resume(&source, old_journal.last()).await
        };
        let (fenced, receipt) = tokio::join!(comes_back, successor);
        assert_eq!(fenced.unwrap_err().kind, FailureKind::Internal);
        world.landed(receipt, "/Videos/clip.mp4", &source);
        assert_eq!(sessions(&world).await, 1, "both wrote to one session");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_gone_on_with_begins_again() {
    let world = world(Way::Tls).await;
    let dies = Memory { stops_at: Some(9_000_000), ..Memory::known(LONG) };
    world.upload_until_it_stops(&dies, None).await;
    let checkpoint = world.journal.last().unwrap();
    let other = Memory { fingerprint: Some("other bytes".into()), ..Memory::of(LONG) };
    let receipt = world.resume(&other, Some(checkpoint.clone())).await;
    world.landed(receipt, "/Videos/clip.mp4", &other);
    assert_eq!(sessions(&world).await, 2);
    world.fault(json!({"route": APPEND, "fault": {"kind": "expire_session"}})).await;
    let same = Memory::known(LONG);
    let receipt = world.resume(&same, Some(checkpoint)).await;
    world.landed(receipt, "/Videos/clip.mp4", &same);
    assert_eq!(sessions(&world).await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_breaks_off_or_lies_is_never_committed() {
    let check = |change: fn(&mut Memory), kind: FailureKind| async move {
        for way in [Way::Plain, Way::Tls] {
            let world = world(way).await;
            let mut source = Memory::of(LONG);
            change(&mut source);
            let failure = world.upload(&source).await.unwrap_err();
            assert_eq!(failure.kind, kind, "{failure}");
            assert!(world.statuses(FINISH).await.is_empty() && world.files().is_empty());
        }
    };
    check(|source| source.breaks_at = Some(9_000_000), FailureKind::SiteBusy).await;
    check(|source| source.breaks_at = Some(0), FailureKind::SiteBusy).await;
    check(|source| source.breaks_at = Some(LONG as u64), FailureKind::SiteBusy).await;
    check(|source| source.length = Length::Exact(LONG as u64 + 1), FailureKind::Network).await;
    check(|source| source.length = Length::Exact(6 * BLOCK as u64), FailureKind::Network).await;
    check(|source| source.length = Length::Exact(8 * BLOCK as u64), FailureKind::Network).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_breaks_off_leaves_a_record() {
    let world = world(Way::Tls).await;
    let breaks = Memory { breaks_at: Some(3 * BLOCK as u64 + 1000), ..Memory::known(LONG) };
    assert_eq!(world.upload(&breaks).await.unwrap_err().kind, FailureKind::SiteBusy);
    let checkpoint = world.journal.last().unwrap();
    let source = Memory::known(LONG);
    let receipt = world.resume(&source, Some(checkpoint)).await;
    world.landed(receipt, "/Videos/clip.mp4", &source);
    assert_eq!(sessions(&world).await, 1);
    assert!(sent_again(&world, LONG).await <= 2 * BLOCK);
}

/// The job is somebody else's: nothing is closed, nothing is committed.
#[tokio::test(flavor = "multi_thread")]
async fn without_its_lease_an_upload_stops() {
    let world = world(Way::Tls).await;
    world.journal.fenced.store(true, Ordering::Relaxed);
    assert_eq!(world.upload(&Memory::known(LONG)).await.unwrap_err().kind, FailureKind::Internal);
    assert!(world.statuses(APPEND).await.len() < 6 && world.statuses(FINISH).await.is_empty());
}
