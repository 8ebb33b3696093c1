//! One fault at a time, over HTTP/1.1 and over HTTP/2 with TLS: one right file, or a plain failure and no file.

use serde_json::{Value, json};

use crate::{
    memory::Memory,
    world::{APPEND, FINISH, SIZE, START, Way, World},
};

/// The file lands in spite of this fault at the nth call of the route.
async fn survives(way: Way, route: &str, nth: u64, fault: Value) {
    let world = World::new(way).await;
    world.fault(json!({"route": route, "nth": nth, "fault": fault})).await;
    let source = Memory::of(SIZE);
    let receipt = world.upload(&source).await;
    world.landed(receipt, "/Videos/clip.mp4", &source);
    assert_eq!(world.struck().await, 1);
}

macro_rules! on_both_ways {
    ($($name:ident: $route:expr, $nth:expr, $fault:tt;)*) => {
        mod plain {
            use super::*;
            $(#[tokio::test(flavor = "multi_thread")] async fn $name() { survives(Way::Plain, $route, $nth, json!($fault)).await; })*
        }
        mod h2 {
            use super::*;
            $(#[tokio::test(flavor = "multi_thread")] async fn $name() { survives(Way::Tls, $route, $nth, json!($fault)).await; })*
        }
    };
}

on_both_ways! {
    start_reply_lost: START, 1, {"kind": "lose_response"};
    start_cut: START, 1, {"kind": "cut_body", "after_bytes": 0};
    start_503: START, 1, {"kind": "status", "code": 503};
    start_429: START, 1, {"kind": "rate_limit", "shape": "json", "retry_after": 1};
    start_garbage: START, 1, {"kind": "truncate_json"};
    append_reply_lost: APPEND, 1, {"kind": "lose_response"};
    append_last_reply_lost: APPEND, 3, {"kind": "lose_response"};
    append_connection_lost: APPEND, 2, {"kind": "lose_response", "connection": true};
    append_cut: APPEND, 2, {"kind": "cut_body", "after_bytes": 1_000_001};
    append_cut_connection: APPEND, 2, {"kind": "cut_body", "after_bytes": 1_000_001, "connection": true};
    append_503: APPEND, 2, {"kind": "status", "code": 503};
    append_500_html: APPEND, 2, {"kind": "status", "code": 500, "body": "<html>sorry</html>"};
    append_429: APPEND, 2, {"kind": "rate_limit", "shape": "json", "retry_after": 1};
    append_429_without_time: APPEND, 2, {"kind": "rate_limit", "shape": "json_no_retry"};
    append_429_text: APPEND, 2, {"kind": "rate_limit", "shape": "text"};
    append_429_text_with_time: APPEND, 2, {"kind": "rate_limit", "shape": "text", "retry_after": 1};
    append_expired: APPEND, 2, {"kind": "auth", "tag": "expired_access_token"};
    append_garbage: APPEND, 2, {"kind": "truncate_json"};
    append_zombie: APPEND, 2, {"kind": "zombie", "ms": 100};
    append_session_expired: APPEND, 3, {"kind": "expire_session"};
    append_bytes_lost: APPEND, 3, {"kind": "lose_bytes", "bytes": 3_000_000};
    append_unknown_route: APPEND, 2, {"kind": "status", "code": 400, "content_type": "text/plain; charset=utf-8", "body": "Unknown API function: /2/files/upload_session/append_v2"};
    finish_reply_lost: FINISH, 1, {"kind": "lose_response"};
    finish_cut: FINISH, 1, {"kind": "cut_body", "after_bytes": 0};
    finish_503: FINISH, 1, {"kind": "status", "code": 503};
    finish_504_html: FINISH, 1, {"kind": "status", "code": 504, "body": "<html></html>"};
    finish_429: FINISH, 1, {"kind": "rate_limit", "shape": "json_no_retry", "reason": "too_many_write_operations"};
    finish_429_text: FINISH, 1, {"kind": "rate_limit", "shape": "text"};
    finish_locked: FINISH, 1, {"kind": "hold_lock", "ms": 150};
    finish_locked_path: FINISH, 1, {"kind": "route_error", "error": {".tag": "path", "path": {".tag": "too_many_write_operations"}}};
    finish_expired: FINISH, 1, {"kind": "auth", "tag": "expired_access_token"};
    finish_garbage: FINISH, 1, {"kind": "truncate_json"};
    finish_slow: FINISH, 1, {"kind": "delay", "ms": 500};
    finish_slower_than_our_patience: FINISH, 1, {"kind": "delay", "ms": 5000};
    finish_zombie: FINISH, 1, {"kind": "zombie", "ms": 60};
    finish_session_expired: FINISH, 1, {"kind": "expire_session"};
    finish_bytes_lost: FINISH, 1, {"kind": "lose_bytes", "bytes": 5_000_000};
    finish_wrong_hash: FINISH, 1, {"kind": "wrong_content_hash"};
}

/// With no fault at all: how many calls there are, and that nothing is sent twice.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_goes_wrong() {
    for way in [Way::Plain, Way::Tls] {
        for size in [0, 1, 4 << 20, SIZE] {
            let world = World::new(way).await;
            let source = Memory::of(size);
            let receipt = world.upload(&source).await;
            world.landed(receipt, "/Videos/clip.mp4", &source);
            assert_eq!(world.statuses(APPEND).await.len(), size.div_ceil(4 << 20));
            assert_eq!(world.bytes(APPEND).await, size as u64);
            assert_eq!(world.statuses(FINISH).await, [200]);
            assert_eq!(world.journal.intents.lock().unwrap().len(), 1);
            assert!(source.opened.load(std::sync::atomic::Ordering::Relaxed) <= 1, "one stream is enough");
        }
    }
}

/// Faults at every call of an upload in turn.
#[tokio::test(flavor = "multi_thread")]
async fn every_call_may_be_cut() {
    for nth in 1..=6 {
        survives(Way::Tls, "*", nth, json!({"kind": "lose_response", "connection": true})).await;
    }
}
