//! What cannot become a file: each in plain words, in time, with nothing committed and nothing stuck.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use e2e::{
    api::Job,
    http::{body, client},
    landed::files,
    media::clips,
    person::ADA,
    site::{Resource, publish_bad},
    world::World,
};
use reqwest::{StatusCode, header::COOKIE};
use serde_json::json;

/// Well above the idle timeout that these worlds set.
const LIMIT: Duration = Duration::from_secs(90);
/// Longer than any page, shorter than what is pasted.
const PAGE: usize = 1 << 20;
/// A stream that is on air.
const LIVE: &str = "/bad/live/index.m3u8";

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_link_is_refused_at_the_door() -> Result<()> {
    let world = World::setup().workers(0).start().await?;
    let ada = world.person(ADA).await?;
    for url in ["", "no link", "ftp://example.org/a.mp4", "javascript:alert(1)", "file:///etc/passwd", "ytsearch:cats"]
    {
        let (status, problem) = ada.api.try_send(&json!({ "url": url })).await?;
        ensure!(status.is_client_error(), "{url:?}: {status} {problem}");
        ensure!(problem["title"].is_string() && problem["status"] == status.as_u16(), "{url:?}: no problem: {problem}");
    }
    let (status, problem) = ada.api.try_send(&json!({ "url": "https://a.example/v", "preset": "gif" })).await?;
    ensure!(status.is_client_error(), "{status} {problem}");
    let huge = format!("https://example.org/{}", "a".repeat(10_000_000));
    match ada.api.try_send(&json!({ "url": huge })).await {
        Ok((status, _)) => ensure!(status == StatusCode::PAYLOAD_TOO_LARGE || status.is_client_error(), "{status}"),
        // The server may hang up on a body that it will not read.
        Err(error) => ensure!(error.is::<reqwest::Error>(), "{error:#}"),
    }
    let (_, list) = ada.api.call(ada.api.request(reqwest::Method::GET, "/jobs")).await?;
    ensure!(list.to_string().matches("\"id\"").count() == 0, "something was accepted: {list}");
    world.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_form_says_what_is_wrong_whatever_is_pasted() -> Result<()> {
    let world = World::setup().workers(0).start().await?;
    let (ada, web, client) = (world.person(ADA).await?, world.web()?.to_owned(), client()?);
    let megabytes = "ten million letters ".repeat(500_000);
    for pasted in
        ["", "no link", "ftp://example.org/a.mp4", "javascript:alert(1)", "<script>alert(1)</script>", &megabytes]
    {
        let start: String = pasted.chars().take(30).collect();
        let page = client.get(&web).header(COOKIE, &ada.cookie).send().await?;
        let page = String::from_utf8(body(page, PAGE).await?)?;
        let form = [("csrf", hidden(&page, "csrf")?), ("key", hidden(&page, "key")?), ("url", pasted.to_owned())];
        let answer = client.post(format!("{web}/jobs")).header(COOKIE, &ada.cookie).form(&form).send().await?;
        let status = answer.status();
        let answer = String::from_utf8(body(answer, PAGE).await?)?;
        ensure!(status.is_client_error() && answer.contains("</html>"), "{start:?}: {status} {answer}");
        ensure!(!answer.contains("<script>alert"), "{start:?} became part of the page");
        eprintln!("{start:?}: {status}, a page of {} bytes", answer.len());
    }
    let (_, list) = ada.api.call(ada.api.request(reqwest::Method::GET, "/jobs")).await?;
    ensure!(list.to_string().matches("\"id\"").count() == 0, "something was accepted: {list}");
    world.end().await
}

/// A list of qualities that is longer than anybody reads: once is enough to know.
#[tokio::test(flavor = "multi_thread")]
async fn a_link_of_which_too_much_is_said_is_not_tried_again() -> Result<()> {
    let world = World::setup().setting("server.previews", "0").start().await?;
    let ada = world.person(ADA).await?;
    let name = "long".repeat(1500);
    let line = |number| {
        let info = "RESOLUTION=640x360,CODECS=\"avc1.42c00c\"";
        format!("#EXT-X-STREAM-INF:BANDWIDTH={number}000,{info}\n/{name}{number}.m3u8\n")
    };
    let list: String = std::iter::once("#EXTM3U\n".to_owned()).chain((1..=4000).map(line)).collect();
    world.site.publish("/much.m3u8", Resource::text("application/vnd.apple.mpegurl", list));
    let job = ada.api.run(&world.site.url("/much.m3u8"), "best", LIMIT).await?;
    ensure!(job.state == "failed" && job.failure() == "page_too_large", "{job:#?}");
    ensure!(job.attempts.len() <= 1, "it was tried again: {job:#?}");
    is_plain("/much.m3u8", &job)?;
    world.end().await
}

/// The value of a hidden field.
fn hidden(page: &str, name: &str) -> Result<String> {
    let (_, rest) = page.split_once(&format!("name=\"{name}\" value=\"")).with_context(|| format!("no {name}"))?;
    Ok(rest.split('"').next().unwrap_or_default().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_fetched_fails_in_plain_words() -> Result<()> {
    let setup = World::setup().setting("limits.attempts", "1").setting("limits.idle_timeout", "15s");
    let (world, clips) = (setup.start().await?, clips().await?);
    let published = publish_bad(&world.site, clips);
    let ada = world.person(ADA).await?;
    let cases: [(&str, &[&str]); 8] = [
        ("/bad/page", &["unsupported_site"]),
        ("/bad/403.mp4", &["private", "site_busy"]),
        ("/bad/404.mp4", &["bad_link"]),
        ("/bad/429.mp4", &["site_busy"]),
        ("/bad/500.mp4", &["site_busy"]),
        ("/bad/truncated.mp4", &["network"]),
        ("/bad/stalled.mp4", &["timed_out", "network"]),
        ("/bad/empty.mp4", &["network", "unsupported_site", "bad_link"]),
    ];
    let has_case = |path: &&str| *path == LIVE || cases.iter().any(|(case, _)| case == path);
    ensure!(published.iter().all(has_case), "a bad input has no case");
    let live = ada.api.send(&world.site.url(LIVE), "best").await?;
    let mut jobs = Vec::new();
    for (path, kinds) in cases {
        jobs.push((path, kinds, ada.api.send(&world.site.url(path), "best").await?.id));
    }
    for (path, kinds, id) in jobs {
        let job = ada.api.finished(&id, LIMIT).await?;
        ensure!(job.state == "failed" && kinds.contains(&job.failure()), "{path}: {job:#?}");
        is_plain(path, &job)?;
    }
    // What is on air is no failure: it is looked at again later, at no cost.
    let live = ada.api.until(&live.id, LIMIT, |job| job.state == "retrying").await?;
    ensure!(live.failure() == "live_not_finished" && live.attempt == 0, "{live:#?}");
    is_plain(LIVE, &live)?;
    ada.api.cancel(&live.id).await?;
    let landed = files(&ada.files)?;
    ensure!(landed.is_empty(), "something was committed: {landed:?}");
    world.end().await
}

/// Its message is for people.
fn is_plain(path: &str, job: &Job) -> Result<()> {
    let message = job.error.as_ref().map(|error| error.message.as_str()).unwrap_or_default();
    // For people: a sentence, without addresses, paths, or the words of tools.
    let machine = ["http://", "127.0.0.1", "/tmp", "yt-dlp", "ffmpeg", "ERROR", "Traceback", "HTTP"];
    ensure!(
        message.len() > 10 && message.ends_with('.') && !machine.iter().any(|word| message.contains(word)),
        "{message}"
    );
    eprintln!("{path}: {message}");
    Ok(())
}
