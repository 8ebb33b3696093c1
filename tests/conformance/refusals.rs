//! What the service refuses, the emulator refuses: status, content type, and the words that matter.

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use crate::practice::{Practice, Reply, send};

fn ensure_text(reply: &Reply, what: &str, expected: &str) -> Result<()> {
    let text = reply.text();
    ensure!(reply.status == 400, "{what}: {} {text}", reply.status);
    ensure!(reply.header("content-type") == "text/plain; charset=utf-8", "{what}: {}", reply.header("content-type"));
    ensure!(text.contains(expected), "{what}:\n    said {text}\nexpected {expected}");
    Ok(())
}

#[tokio::test]
async fn wrong_arguments_are_400_texts() -> Result<()> {
    let practice = Practice::start().await?;
    let check = async |route: &str, arg: Value, expected: &str| {
        ensure_text(&practice.rpc(route, &arg).await?, &format!("{route} {arg}"), expected)
    };
    let pattern = "request body: path: 'x' did not match pattern";
    check("files/get_metadata", json!({"path": "x"}), pattern).await?;
    check("files/get_metadata", json!({"path": ""}), "did not match pattern").await?;
    check("files/get_metadata", json!({}), "request body: missing required field 'path'").await?;
    check("files/get_metadata", json!({"path": null}), "path: expected to be a string, got null").await?;
    check("files/get_metadata", json!({"path": "/x", "root": 1}), "request body: unknown field 'root'").await?;
    check("files/list_folder", json!({"path": "/"}), "as an empty string").await?;
    check("files/list_folder", json!({"path": "", "limit": 0}), "limit").await?;
    check("files/list_folder/continue", json!({"cursor": "x"}), "Invalid \"cursor\" parameter").await?;
    check("files/create_folder_v2", json!({"path": "id:abc"}), "did not match pattern").await?;
    check(
        "files/upload_session/finish_batch_v2",
        json!({"entries": [{"cursor": {"session_id": "s"}}]}),
        "entries.cursor: missing required field 'offset'",
    )
    .await?;
    let entry = json!({"cursor": {"session_id": "s", "offset": 0}, "commit": {"path": "/x", "mode": {"tag": "add"}}});
    check(
        "files/upload_session/finish_batch_v2",
        json!({"entries": [entry]}),
        "entries.commit.mode: missing '.tag' key",
    )
    .await?;
    check("files/upload_session/finish_batch/check", json!({}), "missing required field 'async_job_id'").await?;
    check("users/get_current_account", json!({}), "expected null").await?;
    check("files/no_such_route", json!({}), "Unknown API function: /2/files/no_such_route").await?;
    check("files/upload", json!({"path": "/x"}), "Content-Type").await
}

#[tokio::test]
async fn wrong_header_arguments_are_400_texts() -> Result<()> {
    let practice = Practice::start().await?;
    let check = async |route: &str, arg: &str, expected: &str| {
        let request =
            practice.post(route).header("Dropbox-API-Arg", arg).header("Content-Type", "application/octet-stream");
        ensure_text(&send(request.body("bytes")).await?, &format!("{route} {arg}"), expected)
    };
    let append = "files/upload_session/append_v2";
    check("files/upload", "{", "HTTP header \"Dropbox-API-Arg\": could not decode input as JSON").await?;
    check("files/upload", r#"{"path":"x"}"#, "HTTP header \"Dropbox-API-Arg\": path: 'x' did not match pattern")
        .await?;
    check("files/upload", r#"{"path":"/x","client_modified":"yesterday"}"#, "client_modified").await?;
    check("files/upload", r#"{"path":"/x","content_hash":"abc"}"#, "content_hash").await?;
    check(append, r#"{"cursor":{"session_id":"s","offset":"5"}}"#, "cursor.offset: expected integer, got string")
        .await?;
    check(append, r#"{"cursor":{"session_id":"s","offset":5},"mute":true}"#, "unknown field 'mute'").await?;
    check(
        "files/upload_session/finish",
        r#"{"cursor":{"session_id":"s","offset":5},"commit":{"path":"x"}}"#,
        "commit.path: 'x'",
    )
    .await?;
    check("files/upload_session/start", r#"{"session_type":{".tag":"parallel"}}"#, "session_type").await?;
    // The text names the route as Dropbox spells it.
    check(append, "{", "Error in call to API function \"files/upload_session/append:2\": ").await?;
    let body = practice.post("files/download").header("Dropbox-API-Arg", r#"{"path":"/x"}"#).body("not empty");
    ensure_text(&send(body).await?, "download", "The request body is supposed to be empty, but isn't...")
}

#[tokio::test]
async fn raw_utf8_in_the_header_is_a_matter_of_the_switch() -> Result<()> {
    let practice = Practice::start().await?;
    let upload = async || {
        let raw = reqwest::header::HeaderValue::from_bytes(r#"{"path":"/été 🎬.txt"}"#.as_bytes())?;
        let request = practice.post("files/upload").header("Dropbox-API-Arg", raw);
        send(request.header("Content-Type", "application/octet-stream").body("x")).await
    };
    ensure!(upload().await?.json()?["name"] == "été 🎬.txt");
    practice.switch("raw_utf8_header", "400").await?;
    ensure_text(&upload().await?, "raw UTF-8", "could not decode input as JSON")
}

#[tokio::test]
async fn wrong_tokens_are_told_apart() -> Result<()> {
    let practice = Practice::start().await?;
    let url = practice.url("/2/users/get_current_account");
    let call = async |authorization: Option<&str>| {
        let request = practice.client.post(&url).json(&Value::Null);
        send(match authorization {
            Some(value) => request.header("Authorization", value),
            None => request,
        })
        .await
    };
    ensure_text(&call(None).await?, "no token", "Must provide HTTP header \"Authorization\"")?;
    ensure_text(
        &call(Some("Basic abc")).await?,
        "basic",
        "Invalid authorization value in HTTP header \"Authorization\"",
    )?;
    ensure_text(&call(Some("Bearer garbage")).await?, "garbage", "The given OAuth 2 access token is malformed.")?;
    let unknown = call(Some("Bearer sl.u.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")).await?;
    ensure!(unknown.said().starts_with(r#"401 {"error_summary":"invalid_access_token/""#), "{}", unknown.said());
    ensure!(unknown.header("www-authenticate") == "Bearer realm=\"Dropbox-API\"");
    practice.control(reqwest::Method::POST, "tokens/expire", &json!({"account": practice.account})).await?;
    let expired = practice.said("users/get_current_account", &Value::Null).await?;
    ensure!(
        expired == r#"401 {"error_summary":"expired_access_token/","error":{".tag":"expired_access_token"}}"#,
        "{expired}"
    );
    let narrow = json!({"account": practice.account, "client_id": "k", "scopes": ["account_info.read"]});
    let grant = practice.control(reqwest::Method::POST, "grant", &narrow).await?;
    let request = practice.client.post(practice.url("/2/files/get_metadata")).json(&json!({"path": "/x"}));
    let missing = send(request.bearer_auth(grant["access_token"].as_str().unwrap_or_default())).await?.said();
    let expected = r#"401 {"error_summary":"missing_scope/","error":{".tag":"missing_scope","required_scope":"files.metadata.read"}}"#;
    ensure!(missing == expected, "{missing}");
    Ok(())
}

#[tokio::test]
async fn names_that_dropbox_cannot_hold_are_refused() -> Result<()> {
    let practice = Practice::start().await?;
    let check = async |path: &str, expected: &str| {
        let reply = practice.content("files/upload", &json!({"path": path}), "x").await?;
        let said = reply.json()?["error"]["reason"][".tag"].as_str().unwrap_or("taken").to_owned();
        ensure!(said == expected, "{path}: {}", reply.said());
        anyhow::Ok(())
    };
    check("/fine", "taken").await?;
    check("/emoji 🎬.mp4", "taken").await?;
    check("/a/../b", "malformed_path").await?;
    check("/back\\slash", "malformed_path").await?;
    check("/trailing ", "malformed_path").await?;
    check(&format!("/{}", "x".repeat(256)), "malformed_path").await?;
    check("/desktop.ini", "disallowed_name").await?;
    check("/fine", "taken").await?;
    check("/fine/below", "conflict").await?;
    practice.switch("non_bmp", "malformed_path").await?;
    check("/emoji 🎬 2.mp4", "malformed_path").await
}

#[tokio::test]
async fn another_root_is_422() -> Result<()> {
    let practice = Practice::start().await?;
    let root = |root: &str| {
        practice.post("users/get_current_account").json(&Value::Null).header("Dropbox-API-Path-Root", root.to_owned())
    };
    ensure!(send(root(r#"{".tag":"home"}"#)).await?.is_ok());
    let refused = send(root(r#"{".tag":"root","root":"1"}"#)).await?;
    ensure!(refused.status == 422 && refused.json()?["error"]["invalid_root"][".tag"] == "user", "{}", refused.said());
    Ok(())
}
