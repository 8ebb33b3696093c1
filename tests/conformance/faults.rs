//! Every scripted fault does what it says, to the call it names and to no other.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use e2e::eventually::eventually;
use reqwest::Method;
use serde_json::{Value, json};

use crate::practice::{Practice, bytes, send};

const APPEND: &str = "files/upload_session/append_v2";
const FINISH: &str = "files/upload_session/finish";

#[tokio::test]
async fn scripted_answers() -> Result<()> {
    let practice = Practice::start().await?;
    let check = async |fault: Value, expected: &str, retry_after: &str| {
        practice.fault("users/get_space_usage", fault.clone()).await?;
        let reply = practice.rpc("users/get_space_usage", &Value::Null).await?;
        ensure!(reply.said() == expected, "{fault}: {}", reply.said());
        ensure!(reply.header("retry-after") == retry_after, "{fault}: {:?}", reply.headers);
        ensure!(practice.rpc("users/get_space_usage", &Value::Null).await?.is_ok(), "{fault} struck twice");
        anyhow::Ok(())
    };
    let busy = |reason: &str, more: &str| {
        format!(r#"429 {{"error_summary":"{reason}/","error":{{"reason":{{".tag":"{reason}"}}{more}}}}}"#)
    };
    let json_limit = json!({"kind": "rate_limit", "shape": "json", "retry_after": 15});
    check(json_limit, &busy("too_many_requests", r#","retry_after":15"#), "15").await?;
    let no_retry = json!({"kind": "rate_limit", "shape": "json_no_retry", "reason": "too_many_write_operations"});
    check(no_retry, &busy("too_many_write_operations", ""), "").await?;
    check(json!({"kind": "rate_limit", "shape": "text", "retry_after": 300}), "429 Too many requests.", "300").await?;
    check(json!({"kind": "status", "code": 503}), "503 ", "").await?;
    let edge = json!({"kind": "status", "code": 502, "body": "<html>", "content_type": "text/html", "retry_after": 3});
    check(edge, "502 <html>", "3").await?;
    let expired = r#"401 {"error_summary":"expired_access_token/","error":{".tag":"expired_access_token"}}"#;
    check(json!({"kind": "auth", "tag": "expired_access_token"}), expired, "").await?;
    let scope = r#"401 {"error_summary":"missing_scope/","error":{".tag":"missing_scope","required_scope":"x"}}"#;
    check(json!({"kind": "auth", "tag": "missing_scope", "required_scope": "x"}), scope, "").await?;
    let own = json!({"kind": "route_error", "error": {".tag": "path", "path": {".tag": "no_write_permission"}}, "user_message": "Ask Ada."});
    let said = r#"409 {"error_summary":"path/no_write_permission/","error":{".tag":"path","path":{".tag":"no_write_permission"}},"user_message":{"locale":"en","text":"Ask Ada."}}"#;
    check(own, said, "").await?;
    check(
        json!({"kind": "unknown_tag"}),
        r#"409 {"error_summary":"a_tag_of_tomorrow/","error":{".tag":"a_tag_of_tomorrow"}}"#,
        "",
    )
    .await?;
    check(json!({"kind": "truncate_json"}), r#"200 {"used":0,"allocation":{".tag":"ind"#, "").await?;
    practice.fault("users/get_space_usage", json!({"kind": "data_transport"})).await?;
    let transport = practice.rpc("users/get_space_usage", &Value::Null).await?;
    ensure!(transport.status == 403 && transport.json()?["user_message"]["locale"] == "en", "{}", transport.said());
    Ok(())
}

#[tokio::test]
async fn a_lost_answer_was_carried_out_and_a_cut_body_was_not() -> Result<()> {
    let practice = Practice::start().await?;
    let id = practice.session().await?;
    practice.fault(APPEND, json!({"kind": "lose_response"})).await?;
    ensure!(practice.append(&id, 0, false, b"hello").await.is_err());
    let repeat = practice.append(&id, 0, false, b"hello").await?;
    ensure!(repeat.json()?["error"]["correct_offset"] == 5, "{}", repeat.said());
    for (switch, expected) in [("discard", 5), ("keep", 1_000_005)] {
        practice.switch("partial_append", switch).await?;
        practice.fault(APPEND, json!({"kind": "cut_body", "after_bytes": 1_000_000, "connection": true})).await?;
        ensure!(practice.append(&id, 5, false, &bytes(3_000_000)).await.is_err());
        let asked = practice.append(&id, 0, false, b"").await?;
        ensure!(asked.json()?["error"]["correct_offset"] == expected, "{switch}: {}", asked.said());
    }
    practice.fault(FINISH, json!({"kind": "lose_response", "connection": true})).await?;
    ensure!(practice.finish(&id, 1_000_005, "/a").await.is_err());
    ensure!(practice.rpc("files/get_metadata", &json!({"path": "/a"})).await?.json()?["size"] == 1_000_005);
    Ok(())
}

#[tokio::test]
async fn faults_of_sessions() -> Result<()> {
    let practice = Practice::start().await?;
    let id = practice.session().await?;
    practice.append(&id, 0, false, b"hello").await?;
    practice.fault(APPEND, json!({"kind": "lose_bytes", "bytes": 2})).await?;
    let lost = practice.append(&id, 5, false, b"!").await?;
    ensure!(lost.json()?["error"]["correct_offset"] == 3, "{}", lost.said());
    practice.append(&id, 3, false, b"lo").await?;
    practice.fault(FINISH, json!({"kind": "wrong_content_hash"})).await?;
    ensure!(practice.finish(&id, 5, "/a").await?.json()?["content_hash"] == "0".repeat(64));
    let hash = practice.rpc("files/get_metadata", &json!({"path": "/a"})).await?.json()?["content_hash"].clone();
    ensure!(hash == "9595c9df90075148eb06860365df33584b75bff782a510c6cd4883a419833d50");
    let id = practice.session().await?;
    practice.fault(APPEND, json!({"kind": "expire_session"})).await?;
    ensure!(practice.append(&id, 0, false, b"x").await?.json()?["error"][".tag"] == "not_found");
    Ok(())
}

#[tokio::test]
async fn faults_of_commits() -> Result<()> {
    let practice = Practice::start().await?;
    let session = async || {
        let id = practice.session().await?;
        practice.append(&id, 0, false, b"hello").await?;
        anyhow::Ok(id)
    };
    let id = session().await?;
    practice.fault(FINISH, json!({"kind": "rival", "content": "mine!"})).await?;
    let refused = practice.finish(&id, 5, "/a").await?;
    ensure!(refused.json()?["error"]["path"]["conflict"][".tag"] == "file", "{}", refused.said());
    ensure!(practice.download(&json!({"path": "/a"}), None).await?.text() == "mine!");
    practice.fault(FINISH, json!({"kind": "invisible_for", "ms": 600_000})).await?;
    ensure!(practice.finish(&id, 5, "/b").await?.is_ok());
    ensure!(practice.rpc("files/get_metadata", &json!({"path": "/b"})).await?.status == 409);
    // Readers do not see it, but a writer meets it.
    ensure!(practice.content("files/upload", &json!({"path": "/b"}), "other").await?.status == 409);
    let id = session().await?;
    practice.fault(FINISH, json!({"kind": "hold_lock", "ms": 600_000})).await?;
    let locked = practice.finish(&id, 5, "/c").await?;
    ensure!(locked.json()?["error"][".tag"] == "too_many_write_operations", "{}", locked.said());
    let folder = practice.rpc("files/create_folder_v2", &json!({"path": "/d"})).await?;
    ensure!(folder.json()?["error"]["path"][".tag"] == "too_many_write_operations", "{}", folder.said());
    let deleted = practice.rpc("files/delete_v2", &json!({"path": "/a"})).await?;
    ensure!(deleted.json()?["error"][".tag"] == "too_many_write_operations", "{}", deleted.said());
    // Appending does not take the lock.
    ensure!(practice.append(&id, 5, false, b"!").await?.is_ok());
    Ok(())
}

#[tokio::test]
async fn a_zombie_takes_effect_after_its_client_gave_up() -> Result<()> {
    let practice = Practice::start().await?;
    let id = practice.session().await?;
    practice.append(&id, 0, false, b"hello").await?;
    practice.fault(FINISH, json!({"kind": "zombie", "ms": 300})).await?;
    ensure!(practice.finish(&id, 5, "/z").await.is_err());
    let metadata = async || practice.rpc("files/get_metadata", &json!({"path": "/z"})).await;
    ensure!(metadata().await?.status == 409, "it rose at once");
    eventually("the zombie's file", Duration::from_secs(10), async || Ok(metadata().await?.is_ok().then_some(()))).await
}

#[tokio::test]
async fn delays_and_holds() -> Result<()> {
    let practice = Practice::start().await?;
    practice.fault("users/get_space_usage", json!({"kind": "delay", "ms": 200})).await?;
    let started = Instant::now();
    ensure!(practice.rpc("users/get_space_usage", &Value::Null).await?.is_ok());
    ensure!(started.elapsed() >= Duration::from_millis(200));
    practice.fault("users/get_space_usage", json!({"kind": "hold"})).await?;
    let held = send(practice.post("users/get_space_usage").json(&Value::Null));
    let release = async {
        eventually("a call that runs", Duration::from_secs(10), async || {
            let calls = practice.control(Method::GET, "calls?route=users/get_space_usage", &Value::Null).await?;
            let last = calls["calls"].as_array().and_then(|calls| calls.last().cloned()).unwrap_or_default();
            Ok((last["fault"] == true && last["status"].is_null()).then_some(()))
        })
        .await?;
        practice.control(Method::DELETE, "faults", &Value::Null).await
    };
    let (held, _) = tokio::try_join!(held, release)?;
    ensure!(held.is_ok());
    Ok(())
}

#[tokio::test]
async fn scripts_count_and_calls_are_logged() -> Result<()> {
    let practice = Practice::start().await?;
    let script = json!({"route": APPEND, "nth": 2, "times": 2, "fault": {"kind": "status", "code": 500}});
    practice.control(Method::POST, "faults", &script).await?;
    let id = practice.session().await?;
    let mut statuses = Vec::new();
    for offset in 0..4 {
        let arrived = statuses.iter().filter(|&&status| status == 200).count() as u64;
        statuses.push(practice.append(&id, arrived, false, b"x").await?.status);
        ensure!(statuses.len() == offset + 1);
    }
    ensure!(statuses == [200, 500, 500, 200], "{statuses:?}");
    let log = practice
        .control(Method::GET, &format!("calls?route={APPEND}&account={}", practice.account), &Value::Null)
        .await?;
    let calls = log["calls"].as_array().cloned().unwrap_or_default();
    let logged: Vec<_> = calls.iter().map(|call| (call["status"].as_u64(), call["fault"] == true)).collect();
    ensure!(logged == [(Some(200), false), (Some(500), true), (Some(500), true), (Some(200), false)], "{log}");
    ensure!(calls[0]["bytes"] == 1, "{log}");
    let refused = practice.control(Method::POST, "faults", &json!({"route": "*", "fault": {"kind": "typo"}})).await;
    ensure!(refused.is_err());
    Ok(())
}

#[tokio::test]
async fn tokens_end_on_request_and_in_the_middle() -> Result<()> {
    let practice = Practice::start().await?;
    let id = practice.session().await?;
    practice.fault(APPEND, json!({"kind": "revoke_tokens"})).await?;
    let said = practice.append(&id, 0, false, b"x").await?.said();
    ensure!(said.starts_with(r#"401 {"error_summary":"invalid_access_token/""#), "{said}");
    ensure!(practice.rpc("users/get_space_usage", &Value::Null).await?.status == 401);
    Ok(())
}

#[tokio::test]
async fn web_pages_cannot_steer() -> Result<()> {
    let practice = Practice::start().await?;
    let request = practice.client.get(practice.url("/emulator/calls")).header("Origin", "https://example.com");
    ensure!(send(request).await?.status == 403);
    Ok(())
}

#[tokio::test]
async fn the_line_can_be_slowed() -> Result<()> {
    let practice = Practice::start().await?;
    let slow = json!({"bytes_per_second": 1_000_000, "round_trip_ms": 50});
    practice.control(Method::POST, "throttle", &slow).await?;
    let started = Instant::now();
    practice.put("/slow", &bytes(300_000)).await?;
    let elapsed = started.elapsed();
    ensure!(elapsed >= Duration::from_millis(330), "{elapsed:?}");
    practice.control(Method::POST, "throttle", &json!({})).await?;
    Ok(())
}

#[tokio::test]
async fn connections_share_the_whole_line_and_bodies_their_connection() -> Result<()> {
    let practice = Practice::start().await?;
    let content = bytes(400_000);
    let seconds = async |slow: Value, together: usize| {
        practice.control(Method::POST, "throttle", &slow).await?;
        let started = Instant::now();
        // Plain HTTP/1.1: what goes at the same time goes over connections of its own.
        let names: Vec<String> = (0..together).map(|number| format!("/slow-{number}")).collect();
        futures::future::try_join_all(names.iter().map(|name| practice.put(name, &content))).await?;
        anyhow::Ok(started.elapsed().as_secs_f64())
    };
    let each = seconds(json!({"connection_bytes_per_second": 1_000_000}), 3).await?;
    let total = seconds(json!({"total_bytes_per_second": 1_000_000}), 3).await?;
    ensure!(each > 0.38 && total > 1.18, "{each} s each, {total} s together");
    practice.control(Method::POST, "throttle", &json!({"connection_bytes_per_second": 1_000_000})).await?;
    let started = Instant::now();
    ensure!(practice.download(&json!({"path": "/slow-0"}), None).await?.body == content);
    ensure!(started.elapsed() > Duration::from_millis(370), "{:?}", started.elapsed());
    Ok(())
}
