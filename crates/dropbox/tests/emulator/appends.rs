//! Appends: what is sent again and what is not, early answers, pauses, tokens.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;

use crate::{
    memory::Memory,
    world::{ACCOUNT, APPEND, SIZE, START, Way, World, hasty},
};

/// What is kept of a broken append is not sent again; what is not kept is.
#[tokio::test(flavor = "multi_thread")]
async fn the_servers_offset_is_trusted() {
    for (switch, most) in [("keep", SIZE), ("discard", SIZE + 1_100_000)] {
        let world = World::new(Way::Tls).await;
        world.switch("partial_append", switch).await;
        world.fault(json!({"route": APPEND, "nth": 2, "fault": {"kind": "cut_body", "after_bytes": 1_000_001}})).await;
        let source = Memory::of(SIZE);
        let receipt = world.upload(&source).await;
        world.landed(receipt, "/Videos/clip.mp4", &source);
        let sent = usize::try_from(world.bytes(APPEND).await).unwrap();
        assert!(sent >= SIZE && sent <= most, "{switch}: {sent} of {SIZE}");
    }
}

/// HTTP/1.1, and Dropbox hangs up while the body is still on its way: the answer is lost, the question behind it is not.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_lost_with_its_connection_is_asked_for() {
    let faults =
        [json!({"kind": "rate_limit", "shape": "json", "retry_after": 1}), json!({"kind": "status", "code": 503})];
    for fault in faults {
        let world = World::new(Way::Plain).await;
        world.switch("early_answer", "abrupt").await;
        world.fault(json!({"route": APPEND, "nth": 1, "times": 2, "fault": fault})).await;
        let source = Memory::of(SIZE);
        let receipt = world.upload(&source).await;
        world.landed(receipt, "/Videos/clip.mp4", &source);
    }
    // Until the token is renewed every append is refused, and most refusals are lost: the question brings the reason at once.
    let world = World::new(Way::Plain).await;
    world.switch("early_answer", "abrupt").await;
    world.fault(json!({"route": START, "fault": {"kind": "delay", "ms": 700}})).await;
    let source = Memory::of(SIZE);
    let expire = async {
        world.called(START).await;
        world.control(Method::POST, "tokens/expire", Some(json!({"account": ACCOUNT}))).await;
    };
    let (receipt, ()) = tokio::join!(world.upload(&source), expire);
    world.landed(receipt, "/Videos/clip.mp4", &source);
    let refused = world.statuses(APPEND).await.iter().filter(|status| **status == 401).count();
    assert!((1..=2).contains(&refused), "{refused}");
}

/// HTTP/2: the same answers come through, so nothing has to be asked.
#[tokio::test(flavor = "multi_thread")]
async fn over_http2_an_early_answer_is_not_lost() {
    let world = World::new(Way::Tls).await;
    world.switch("early_answer", "abrupt").await;
    world.fault(json!({"route": APPEND, "fault": {"kind": "auth", "tag": "expired_access_token"}})).await;
    let source = Memory::of(SIZE);
    let receipt = world.upload(&source).await;
    world.landed(receipt, "/Videos/clip.mp4", &source);
    assert_eq!(world.statuses(APPEND).await, [401, 200, 200, 200]);
}

/// Too large for one request: half of it is not.
#[tokio::test(flavor = "multi_thread")]
async fn a_chunk_that_is_too_large_is_halved() {
    let too_large = [
        json!({"kind": "status", "code": 413, "body": "<html>"}),
        json!({"kind": "route_error", "error": {".tag": "payload_too_large"}}),
    ];
    for fault in too_large {
        let world = World::tuned(Way::Tls, sluice_dropbox::Tuning { largest_chunk: 8 << 20, ..hasty() }).await;
        world.fault(json!({"route": APPEND, "fault": fault})).await;
        let mut source = Memory::of(SIZE);
        source.length = sluice_domain::Length::Unknown;
        let receipt = world.upload(&source).await;
        world.landed(receipt, "/Videos/clip.mp4", &source);
        assert_eq!(world.statuses(APPEND).await.len(), 4);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_429_pauses_the_whole_account() {
    let world = World::new(Way::Tls).await;
    world.fault(json!({"route": APPEND, "fault": {"kind": "rate_limit", "shape": "json", "retry_after": 1}})).await;
    let source = Memory::of(1000);
    let other_call = async {
        world.pauses.paused.notified().await;
        let (from, wait) = world.pauses.all.lock().unwrap()[0];
        assert_eq!(wait, Duration::from_secs(1));
        world.account.space().await.unwrap();
        assert!(from.elapsed() >= wait, "another call did not wait");
    };
    let (receipt, ()) = tokio::join!(world.upload(&source), other_call);
    world.landed(receipt, "/Videos/clip.mp4", &source);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_expires_in_the_middle_is_renewed_once() {
    for way in [Way::Plain, Way::Tls] {
        let world = World::new(way).await;
        world.account.space().await.unwrap();
        world.control(Method::POST, "tokens/expire", Some(json!({"account": ACCOUNT}))).await;
        let source = Memory::of(SIZE);
        let (receipt, _, _) = tokio::join!(world.upload(&source), world.account.space(), world.account.profile());
        world.landed(receipt, "/Videos/clip.mp4", &source);
        assert_eq!(world.statuses("oauth2/token").await, [200, 200], "one refresh at first, one for all later");
    }
}
