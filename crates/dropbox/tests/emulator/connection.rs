//! The gate, the connection, and the calls beside uploads.

use std::time::Duration;

use serde_json::json;
use sluice_domain::{ByteSize, Failure, FailureKind};

use crate::{
    memory::Memory,
    world::{Way, World, config, impatient},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_shut_gate_ends_the_upload_at_once() {
    for route in ["files/upload_session/start", "files/upload_session/append_v2", "oauth2/token"] {
        let world = World::new(Way::Plain).await;
        world.fault(json!({"route": route, "fault": {"kind": "hold"}})).await;
        let source = Memory::of(5 << 20);
        let shut = async {
            world.called(route).await;
            world.gate.shut(Failure::new(FailureKind::Cancelled, ""));
            tokio::time::Instant::now()
        };
        let (ended, shut_at) = tokio::join!(world.upload(&source), shut);
        assert_eq!(ended.unwrap_err().kind, FailureKind::Cancelled);
        assert!(shut_at.elapsed() < Duration::from_secs(1), "{route}");
        assert!(world.files().is_empty());
    }
}

/// A commit that is on its way when the person cancels: it may tell its end, but not hold up the worker. Where the answer is late but
/// the file is there, that counts.
#[tokio::test(flavor = "multi_thread")]
async fn a_commit_on_its_way_may_tell_its_end() {
    for (fault, lands) in [
        (json!({"kind": "delay", "ms": 300}), true),
        (json!({"kind": "delay", "ms": 8000}), true),
        (json!({"kind": "hold"}), false),
    ] {
        let world = World::new(Way::Plain).await;
        world.fault(json!({"route": "files/upload_session/finish", "fault": fault})).await;
        let source = Memory::of(1000);
        let shut = async {
            world.called("files/upload_session/finish").await;
            world.gate.shut(Failure::new(FailureKind::Cancelled, ""));
        };
        let (ended, ()) = tokio::join!(world.upload(&source), shut);
        assert_eq!((ended.is_ok(), !world.files().is_empty()), (lands, lands), "{ended:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_dropbox_is_left_and_asked_again() {
    let world = World::new(Way::Tls).await;
    world.fault(json!({"route": "files/upload_session/append_v2", "nth": 2, "fault": {"kind": "hold"}})).await;
    let source = Memory::of(5 << 20);
    let receipt = world.upload(&source).await;
    world.landed(receipt, "/Videos/clip.mp4", &source);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_there_is_told_when_the_budget_ends() {
    let world = World::new(Way::Plain).await;
    let nowhere =
        sluice_dropbox::Dropbox::new(config("http://127.0.0.1:1"), impatient(), world.pauses.clone()).unwrap();
    let client = nowhere.account(world.account.id(), "r".into());
    let failure = client.space().await.unwrap_err();
    assert!(failure.kind == FailureKind::DropboxBusy && failure.is_transient(), "{failure}");
    assert!(failure.message().contains("could not be reached"), "{}", failure.message());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_account_is_known() {
    for way in [Way::Plain, Way::Tls] {
        let world = World::new(way).await;
        let profile = world.account.profile().await.unwrap();
        assert_eq!(profile.display_name, crate::world::ACCOUNT);
        assert!(profile.email.contains('@'));
        let before = world.account.space().await.unwrap();
        assert_eq!(before.allocated, ByteSize(2_000_000_000_000));
        let receipt = world.upload(&Memory::of(1000)).await.unwrap();
        let after = world.account.space().await.unwrap();
        assert_eq!(after.free().0, before.free().0 - 1000);
        let file = world.account.metadata("/Videos/clip.mp4").await.unwrap().unwrap();
        assert_eq!(sluice_domain::Receipt::from(file), receipt);
        assert_eq!(world.account.metadata("/Videos").await.unwrap(), None);
        assert_eq!(world.account.metadata("/nothing").await.unwrap(), None);
    }
}

/// Commits of one account do not stand in each other's way.
#[tokio::test(flavor = "multi_thread")]
async fn ten_uploads_at_once_all_land() {
    let world = World::new(Way::Tls).await;
    let sources: Vec<_> = (1..=10).map(|number| Memory::of(number * 100_000)).collect();
    let uploads = sources.iter().map(|source| world.upload(source));
    for receipt in futures::future::join_all(uploads).await {
        receipt.unwrap();
    }
    let mut sizes: Vec<_> = world.files().values().map(Vec::len).collect();
    sizes.sort_unstable();
    assert_eq!(sizes, (1..=10).map(|number| number * 100_000).collect::<Vec<_>>());
    assert_eq!(world.statuses("oauth2/token").await, [200], "one refresh for all");
}
