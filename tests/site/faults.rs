//! The site's misbehaviour, as a plain client and yt-dlp see it.

use anyhow::{Result, ensure};
use e2e::{
    http::{body, client},
    media::clips,
    site::{Announce, Content, Delivery, Ending, Hold, Resource, Site, publish_bad, publish_heavy},
};

use serde_json::json;

use crate::yt_dlp::{download, info};

const GIGABYTE: u64 = 1_000_000_000;

/// A site with a hundred thousand bytes at `/file`, and what they are.
async fn site() -> Result<(Site, Vec<u8>)> {
    let site = Site::start().await?;
    let bytes: Vec<u8> = (0..100_000u32).map(|number| number.to_le_bytes()[number as usize % 3]).collect();
    site.publish("/file", Resource::file("video/mp4", Content::new(bytes.clone())));
    Ok((site, bytes))
}

#[tokio::test]
async fn ranges_and_validators() -> Result<()> {
    let (site, bytes) = site().await?;
    let get = client()?.get(site.url("/file"));
    let get = |range: &str| get.try_clone().map(|get| get.header("range", range)).ok_or(anyhow::anyhow!("a body"));
    let part = get("bytes=10-19")?.send().await?;
    ensure!(part.status() == 206 && part.headers()["content-range"] == "bytes 10-19/100000", "{part:?}");
    let etag = part.headers()["etag"].clone();
    ensure!(body(part, 100).await? == bytes[10..20]);
    ensure!(get("bytes=10-19")?.header("if-range", etag).send().await?.status() == 206);
    ensure!(get("bytes=10-19")?.header("if-range", "\"another\"").send().await?.status() == 200);
    ensure!(get("bytes=100000-")?.send().await?.status() == 416);
    let head = client()?.head(site.url("/file")).send().await?;
    ensure!(head.headers()["content-length"] == "100000" && head.headers()["accept-ranges"] == "bytes", "{head:?}");
    Ok(())
}

#[tokio::test]
async fn lengths_may_be_missing_or_wrong() -> Result<()> {
    let (site, bytes) = site().await?;
    let check = async |announce: Announce, head: Option<u64>, get: Option<u64>, whole: bool| -> Result<()> {
        site.deliver("/file", Delivery { announce, ..Delivery::default() });
        let length = |response: &reqwest::Response| {
            response.headers().get("content-length").and_then(|value| value.to_str().ok()?.parse::<u64>().ok())
        };
        let answer = client()?.head(site.url("/file")).send().await?;
        ensure!(length(&answer) == head, "{announce:?}: {answer:?}");
        let answer = client()?.get(site.url("/file")).header("range", "bytes=5-9").send().await?;
        ensure!(answer.status() == 200 && length(&answer) == get, "{announce:?}: {answer:?}");
        ensure!(body(answer, 200_000).await.is_ok_and(|got| got == bytes) == whole, "{announce:?}");
        Ok(())
    };
    check(Announce::Nothing, None, None, true).await?;
    check(Announce::ClaimInHead(7), Some(7), None, true).await?;
    check(Announce::Claim(200_000), Some(200_000), Some(200_000), false).await
}

#[tokio::test]
async fn faults_strike_as_often_as_told() -> Result<()> {
    let (site, bytes) = site().await?;
    let get = async || anyhow::Ok(client()?.get(site.url("/file")).send().await?);
    site.deliver("/file", Delivery { retry_after_s: Some(7), ..Delivery::status(429) }.times(2));
    for _ in 0..2 {
        let refused = get().await?;
        ensure!(refused.status() == 429 && refused.headers()["retry-after"] == "7", "{refused:?}");
    }
    site.deliver("/file", Delivery::cut_at(50_000).times(1));
    ensure!(body(get().await?, 200_000).await.is_err(), "a cut body looks whole");
    ensure!(body(get().await?, 200_000).await? == bytes, "it never recovers");
    let endings: Vec<_> = site.visits("/file").iter().map(|visit| (visit.status, visit.ending)).collect();
    ensure!(endings[2..] == [(200, Ending::Broken), (200, Ending::Complete)], "{endings:?}");
    Ok(())
}

#[tokio::test]
async fn a_gate_holds_at_its_byte_and_a_stall_lasts() -> Result<()> {
    let (site, bytes) = site().await?;
    let gate = site.hold("/file", Hold::Byte(60_000));
    let download = tokio::spawn({
        let get = client()?.get(site.url("/file"));
        async move { body(get.send().await?, 200_000).await }
    });
    gate.reached(1).await?;
    ensure!(site.visits("/file")[0].sent_bytes == 60_000, "{:?}", site.visits("/file"));
    gate.open();
    ensure!(download.await?? == bytes, "the body changed on its way through the gate");

    site.deliver("/file", Delivery::stall_at(1_000));
    let mut response = client()?.get(site.url("/file")).send().await?;
    ensure!(response.chunk().await?.is_some_and(|chunk| chunk.len() == 1_000));
    drop(response);
    site.until("/file", |visits| visits.len() == 2 && visits[1].ending == Ending::Broken).await?;
    Ok(())
}

#[tokio::test]
async fn scripts_can_do_over_http_what_tests_do_in_rust() -> Result<()> {
    let (site, bytes) = site().await?;
    let order = async |call: &str, json: serde_json::Value| {
        anyhow::Ok(client()?.post(site.url(&format!("/control/{call}"))).json(&json).send().await?.status())
    };
    let delivery = json!({ "status": 503, "times": 1 });
    ensure!(order("delivery", json!({ "path": "/file", "delivery": delivery })).await? == 200);
    ensure!(client()?.get(site.url("/file")).send().await?.status() == 503);
    ensure!(order("hold", json!({ "path": "/file", "byte": 10 })).await? == 200);
    let mut held = client()?.get(site.url("/file")).send().await?;
    ensure!(held.chunk().await?.is_some_and(|chunk| chunk == bytes[..10]));
    ensure!(order("open", json!({ "path": "/file" })).await? == 200);
    ensure!(body(held, 200_000).await? == bytes[10..]);
    let visits = body(client()?.get(site.url("/control/visits")).send().await?, 10_000).await?;
    let visits: serde_json::Value = serde_json::from_slice(&visits)?;
    ensure!(visits[1]["sent_bytes"] == 100_000 && visits[1]["ending"] == "complete", "{visits:#}");
    ensure!(order("delivery", json!({ "path": "/file", "delivery": { "typo": 1 } })).await? == 400);
    ensure!(order("nonsense", json!({ "path": "/file" })).await? == 400);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn heavy_inputs_are_known_to_yt_dlp_and_as_large_as_they_claim() -> Result<()> {
    let site = Site::start().await?;
    for heavy in publish_heavy(&site, clips().await?, GIGABYTE) {
        let info = info(&site.url(&heavy.path)).await?;
        ensure!(info["formats"].as_array().is_some_and(|formats| !formats.is_empty()), "{}", heavy.kind);
        let mut sum = 0;
        for file in &heavy.files {
            let response = client()?.get(site.url(file)).header("range", "bytes=-1").send().await?;
            if response.status() == 206 {
                let range = response.headers()["content-range"].to_str()?.to_owned();
                sum += range.rsplit('/').next().unwrap_or_default().parse::<u64>()?;
            } else {
                ensure!(response.headers().get("content-length").is_none(), "{}: {file} tells its size", heavy.kind);
                ensure!(!heavy.announced, "{}", heavy.kind);
            }
        }
        ensure!(sum == 0 || sum >= GIGABYTE, "{}: {sum}", heavy.kind);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_inputs_are_bad() -> Result<()> {
    let (site, clips) = (Site::start().await?, clips().await?);
    let paths = publish_bad(&site, clips);
    for path in paths.into_iter().filter(|path| !path.contains("stalled") && !path.contains("live")) {
        let result = download(&site.url(path), "b").await;
        ensure!(result.is_err(), "{path} could be downloaded");
    }
    ensure!(info(&site.url("/bad/live/index.m3u8")).await?["is_live"] == true);
    Ok(())
}
