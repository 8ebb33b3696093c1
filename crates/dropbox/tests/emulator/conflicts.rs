//! Names that are taken, disliked or strange, and attempts that died before they could tell.

use serde_json::json;
use sluice_domain::{FailureKind, FileName, Length, UploadIntent};
use sluice_dropbox::content_hash;
use sluice_transfer::Sink;

use crate::{
    memory::{Memory, Notes},
    world::{FINISH, START, Way, World},
};

fn intent(path: &str, source: &Memory) -> UploadIntent {
    UploadIntent { path: path.into(), size: source.bytes.len() as u64, content_hash: content_hash(&source.bytes) }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_content_is_the_same_file() {
    let world = World::new(Way::Plain).await;
    let source = Memory::of(5000);
    world.upload(&source).await.unwrap();
    let receipt = world.upload(&source).await;
    world.landed(receipt, "/Videos/clip.mp4", &source);
}

#[tokio::test(flavor = "multi_thread")]
async fn other_content_gets_the_next_number() {
    let world = World::new(Way::Plain).await;
    for size in [100, 200] {
        world.upload(&Memory::of(size)).await.unwrap();
    }
    let third = Memory::of(300);
    let receipt = world.upload(&third).await;
    world.landed_beside(receipt, "/Videos/clip (3).mp4", &third, &["/Videos/clip.mp4", "/Videos/clip (2).mp4"]);
    let paths: Vec<_> = world.journal.intents.lock().unwrap().iter().map(|intent| intent.path.clone()).collect();
    assert_eq!(
        paths[3..],
        ["/Videos/clip.mp4", "/Videos/clip (2).mp4", "/Videos/clip (3).mp4"],
        "each is on record first"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_appears_just_before_the_commit_is_not_touched() {
    let world = World::new(Way::Tls).await;
    world.fault(json!({"route": FINISH, "fault": {"kind": "rival", "content": "mine"}})).await;
    let source = Memory::of(5000);
    let receipt = world.upload(&source).await;
    world.landed_beside(receipt, "/Videos/clip (2).mp4", &source, &["/Videos/clip.mp4"]);
    assert_eq!(world.files()["/Videos/clip.mp4"], b"mine");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_or_a_file_in_the_way_is_told() {
    let source = Memory::of(100);
    for in_the_way in ["/Videos/clip.mp4/inside", "/Videos"] {
        let world = World::new(Way::Plain).await;
        world.put(in_the_way, b"x");
        let failure = world.upload(&source).await.unwrap_err();
        assert_eq!((failure.kind, failure.is_transient()), (FailureKind::NameTaken, false), "{in_the_way}: {failure}");
        assert_eq!(world.files().len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_dropbox_dislikes_becomes_plain() {
    let world = World::new(Way::Plain).await;
    world.switch("non_bmp", "malformed_path").await;
    let source = Memory::of(100);
    let receipt = world.sink("movie 🎬.mp4", None).take(&source, &world.gate).await;
    world.landed(receipt, "/Videos/movie _.mp4", &source);
}

#[tokio::test(flavor = "multi_thread")]
async fn names_arrive_as_they_are() {
    let world = World::new(Way::Tls).await;
    for (size, name) in
        ["movie 🎬.mp4", "日本語 é.mp4", "שלום.mp4", "100% [x] {y} 'z' & co.mp4"].into_iter().enumerate()
    {
        let source = Memory::of(size + 1);
        let receipt = world.sink(name, None).take(&source, &world.gate).await.unwrap();
        assert_eq!(receipt.path, format!("/Videos/{name}"));
        assert_eq!(world.files()[&receipt.path], source.bytes);
        assert_eq!(world.account.metadata(&receipt.path).await.unwrap().unwrap().rev, receipt.rev);
    }
    let longest = FileName::from_title(&"x".repeat(300), "mp4");
    let source = Memory::of(77);
    world.sink(longest.as_str(), None).take(&source, &world.gate).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_earlier_attempt_committed_is_not_uploaded_again() {
    let world = World::new(Way::Plain).await;
    let source = Memory::of(5000);
    world.upload(&source).await.unwrap();
    let previous = intent("/Videos/clip.mp4", &source);
    let receipt = world.sink("clip.mp4", Some(previous)).take(&source, &world.gate).await;
    world.landed(receipt, "/Videos/clip.mp4", &source);
    assert_eq!(world.statuses(START).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_intent_without_a_file_changes_nothing() {
    let world = World::new(Way::Plain).await;
    let source = Memory::of(5000);
    let previous = intent("/Videos/clip.mp4", &source);
    let receipt = world.sink("clip.mp4", Some(previous)).take(&source, &world.gate).await;
    world.landed(receipt, "/Videos/clip.mp4", &source);
}

/// The earlier attempt's commit was still running when its worker died, and this attempt made slightly other bytes.
#[tokio::test(flavor = "multi_thread")]
async fn a_late_commit_of_an_earlier_attempt_counts() {
    let world = World::new(Way::Plain).await;
    let (early, late) = (Memory::of(5000), Memory::of(5001));
    world.fault(json!({"route": "files/get_metadata", "fault": {"kind": "route_error", "error": {".tag": "path", "path": {".tag": "not_found"}}}})).await;
    world.upload(&early).await.unwrap();
    let previous = intent("/Videos/clip.mp4", &early);
    let receipt = world.sink("clip.mp4", Some(previous)).take(&late, &world.gate).await;
    world.landed(receipt, "/Videos/clip.mp4", &early);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_record_nothing_is_committed() {
    let mut world = World::new(Way::Plain).await;
    world.journal = Notes { refuses_from: Some(1), ..Notes::default() }.into();
    assert_eq!(world.upload(&Memory::of(100)).await.unwrap_err().kind, FailureKind::Internal);
    assert!(world.statuses(FINISH).await.is_empty() && world.files().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_breaks_off_or_lies_is_never_committed() {
    let size = 5 << 20;
    let check = |change: fn(&mut Memory), kind: FailureKind| async move {
        for way in [Way::Plain, Way::Tls] {
            let world = World::new(way).await;
            let mut source = Memory::of(size);
            change(&mut source);
            let failure = world.upload(&source).await.unwrap_err();
            assert_eq!(failure.kind, kind, "{failure}");
            assert!(world.statuses(FINISH).await.is_empty() && world.files().is_empty());
        }
    };
    check(|source| source.breaks_at = Some(4_500_000), FailureKind::SiteBusy).await;
    check(|source| source.breaks_at = Some(1000), FailureKind::SiteBusy).await;
    check(|source| source.length = Length::Exact(6 << 20), FailureKind::Network).await;
    check(|source| source.length = Length::Exact(3 << 20), FailureKind::Network).await;
    check(|source| source.length = Length::Exact(u64::MAX), FailureKind::TooLarge).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_of_unknown_length_lands_whole() {
    for way in [Way::Plain, Way::Tls] {
        for size in [0, 1000, 4 << 20, 9 << 20] {
            let world = World::new(way).await;
            let mut source = Memory::of(size);
            source.length = Length::Unknown;
            world.fault(json!({"route": "files/upload_session/append_v2", "fault": {"kind": "cut_body", "after_bytes": 500_000}})).await;
            let receipt = world.upload(&source).await;
            world.landed(receipt, "/Videos/clip.mp4", &source);
        }
    }
}
