//! Upload sessions: what an append or a finish is told in every state, sequential and concurrent.

use anyhow::{Result, ensure};
use reqwest::Method;
use serde_json::{Value, json};

use crate::practice::{Practice, Reply, bytes, send};

const MIB: usize = 1 << 20;

fn expect(reply: &Reply, expected: &str) -> Result<()> {
    let said = reply.said();
    ensure!(said == expected, "\n    said {said}\nexpected {expected}");
    Ok(())
}

/// A failed append, or what a failed finish wraps.
fn error(summary: &str, error: &str) -> String {
    format!(r#"409 {{"error_summary":"{summary}/","error":{error}}}"#)
}

fn lookup_failed(tag: &str) -> String {
    error(&format!("lookup_failed/{tag}"), &format!(r#"{{".tag":"lookup_failed","lookup_failed":{{".tag":"{tag}"}}}}"#))
}

fn finish_offset(correct: u64) -> String {
    let inner = format!(r#"{{".tag":"incorrect_offset","correct_offset":{correct}}}"#);
    error("lookup_failed/incorrect_offset", &format!(r#"{{".tag":"lookup_failed","lookup_failed":{inner}}}"#))
}

fn append_offset(correct: u64) -> String {
    error("incorrect_offset", &format!(r#"{{".tag":"incorrect_offset","correct_offset":{correct}}}"#))
}

fn tag(tag: &str) -> String {
    error(tag, &format!(r#"{{".tag":"{tag}"}}"#))
}

#[tokio::test]
async fn a_sequential_session_grows_at_its_end_only() -> Result<()> {
    let practice = Practice::start().await?;
    let id = practice.session().await?;
    ensure!(id.starts_with("pid_upload_session:") && id.len() > 60, "{id}");
    expect(&practice.append(&id, 0, false, b"hel").await?, "200 null")?;
    expect(&practice.append(&id, 0, false, b"hel").await?, &append_offset(3))?;
    expect(&practice.append(&id, 9, false, b"lo").await?, &append_offset(3))?;
    expect(&practice.append(&id, 3, false, b"").await?, "200 null")?;
    expect(&practice.append(&id, 3, false, b"lo").await?, "200 null")?;
    expect(&practice.append("pid_upload_session:unknown", 0, false, b"x").await?, &tag("not_found"))?;
    expect(&practice.finish(&id, 3, "/a").await?, &finish_offset(5))?;
    expect(&practice.finish("pid_upload_session:unknown", 0, "/a").await?, &lookup_failed("not_found"))?;
    let done = practice.finish(&id, 5, "/a").await?;
    let metadata = done.json()?;
    ensure!(done.is_ok() && metadata.get(".tag").is_none(), "{}", done.said());
    ensure!(metadata["content_hash"] == "9595c9df90075148eb06860365df33584b75bff782a510c6cd4883a419833d50");
    ensure!(done.header("dropbox-api-result").is_empty());
    ensure!(std::fs::read(practice.emulator.files("Ada Example").join("a"))? == b"hello");
    Ok(())
}

#[tokio::test]
async fn a_second_finish_is_a_matter_of_the_switch() -> Result<()> {
    let practice = Practice::start().await?;
    let id = practice.session().await?;
    practice.append(&id, 0, false, b"hello").await?;
    let first = practice.finish(&id, 5, "/a").await?;
    expect(&practice.finish(&id, 5, "/a").await?, &lookup_failed("not_found"))?;
    expect(&practice.append(&id, 5, false, b"x").await?, &tag("not_found"))?;
    practice.switch("finish_again", "closed").await?;
    expect(&practice.finish(&id, 5, "/a").await?, &lookup_failed("closed"))?;
    expect(&practice.append(&id, 5, false, b"x").await?, &tag("closed"))?;
    practice.switch("finish_again", "idempotent").await?;
    ensure!(practice.finish(&id, 5, "/a").await?.json()? == first.json()?);
    Ok(())
}

#[tokio::test]
async fn closing_is_for_good() -> Result<()> {
    let practice = Practice::start().await?;
    let id = practice.session().await?;
    expect(&practice.append(&id, 0, true, b"hello").await?, "200 null")?;
    expect(&practice.append(&id, 0, true, b"hello").await?, &tag("closed"))?;
    expect(&practice.append(&id, 5, false, b"x").await?, &tag("closed"))?;
    practice.switch("reclose", "incorrect_offset").await?;
    expect(&practice.append(&id, 0, true, b"hello").await?, &append_offset(5))?;
    let with_body = json!({"cursor": {"session_id": id, "offset": 5}, "commit": {"path": "/a"}});
    let late = practice.content("files/upload_session/finish", &with_body, "late").await?;
    expect(&late, &lookup_failed("closed"))?;
    ensure!(practice.finish(&id, 5, "/a").await?.is_ok());
    Ok(())
}

#[tokio::test]
async fn a_refused_finish_keeps_the_session_and_its_bytes() -> Result<()> {
    let practice = Practice::start().await?;
    practice.put("/taken", b"other").await?;
    let id = practice.session().await?;
    let arg =
        |offset: u64, path: &str| json!({"cursor": {"session_id": id, "offset": offset}, "commit": {"path": path}});
    let finish = "files/upload_session/finish";
    let taken = r#"409 {"error_summary":"path/conflict/file/","error":{".tag":"path","path":{".tag":"conflict","conflict":{".tag":"file"}}}}"#;
    expect(&practice.content(finish, &arg(0, "/taken"), "hello").await?, taken)?;
    // The bytes were appended all the same: the naive repeat hides the true reason.
    expect(&practice.content(finish, &arg(0, "/taken"), "hello").await?, &finish_offset(5))?;
    expect(&practice.content(finish, &arg(5, "/taken"), "").await?, taken)?;
    let account = format!("accounts/{}", practice.account);
    practice.control(Method::POST, &account, &json!({"quota": 9})).await?;
    let full = error("path/insufficient_space", r#"{".tag":"path","path":{".tag":"insufficient_space"}}"#);
    expect(&practice.content(finish, &arg(5, "/free"), "").await?, &full)?;
    practice.control(Method::POST, &account, &json!({"quota": 10})).await?;
    ensure!(practice.content(finish, &arg(5, "/free"), "").await?.is_ok());
    Ok(())
}

#[tokio::test]
async fn a_refused_upload_leaves_a_session_to_finish() -> Result<()> {
    let practice = Practice::start().await?;
    practice.put("/taken", b"other").await?;
    let refused = practice.content("files/upload", &json!({"path": "/taken"}), "hello").await?;
    let expected = r#"{".tag":"path","reason":{".tag":"conflict","conflict":{".tag":"file"}},"upload_session_id":"*"}"#;
    expect(&refused, &error("path/conflict/file", expected))?;
    let id = refused.json()?["error"]["upload_session_id"].as_str().unwrap_or_default().to_owned();
    ensure!(practice.finish(&id, 5, "/free").await?.is_ok());
    Ok(())
}

#[tokio::test]
async fn hashes_guard_each_body() -> Result<()> {
    let practice = Practice::start().await?;
    let id = practice.session().await?;
    let arg = |hash: &str| json!({"cursor": {"session_id": id, "offset": 0}, "content_hash": hash});
    let hello = "9595c9df90075148eb06860365df33584b75bff782a510c6cd4883a419833d50";
    let append = "files/upload_session/append_v2";
    expect(&practice.content(append, &arg(hello), "hullo").await?, &tag("content_hash_mismatch"))?;
    expect(&practice.content(append, &arg(hello), "hello").await?, "200 null")?;
    let upload = json!({"path": "/x", "content_hash": hello});
    expect(&practice.content("files/upload", &upload, "hullo").await?, &tag("content_hash_mismatch"))
}

#[tokio::test]
async fn a_concurrent_session_takes_blocks_in_any_order() -> Result<()> {
    let practice = Practice::start().await?;
    let start = "files/upload_session/start";
    let concurrent = json!({"session_type": {".tag": "concurrent"}});
    expect(&practice.content(start, &concurrent, "x").await?, &tag("concurrent_session_data_not_allowed"))?;
    let closing = json!({"session_type": "concurrent", "close": true});
    expect(&practice.content(start, &closing, "").await?, &tag("concurrent_session_close_not_allowed"))?;
    let id =
        practice.content(start, &concurrent, "").await?.json()?["session_id"].as_str().unwrap_or_default().to_owned();
    let content = bytes(9 * MIB);
    expect(&practice.append(&id, 5, false, b"x").await?, &tag("concurrent_session_invalid_offset"))?;
    expect(&practice.append(&id, 0, false, b"x").await?, &tag("concurrent_session_invalid_data_size"))?;
    // The same block several times at once: a repeat is no fault, and nobody gets into another's way.
    let block = || practice.append(&id, 4 << 20, false, &content[4 * MIB..8 * MIB]);
    for said in futures::future::try_join_all([(); 8].map(|()| block())).await? {
        expect(&said, "200 null")?;
    }
    expect(&practice.finish(&id, 9 << 20, "/c").await?, &tag("concurrent_session_not_closed"))?;
    expect(&practice.append(&id, 8 << 20, true, &content[8 * MIB..]).await?, "200 null")?;
    expect(&practice.append(&id, 0, false, &content[..4 * MIB]).await?, &tag("closed"))?;
    expect(&practice.finish(&id, 9 << 20, "/c").await?, &tag("concurrent_session_missing_data"))
}

#[tokio::test]
async fn batches_flatten_success_and_nest_failure() -> Result<()> {
    let practice = Practice::start().await?;
    let (good, open) = (practice.session().await?, practice.session().await?);
    practice.append(&good, 0, true, b"hello").await?;
    let entry = |id: &str, path: &str, offset: u64| json!({"cursor": {"session_id": id, "offset": offset}, "commit": {"path": path}});
    let entries = json!({"entries": [entry(&good, "/bad\\name", 5), entry(&good, "/a", 5), entry(&open, "/b", 0), entry("x", "/c", 0)]});
    let said = practice.said("files/upload_session/finish_batch_v2", &entries).await?;
    let expected = concat!(
        r#"200 {"entries":[{".tag":"failure","failure":{".tag":"path","path":{".tag":"malformed_path"}}},"#,
        r#"{".tag":"success","name":"a","path_lower":"/a","path_display":"/a","id":"*","client_modified":"*","server_modified":"*","rev":"*","size":5,"is_downloadable":true,"content_hash":"9595c9df90075148eb06860365df33584b75bff782a510c6cd4883a419833d50"},"#,
        r#"{".tag":"failure","failure":{".tag":"lookup_failed","lookup_failed":{".tag":"not_closed"}}},"#,
        r#"{".tag":"failure","failure":{".tag":"lookup_failed","lookup_failed":{".tag":"not_found"}}}]}"#
    );
    ensure!(said == expected, "{said}");
    practice.append(&open, 0, true, b"").await?;
    let job = practice.rpc("files/upload_session/finish_batch", &json!({"entries": [entry(&open, "/b", 0)]})).await?;
    expect(&job, r#"200 {".tag":"async_job_id","async_job_id":"*"}"#)?;
    let check = json!({"async_job_id": job.json()?["async_job_id"]});
    ensure!(practice.said("files/upload_session/finish_batch/check", &check).await? == r#"200 {".tag":"in_progress"}"#);
    let complete = practice.rpc("files/upload_session/finish_batch/check", &check).await?.json()?;
    ensure!(complete[".tag"] == "complete" && complete["entries"][0][".tag"] == "success", "{complete}");
    Ok(())
}

#[tokio::test]
async fn one_body_feeds_many_sessions() -> Result<()> {
    let practice = Practice::start().await?;
    let (first, second) = (practice.session().await?, practice.session().await?);
    let entry =
        |id: &str, offset: u64, length: u64| json!({"cursor": {"session_id": id, "offset": offset}, "length": length});
    let append = "files/upload_session/append_batch";
    let arg = json!({"entries": [entry(&first, 0, 3), entry(&second, 5, 1), entry(&first, 3, 2)]});
    let expected = concat!(
        r#"200 {"entries":[{".tag":"success"},"#,
        r#"{".tag":"failure","failure":{".tag":"incorrect_offset","correct_offset":0}},{".tag":"success"}]}"#
    );
    expect(&practice.content(append, &arg, "helXlo").await?, expected)?;
    expect(&practice.content(append, &arg, "short").await?, &tag("length_mismatch"))?;
    let metadata = practice.finish(&first, 5, "/a").await?.json()?;
    ensure!(
        metadata["content_hash"] == "9595c9df90075148eb06860365df33584b75bff782a510c6cd4883a419833d50",
        "{metadata}"
    );
    Ok(())
}

#[tokio::test]
async fn sessions_expire_and_belong_to_one_account() -> Result<()> {
    let practice = Practice::start().await?;
    let id = practice.session().await?;
    let open = async || anyhow::Ok(practice.control(Method::GET, "sessions", &Value::Null).await?["sessions"].clone());
    ensure!(open().await?[0]["session_id"] == id.as_str());
    let arg = json!({"cursor": {"session_id": id, "offset": 0}});
    let append_as = async |account: &str| {
        let grant = practice.control(Method::POST, "grant", &json!({"account": account, "client_id": "k"})).await?;
        let request = practice.client.post(practice.url("/2/files/upload_session/append_v2"));
        let request = request.bearer_auth(grant["access_token"].as_str().unwrap_or_default());
        let request = request.header("Dropbox-API-Arg", arg.to_string());
        send(request.header("Content-Type", "application/octet-stream").body("")).await
    };
    expect(&append_as("Ben Example").await?, &tag("not_found"))?;
    expect(&append_as("Ada Example").await?, "200 null")?;
    practice.switch("session_days", "2").await?;
    practice.control(Method::POST, "clock", &json!({"advance_seconds": 2 * 24 * 3600})).await?;
    expect(&append_as("Ada Example").await?, &tag("not_found"))?;
    ensure!(open().await? == json!([]));
    Ok(())
}
