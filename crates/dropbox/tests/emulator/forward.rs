//! Sources that are read once.

use serde_json::json;
use sluice_domain::{FailureKind, Length};
use sluice_transfer::Access;

use crate::{
    memory::Memory,
    world::{APPEND, FINISH, SIZE, START, Way, World},
};

fn forward(window: u64, length: Length) -> Memory {
    Memory { access: Access::Forward { window }, length, ..Memory::of(SIZE) }
}

/// What is sent again is within the window, what is behind it is let go, and nothing goes on record.
#[tokio::test(flavor = "multi_thread")]
async fn a_window_is_enough() {
    for (window, length) in
        [(5 << 20, Length::Unknown), (100_000, Length::Exact(SIZE as u64)), (9 << 20, Length::Unknown)]
    {
        let world = World::new(Way::Tls).await;
        for nth in [1, 2] {
            let cut = json!({"kind": "cut_body", "after_bytes": 50_000});
            world.fault(json!({"route": APPEND, "nth": nth, "fault": cut})).await;
        }
        world.fault(json!({"route": APPEND, "nth": 5, "fault": {"kind": "lose_response"}})).await;
        let source = forward(window + 100_000, length);
        let receipt = world.upload(&source).await;
        world.landed(receipt, "/Videos/clip.mp4", &source);
        assert_eq!(source.released.load(std::sync::atomic::Ordering::Relaxed), SIZE as u64);
        assert!(world.journal.last().is_none(), "nobody could go on");
    }
}

/// What passes once here, but can be read anywhere elsewhere, as behind a tee, leaves checkpoints: whoever can read it anywhere goes on.
#[tokio::test(flavor = "multi_thread")]
async fn another_worker_goes_on_with_what_passed_once() {
    let world = World::new(Way::Tls).await;
    let broken = SIZE as u64 - 1_000_000;
    let access = Access::Forward { window: 8 << 20 };
    let tee = Memory { access, breaks_at: Some(broken), ..Memory::known(SIZE) };
    assert_eq!(world.upload(&tee).await.unwrap_err().kind, FailureKind::SiteBusy);
    let checkpoint = world.journal.last().unwrap();
    assert!(checkpoint.offset + (4 << 20) >= broken, "{} of {broken}", checkpoint.offset);
    let (again, before) = (Memory::known(SIZE), checkpoint.offset);
    let receipt = world.resume(&again, Some(checkpoint)).await;
    world.landed(receipt, "/Videos/clip.mp4", &again);
    let given = again.given.load(std::sync::atomic::Ordering::Relaxed);
    assert!(given <= SIZE as u64 - before + (4 << 20), "{given} bytes were read again after {before}");
    assert_eq!(world.statuses(START).await.len(), 1);
}

/// No window, or a session that loses what was let go: the attempt fails, and may be repeated.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_let_go_cannot_be_sent_again() {
    let cases = [
        (0, json!({"kind": "cut_body", "after_bytes": 50_000})),
        (5 << 20, json!({"kind": "expire_session"})),
        (5 << 20, json!({"kind": "lose_bytes", "bytes": 3_000_000})),
    ];
    for (window, fault) in cases {
        let world = World::new(Way::Tls).await;
        world.fault(json!({"route": APPEND, "nth": 3, "fault": fault})).await;
        let source = forward(window, Length::Unknown);
        let failure = world.upload(&source).await.unwrap_err();
        assert_eq!((failure.kind, failure.is_transient()), (FailureKind::DropboxBusy, true), "{fault}: {failure}");
        assert!(world.statuses(FINISH).await.is_empty() && world.files().is_empty());
    }
    let world = World::new(Way::Tls).await;
    let source = forward(0, Length::Unknown);
    let receipt = world.upload(&source).await;
    world.landed(receipt, "/Videos/clip.mp4", &source);
    assert_eq!(world.statuses(START).await.len(), 1);
}
