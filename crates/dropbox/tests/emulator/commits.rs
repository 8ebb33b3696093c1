//! A commit whose answer is lost, late or wrong.

use serde_json::json;

use crate::{
    memory::Memory,
    world::{FINISH, SIZE, START, Way, World},
};

/// Both faults of a lost commit, with each answer that a repeated commit may get.
#[tokio::test(flavor = "multi_thread")]
async fn a_lost_commit_is_found_whatever_a_second_one_says() {
    for again in ["not_found", "closed", "idempotent"] {
        for fault in [
            json!({"kind": "lose_response"}),
            json!({"kind": "delay", "ms": 5000}),
            json!({"kind": "zombie", "ms": 400}),
        ] {
            let world = World::new(Way::Plain).await;
            world.switch("finish_again", again).await;
            world.fault(json!({"route": FINISH, "fault": fault})).await;
            let source = Memory::of(1000);
            let receipt = world.upload(&source).await;
            world.landed(receipt, "/Videos/clip.mp4", &source);
        }
    }
}

/// The answer is lost, and the file does not show for longer than we look: once, and for good.
#[tokio::test(flavor = "multi_thread")]
async fn a_lost_commit_that_does_not_show_still_becomes_one_file() {
    let hidden = json!({"kind": "route_error", "error": {".tag": "path", "path": {".tag": "not_found"}}});
    for again in ["not_found", "closed", "idempotent"] {
        for looks in [4, 8, 1000] {
            let world = World::new(Way::Plain).await;
            world.switch("finish_again", again).await;
            world.fault(json!({"route": FINISH, "fault": {"kind": "lose_response"}})).await;
            world.fault(json!({"route": "files/get_metadata", "times": looks, "fault": hidden})).await;
            let source = Memory::of(1000);
            let receipt = world.upload(&source).await;
            world.landed(receipt, "/Videos/clip.mp4", &source);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_corrupt_file_is_deleted_and_sent_again() {
    let world = World::new(Way::Tls).await;
    world.fault(json!({"route": FINISH, "fault": {"kind": "wrong_content_hash"}})).await;
    let source = Memory::of(SIZE);
    let receipt = world.upload(&source).await;
    world.landed(receipt, "/Videos/clip.mp4", &source);
    assert_eq!(world.statuses("files/delete_v2").await, [200]);
    assert_eq!(world.statuses(START).await.len(), 2);
}
