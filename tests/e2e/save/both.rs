//! "Send and save": to the device and to the Dropbox, fetched once; and what becomes of each side when the other ends.

use std::{path::PathBuf, time::Duration};

use anyhow::{Context, Result, ensure};
use e2e::{
    api::Job,
    browser::Browser,
    http::{body, client},
    landed::{files, landed, path},
    media::clips,
    site::{Content, Line, Resource, Stream},
};
use reqwest::{
    Method, Response, StatusCode,
    header::{CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_LOCATION, COOKIE, ETAG, IF_RANGE, RANGE},
};
use serde_json::json;

use super::{House, LIMIT, MEGABYTE, MOST, header, house};

const MIB: u64 = 1 << 20;
/// What going on elsewhere may cost, in bytes sent or fetched again.
const AGAIN: u64 = 8 * MIB;
/// Of a film, what is read more than once: its headers, and the tables of its fragments.
const HEADERS: u64 = 2 * MIB;

impl House {
    fn both(&self, link: &str, preset: &str) -> reqwest::RequestBuilder {
        self.ada.api.request(Method::POST, "/save").json(&json!({ "url": link, "preset": preset }))
    }

    /// Begins it; the answer, and the job on the way to the Dropbox.
    async fn begin(&self, link: &str, preset: &str) -> Result<(Response, String)> {
        let answer = self.both(link, preset).send().await?;
        ensure!(answer.status() == StatusCode::OK, "{answer:?}");
        let job = header(&answer, "sluice-job").to_owned();
        Ok((answer, job))
    }

    /// The job of the device's side.
    async fn device(&self) -> Result<Job> {
        let (_, all) = self.ada.api.call(self.ada.api.request(Method::GET, "/jobs?limit=20")).await?;
        let all: Vec<Job> = serde_json::from_value(all["jobs"].clone())?;
        all.into_iter().find(|job| job.destination == "device").context("no file for a device")
    }

    /// Bytes that the site gave of these media.
    fn fetched(&self, stream: &Stream) -> u64 {
        let visits = stream.files.iter().flat_map(|(path, _)| self.world.site.visits(path));
        visits.filter(|visit| visit.method == "GET").map(|visit| visit.sent_bytes).sum()
    }

    /// Is one file in the Dropbox, and is it the right one? Gives its bytes.
    async fn arrived(&self, stream: &Stream, job: &str) -> Result<(Job, Vec<u8>)> {
        let job = self.ada.api.finished(job, LIMIT).await?;
        let bytes = landed(&self.ada.files, &job)?;
        stream.compare(&path(&self.ada.files, &job)?).await?;
        let all = files(&self.ada.files)?;
        ensure!(all.len() == 1, "more than one file: {all:?}");
        Ok((job, bytes))
    }

    fn slow(&self, megabytes: u64) {
        self.world.site.shape(Line { bytes_per_second: Some(megabytes * MEGABYTE), ..Line::default() });
    }
}

/// Reads so many bytes of an answer that goes on.
async fn read(answer: &mut Response, least: u64) -> Result<u64> {
    let mut came = 0;
    while came < least {
        came += answer.chunk().await?.context("it ended")?.len() as u64;
    }
    Ok(came)
}

async fn house_with_worker(megabytes: u64, settings: &[(&str, &str)]) -> Result<House> {
    let mut house = house(megabytes, settings).await?;
    house.world.add_worker().await?;
    Ok(house)
}

#[tokio::test(flavor = "multi_thread")]
async fn one_fetch_brings_the_same_bytes_to_both() -> Result<()> {
    for pair in [false, true] {
        let house = house_with_worker(24, &[]).await?;
        let stream = if pair { &house.pair } else { &house.single };
        let (answer, job) = house.begin(&house.link(stream), "best").await?;
        let (etag, length) = (header(&answer, ETAG).to_owned(), header(&answer, CONTENT_LENGTH).to_owned());
        let again = format!("{}{}", house.world.web()?, header(&answer, CONTENT_LOCATION));
        ensure!(header(&answer, CONTENT_DISPOSITION).starts_with("attachment"), "{answer:?}");
        let saved = body(answer, MOST).await?;
        let (job, sent) = house.arrived(stream, &job).await?;
        ensure!(saved == sent && length == sent.len().to_string(), "{} and {} bytes", saved.len(), sent.len());
        let by_web =
            |attempt: &serde_json::Value| attempt["worker"].as_str().is_some_and(|who| who.starts_with("web-"));
        ensure!(job.attempt == 1 && job.attempts.iter().all(by_web), "{job:#?}");
        let (fetched, media) = (house.fetched(stream), stream.bytes());
        let uploaded = house.world.emulator.bytes_sent(&house.ada.account).await?;
        eprintln!("{}: {media} bytes of media, {fetched} fetched, {uploaded} sent", stream.path);
        // Further connections to a site that seems slow cut the first one, with what was on its way.
        ensure!(fetched <= media + AGAIN, "{fetched} bytes were fetched of {media}");
        ensure!(uploaded == sent.len() as u64, "{uploaded} bytes were sent of {}", sent.len());
        let device = house.ada.api.finished(&house.device().await?.id, LIMIT).await?;
        ensure!(device.state == "completed" && device.bytes_out == sent.len() as u64, "{device:#?}");

        // Whoever has to go on with it gets the same bytes, of any process.
        let rest = client()?.get(again).bearer_auth(house.ada.api.token());
        let rest = rest.header(RANGE, "bytes=1000000-").header(IF_RANGE, &etag).send().await?;
        ensure!(rest.status() == StatusCode::PARTIAL_CONTENT && header(&rest, ETAG) == etag, "{rest:?}");
        ensure!(body(rest, MOST).await? == sent[1_000_000..], "other bytes");
        house.is_at_rest(house.world.web_process()?).await?;
        house.world.end().await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_passes_once_and_what_is_converted_goes_to_both_as_well() -> Result<()> {
    let house = house_with_worker(1, &[]).await?;
    let segments = house.world.site.publish_segments("segments", &clips().await?.hls_ts["part000.ts"], 20);
    let clip = Resource::file("video/mp4", Content::new(clips().await?.progressive.clone()));
    house.world.site.publish("/clip.mp4", clip);
    for (path, preset) in [(segments.as_str(), "best"), ("/clip.mp4", "audio"), ("/clip.mp4", "mp3")] {
        let (answer, job) = house.begin(&house.world.site.url(path), preset).await?;
        let saved = body(answer, MOST).await?;
        let job = house.ada.api.finished(&job, LIMIT).await?;
        ensure!(job.attempt == 1 && landed(&house.ada.files, &job)? == saved, "{path} as {preset}: {job:#?}");
    }
    house.is_at_rest(house.world.web_process()?).await?;
    house.world.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tab_that_closes_leaves_the_rest_to_a_worker() -> Result<()> {
    for pair in [false, true] {
        let house = house_with_worker(40, &[("worker.concurrency", "1")]).await?;
        let stream = if pair { &house.pair } else { &house.single };
        house.slow(10);
        let (mut answer, job) = house.begin(&house.link(stream), "best").await?;
        read(&mut answer, 24 * MEGABYTE).await?;
        let before = house.ada.api.job(&job).await?;
        ensure!(before.state == "running" && before.bytes_out > 8 * MEGABYTE, "{before:#?}");
        drop(answer);
        let (done, bytes) = house.arrived(stream, &job).await?;
        // Nothing was wrong: it costs no attempt.
        ensure!(done.attempt == 1 && done.attempts[0]["end"] == "handback", "{done:#?}");
        let uploaded = house.world.emulator.bytes_sent(&house.ada.account).await? - bytes.len() as u64;
        let fetched = house.fetched(stream).saturating_sub(stream.bytes());
        eprintln!("{}: sent again {uploaded}, fetched again {fetched} bytes", stream.path);
        ensure!(uploaded <= AGAIN, "{uploaded} bytes were sent again");
        // What the two had read ahead, and what the line had taken of the site, is lost with the process's part.
        ensure!(fetched <= 2 * AGAIN + HEADERS, "{fetched} bytes were fetched again");
        let device = house.ada.api.finished(&house.device().await?.id, LIMIT).await?;
        ensure!(device.state == "cancelled", "{device:#?}");
        house.is_at_rest(house.world.web_process()?).await?;
        house.world.end().await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_takes_nothing_is_let_go_and_a_worker_goes_on() -> Result<()> {
    let house = house_with_worker(40, &[("limits.stream_idle", "2s")]).await?;
    let (mut answer, job) = house.begin(&house.link(&house.single), "best").await?;
    read(&mut answer, MEGABYTE).await?;
    let (done, bytes) = house.arrived(&house.single, &job).await?;
    ensure!(done.attempt == 1, "{done:#?}");
    let uploaded = house.world.emulator.bytes_sent(&house.ada.account).await? - bytes.len() as u64;
    ensure!(uploaded <= AGAIN, "{uploaded} bytes were sent again");
    drop(answer);
    house.is_at_rest(house.world.web_process()?).await?;
    house.world.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_web_server_that_is_killed_is_succeeded_by_a_worker() -> Result<()> {
    for pair in [false, true] {
        let mut house = house_with_worker(40, &[]).await?;
        let stream = if pair { house.pair.clone() } else { house.single.clone() };
        house.slow(10);
        let (mut answer, job) = house.begin(&house.link(&stream), "best").await?;
        read(&mut answer, 24 * MEGABYTE).await?;
        house.world.crash_web().await?;
        drop(answer);
        house.world.start_web().await?;
        house.ada.api = house.ada.api.moved_to(house.world.web()?);
        let (done, bytes) = house.arrived(&stream, &job).await?;
        ensure!(done.attempt == 2 && done.attempts[0]["end"] == "lost", "{done:#?}");
        let uploaded = house.world.emulator.bytes_sent(&house.ada.account).await? - bytes.len() as u64;
        let fetched = house.fetched(&stream).saturating_sub(stream.bytes());
        eprintln!("{}: sent again {uploaded}, fetched again {fetched} bytes", stream.path);
        ensure!(uploaded <= AGAIN, "{uploaded} bytes were sent again");
        ensure!(fetched <= 2 * AGAIN + HEADERS, "{fetched} bytes were fetched again");
        // Whoever comes next to where files are spooled sweeps out what the dead one had there.
        let next = house.ask(&stream, &[("range", "bytes=0-9")]).await?;
        ensure!(body(next, MOST).await?.len() == 10, "it gives no files");
        house.world.end().await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_web_server_that_stops_hands_its_jobs_over() -> Result<()> {
    let mut house = house_with_worker(40, &[]).await?;
    let (own, stopping) = (house.ada.api.clone(), house.world.another_web().await?);
    house.slow(10);
    house.ada.api = own.moved_to(stopping.address());
    let (mut answer, job) = house.begin(&house.link(&house.single), "best").await?;
    read(&mut answer, 24 * MEGABYTE).await?;
    house.ada.api = own;
    stopping.stop().await?;
    let (done, bytes) = house.arrived(&house.single, &job).await?;
    ensure!(done.attempt == 1 && done.attempts[0]["end"] == "handback", "{done:#?}");
    let uploaded = house.world.emulator.bytes_sent(&house.ada.account).await? - bytes.len() as u64;
    eprintln!("sent again {uploaded} bytes");
    ensure!(uploaded <= AGAIN, "{uploaded} bytes were sent again");
    drop(answer);
    house.world.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropbox_that_refuses_in_the_middle_costs_the_device_nothing() -> Result<()> {
    let house = house_with_worker(24, &[]).await?;
    house.slow(8);
    let (mut answer, job) = house.begin(&house.link(&house.pair), "best").await?;
    let length: u64 = header(&answer, CONTENT_LENGTH).parse()?;
    let mut came = read(&mut answer, 8 * MEGABYTE).await?;
    house.world.emulator.tokens("revoke", &house.ada.account).await?;
    while let Some(chunk) = answer.chunk().await? {
        came += chunk.len() as u64;
    }
    ensure!(came == length, "{came} bytes of {length}");
    let job = house.ada.api.finished(&job, LIMIT).await?;
    ensure!(job.state == "failed" && job.failure() == "dropbox_disconnected", "{job:#?}");
    let device = house.ada.api.finished(&house.device().await?.id, LIMIT).await?;
    ensure!(device.state == "completed", "{device:#?}");
    let fetched = house.fetched(&house.pair);
    ensure!(fetched <= house.pair.bytes() + AGAIN, "{fetched} bytes were fetched");
    house.is_at_rest(house.world.web_process()?).await?;
    house.world.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropbox_that_is_busy_or_full_is_nothing_to_the_device() -> Result<()> {
    let house = house_with_worker(24, &[]).await?;
    house.slow(8);
    // It asks to come back later: the device goes on, and a worker comes back.
    let busy = json!({ "route": "files/upload_session/append_v2", "nth": 2, "fault": { "kind": "rate_limit", "shape": "json", "retry_after": 20 } });
    house.world.emulator.fault(&busy).await?;
    let (answer, job) = house.begin(&house.link(&house.single), "best").await?;
    let saved = body(answer, MOST).await?;
    house.single.files[0].1.compare(&scratch(&house, &saved)?)?;
    let waiting = house.ada.api.job(&job).await?;
    ensure!(waiting.state == "retrying" && waiting.failure() == "dropbox_busy", "{waiting:#?}");
    let (done, sent) = house.arrived(&house.single, &job).await?;
    ensure!(sent == saved && done.attempt == 1, "{done:#?}");
    // There is no room for it.
    house.world.emulator.account(&house.ada.account, &json!({ "quota": 30 * MEGABYTE })).await?;
    let (answer, job) = house.begin(&house.link(&house.pair), "best").await?;
    ensure!(body(answer, MOST).await?.len() as u64 > 20 * MEGABYTE, "it is short");
    let job = house.ada.api.finished(&job, LIMIT).await?;
    ensure!(job.state == "refused" && job.failure() == "quota_exceeded", "{job:#?}");
    house.is_at_rest(house.world.web_process()?).await?;
    house.world.end().await
}

fn scratch(house: &House, bytes: &[u8]) -> Result<PathBuf> {
    let file = house.world.scratch("saved")?.join("file");
    std::fs::write(&file, bytes)?;
    Ok(file)
}

#[tokio::test(flavor = "multi_thread")]
async fn one_side_that_is_cancelled_does_not_end_the_other() -> Result<()> {
    let house = house_with_worker(24, &[]).await?;
    house.slow(8);
    let link = house.link(&house.single);
    let (mut answer, job) = house.begin(&link, "best").await?;
    let mut came = read(&mut answer, 6 * MEGABYTE).await?;
    house.ada.api.cancel(&job).await?;
    while let Some(chunk) = answer.chunk().await? {
        came += chunk.len() as u64;
    }
    ensure!(came == house.single.bytes(), "{came} bytes of {}", house.single.bytes());
    let cancelled = house.ada.api.finished(&job, LIMIT).await?;
    ensure!(cancelled.state == "cancelled" && files(&house.ada.files)?.is_empty(), "{cancelled:#?}");

    let (mut answer, job) = house.begin(&link, "best").await?;
    read(&mut answer, 6 * MEGABYTE).await?;
    house.ada.api.cancel(&house.device().await?.id).await?;
    let rest = async {
        while answer.chunk().await?.is_some() {}
        anyhow::Ok(())
    };
    ensure!(tokio::time::timeout(Duration::from_secs(5), rest).await?.is_err(), "it ended well");
    let (done, _) = house.arrived(&house.single, &job).await?;
    ensure!(done.attempt == 1, "{done:#?}");

    // It is there: the device has it alone, and no second job is made.
    let (answer, same) = house.begin(&link, "best").await?;
    ensure!(same == job && body(answer, MOST).await?.len() as u64 == house.single.bytes(), "{same} is not {job}");
    // Where there is a pause, the job waits, and the device does not.
    house.world.command(&["queue", "pause"]).await?;
    let (answer, waits) = house.begin(&house.link(&house.pair), "best").await?;
    ensure!(body(answer, MOST).await?.len() as u64 > 20 * MEGABYTE, "it is short");
    ensure!(house.ada.api.job(&waits).await?.state == "queued", "it does not wait");
    house.world.command(&["queue", "resume"]).await?;
    let sent = house.ada.api.finished(&waits, LIMIT).await?;
    ensure!(sent.state == "completed", "{sent:#?}");
    house.is_at_rest(house.world.web_process()?).await?;
    house.world.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_form_of_ones_own_starts_it_and_a_list_is_no_file() -> Result<()> {
    let house = house(1, &[]).await?;
    let link = house.link(&house.single);
    let forged = [("csrf", "guessed"), ("url", link.as_str()), ("preset", "best"), ("folder", "/"), ("send", "1")];
    let answer = client()?.post(format!("{}/save", house.world.web()?)).header(COOKIE, &house.ada.cookie).form(&forged);
    let answer = answer.send().await?;
    ensure!(answer.status() == StatusCode::FORBIDDEN, "{answer:?}");
    let (_, jobs) = house.ada.api.call(house.ada.api.request(Method::GET, "/jobs")).await?;
    ensure!(jobs["jobs"].as_array().is_some_and(Vec::is_empty), "{jobs}");
    // The page's own form needs no script.
    let page = client()?.get(house.world.web()?).header(COOKIE, &house.ada.cookie).send().await?;
    let page = String::from_utf8(body(page, MOST).await?)?;
    let csrf =
        page.split("name=\"csrf\" value=\"").nth(1).and_then(|rest| rest.split('"').next()).context("no token")?;
    let own = [("csrf", csrf), ("url", link.as_str()), ("preset", "best"), ("folder", "/"), ("send", "1")];
    let answer = client()?.post(format!("{}/save", house.world.web()?)).header(COOKIE, &house.ada.cookie).form(&own);
    let answer = answer.send().await?;
    ensure!(header(&answer, CONTENT_DISPOSITION).starts_with("attachment"), "{answer:?}");
    ensure!(header(&answer, CONTENT_LOCATION).starts_with("/save?url="), "{answer:?}");
    let job = header(&answer, "sluice-job").to_owned();
    house.single.files[0].1.compare(&scratch(&house, &body(answer, MOST).await?)?)?;
    house.arrived(&house.single, &job).await?;
    let known = house.both(&link, "best").json(&json!({ "url": link, "idempotency_key": "k" })).send().await?;
    ensure!(header(&known, "sluice-job") == job, "{known:?}");
    drop(known);
    let videos = [house.single.path.as_str(), house.pair.path.as_str()];
    let list = house.world.site.publish_playlist("list", "A list", &videos);
    let answer = house.both(&house.world.site.url(&list), "best").send().await?;
    ensure!(answer.status() == StatusCode::UNPROCESSABLE_ENTITY, "{answer:?}");
    house.is_at_rest(house.world.web_process()?).await?;
    house.world.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_sends_and_saves_with_one_click() -> Result<()> {
    let house = house_with_worker(24, &[]).await?;
    let browser = Browser::open(1040, 900).await?;
    browser.go(house.world.web()?).await?;
    browser.click("a.button.primary").await?;
    browser.click("button[value=allow]").await?;
    browser.find("#url").await?;
    // Slow enough to be looked at.
    house.slow(6);
    browser.type_into("#url", &house.link(&house.pair)).await?;
    browser.reads("#preview .what", "Stream pair").await?;
    browser.picture("desk-both-1-form").await?;
    browser.click("button[name=send]").await?;
    browser.reads("main", "Saving to this device").await?;
    browser.reads("main", "in Dropbox").await?;
    browser.picture("desk-both-2-running").await?;
    let file = browser.downloaded("Stream pair.mp4").await?;
    house.pair.compare(&file).await?;
    browser.reads("main", "Saved to this device").await?;
    browser.reads("main", "Landed in your Dropbox").await?;
    browser.picture("desk-both-3-done").await?;
    browser.is_sound().await?;
    let all = files(&house.ada.files)?;
    ensure!(all.len() == 1, "{all:?}");
    ensure!(std::fs::read(&file)? == std::fs::read(house.ada.files.join(&all[0]))?, "other bytes");
    browser.close().await?;
    let fetched = house.fetched(&house.pair);
    ensure!(fetched <= house.pair.bytes() + AGAIN, "{fetched} bytes were fetched of {}", house.pair.bytes());
    house.is_at_rest(house.world.web_process()?).await?;
    house.world.end().await
}
