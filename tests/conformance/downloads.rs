//! Bytes out: whole, in ranges, by id and revision, through links.

use anyhow::{Result, ensure};
use reqwest::Method;
use serde_json::{Value, json};

use crate::practice::{Practice, bytes, send};

#[tokio::test]
async fn downloads_and_ranges() -> Result<()> {
    let practice = Practice::start().await?;
    let content = bytes(300_000);
    let metadata = practice.put("/Ordner/é🎬.bin", &content).await?;
    let whole = practice.download(&json!({"path": "/ordner/É🎬.BIN"}), None).await?;
    ensure!(whole.status == 200 && whole.body == content);
    let result: Value = serde_json::from_str(whole.header("dropbox-api-result"))?;
    ensure!(result == metadata && whole.header("dropbox-api-result").is_ascii(), "{result}");
    ensure!(whole.header("content-length") == "300000" && whole.header("accept-ranges") == "bytes");
    for path in [metadata["id"].clone(), format!("rev:{}", metadata["rev"].as_str().unwrap_or_default()).into()] {
        let part = practice.download(&json!({"path": path}), Some("bytes=100000-199999")).await?;
        ensure!(part.status == 206 && part.body == content[100_000..200_000], "{path}");
        ensure!(part.header("content-range") == "bytes 100000-199999/300000");
        ensure!(part.header("dropbox-api-result") == whole.header("dropbox-api-result"));
    }
    let outside = async || practice.download(&json!({"path": "/ordner/é🎬.bin"}), Some("bytes=300000-")).await;
    ensure!(outside().await?.status == 416);
    practice.switch("range_error", "409").await?;
    let said = outside().await?.said();
    ensure!(
        said == r#"409 {"error_summary":"range/not_satisfiable/","error":{".tag":"range","range":{".tag":"not_satisfiable"}}}"#,
        "{said}"
    );
    let request = practice.client.get(practice.url("/2/files/download")).bearer_auth(&practice.token);
    let request =
        request.query(&[("arg", r#"{"path":"/ordner/é🎬.bin"}"#)]).header("If-None-Match", whole.header("etag"));
    ensure!(send(request).await?.status == 304);
    let missing = practice.download(&json!({"path": "/nothing"}), None).await?.said();
    ensure!(
        missing == r#"409 {"error_summary":"path/not_found/","error":{".tag":"path","path":{".tag":"not_found"}}}"#
    );
    Ok(())
}

#[tokio::test]
async fn links_lead_to_the_bytes() -> Result<()> {
    let practice = Practice::start().await?;
    practice.put("/Videos/a b.mp4", b"hello").await?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let made = practice.rpc("files/get_temporary_link", &json!({"path": "/Videos/a b.mp4"})).await?.json()?;
    let temporary = text(&made["link"]);
    let part = send(practice.client.get(&temporary).header("Range", "bytes=1-3")).await?;
    ensure!(part.status == 206 && part.body == b"ell", "{}", part.said());
    let create = "sharing/create_shared_link_with_settings";
    let shared = practice.rpc(create, &json!({"path": "/Videos/a b.mp4"})).await?.json()?;
    let opened = send(practice.client.get(text(&shared["url"]))).await?;
    ensure!(
        opened.body == b"hello" && opened.header("content-disposition").starts_with("attachment"),
        "{}",
        opened.said()
    );
    let folder = practice.rpc(create, &json!({"path": "/Videos"})).await?.json()?;
    ensure!(
        folder[".tag"] == "folder" && send(practice.client.get(text(&folder["url"]))).await?.text().contains("a b.mp4")
    );
    practice.control(Method::POST, "clock", &json!({"advance_seconds": 4 * 3600})).await?;
    ensure!(send(practice.client.get(&temporary)).await?.status == 410);
    Ok(())
}

#[tokio::test]
async fn a_person_finds_the_file_at_home() -> Result<()> {
    let practice = Practice::start().await?;
    practice.put("/A B/é <x>?.mp4", b"hello").await?;
    let page = send(practice.client.get(practice.url("/home/A%20B?preview=%C3%A9+%3Cx%3E%3F.mp4"))).await?;
    let html = page.text();
    ensure!(page.status == 200 && html.contains("Ada Example") && !html.contains("Ben Example"), "{html}");
    ensure!(
        html.contains("é &lt;x&gt;?.mp4") && html.contains(&practice.directory.path().display().to_string()),
        "{html}"
    );
    let link = html.split("href=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_default();
    ensure!(send(practice.client.get(link)).await?.body == b"hello", "{html}");
    Ok(())
}
