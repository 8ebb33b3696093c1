//! What never gets better: a plain failure, and no file.

use reqwest::Method;
use serde_json::{Value, json};
use sluice_domain::FailureKind;

use crate::{
    memory::Memory,
    world::{APPEND, FINISH, SIZE, START, Way, World, impatient},
};

/// The upload fails with this kind, and no file is there.
async fn fails(fault: Value, kind: FailureKind, transient: bool) -> String {
    let world = World::tuned(Way::Plain, impatient()).await;
    world.fault(fault.clone()).await;
    let failure = world.upload(&Memory::of(SIZE)).await.unwrap_err();
    assert_eq!((failure.kind, failure.is_transient()), (kind, transient), "{fault}: {failure}");
    assert!(world.files().is_empty(), "{fault}");
    failure.message().into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn final_failures_are_plain() {
    use FailureKind::{DropboxBusy, DropboxDisconnected, DropboxRefused, Internal, NameTaken, QuotaExceeded};
    let at = |route: &str, fault: Value| json!({"route": route, "times": 1000, "fault": fault});
    let path = |error: Value| at(FINISH, json!({"kind": "route_error", "error": {".tag": "path", "path": error}}));
    let message = fails(at(APPEND, json!({"kind": "revoke_tokens"})), DropboxDisconnected, false).await;
    assert_eq!(message, DropboxDisconnected.user_message());
    fails(at(APPEND, json!({"kind": "auth", "tag": "invalid_access_token"})), DropboxDisconnected, false).await;
    fails(at("oauth2/token", json!({"kind": "status", "code": 400, "content_type": "application/json", "body": "{\"error\":\"invalid_grant\"}"})), DropboxDisconnected, false).await;
    fails(at("oauth2/token", json!({"kind": "status", "code": 400, "content_type": "application/json", "body": "{\"error\":\"invalid_client\"}"})), Internal, false).await;
    fails(at("oauth2/token", json!({"kind": "status", "code": 503})), DropboxBusy, true).await;
    fails(
        at(START, json!({"kind": "auth", "tag": "missing_scope", "required_scope": "files.content.write"})),
        DropboxDisconnected,
        false,
    )
    .await;
    let message = fails(at(APPEND, json!({"kind": "data_transport"})), DropboxRefused, false).await;
    assert!(message.len() > 10 && message != DropboxRefused.user_message(), "{message}");
    fails(path(json!({".tag": "insufficient_space"})), QuotaExceeded, false).await;
    fails(path(json!({".tag": "no_write_permission"})), DropboxRefused, false).await;
    fails(path(json!({".tag": "malformed_path"})), DropboxRefused, false).await;
    fails(path(json!({".tag": "conflict", "conflict": {".tag": "folder"}})), NameTaken, false).await;
    fails(path(json!({".tag": "conflict", "conflict": {".tag": "file_ancestor"}})), NameTaken, false).await;
    fails(at(FINISH, json!({"kind": "unknown_tag"})), DropboxRefused, false).await;
    fails(
        at(FINISH, json!({"kind": "route_error", "error": {".tag": "encryption_not_supported"}})),
        DropboxRefused,
        false,
    )
    .await;
    fails(
        at(FINISH, json!({"kind": "status", "code": 400, "content_type": "text/plain", "body": "Error in call"})),
        Internal,
        false,
    )
    .await;
    fails(at(FINISH, json!({"kind": "status", "code": 503})), DropboxBusy, true).await;
    fails(at(FINISH, json!({"kind": "wrong_content_hash"})), Internal, true).await;
    fails(at(APPEND, json!({"kind": "status", "code": 503})), DropboxBusy, true).await;
    fails(at(APPEND, json!({"kind": "rate_limit", "shape": "text"})), DropboxBusy, true).await;
    fails(at(APPEND, json!({"kind": "rate_limit", "shape": "json", "retry_after": 300})), DropboxBusy, true).await;
    fails(at(APPEND, json!({"kind": "auth", "tag": "expired_access_token"})), DropboxBusy, true).await;
    fails(at(APPEND, json!({"kind": "expire_session"})), DropboxBusy, true).await;
    fails(at(APPEND, json!({"kind": "status", "code": 413})), Internal, false).await;
}

/// Dropbox is really full, and says so only at the end.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_account_is_told_with_figures() {
    let world = World::new(Way::Plain).await;
    let id = world.account.id().to_string();
    world.control(Method::POST, &format!("accounts/{id}"), Some(json!({"quota": 2_000_000}))).await;
    let failure = world.upload(&Memory::of(SIZE)).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::QuotaExceeded);
    assert!(failure.message().contains("9.4 MB") && failure.message().contains("2 MB"), "{}", failure.message());
    assert!(world.files().is_empty());
}
