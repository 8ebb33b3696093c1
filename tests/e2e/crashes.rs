//! Whatever is killed, whenever: the job ends completed, and the account holds the file once.

use std::time::Duration;

use anyhow::{Result, ensure};
use e2e::{
    api::Job,
    eventually::eventually,
    landed::{files, landed},
    media::clips,
    person::{ADA, Person},
    site::{Content, Ending, Hold, Resource, Visit},
    world::World,
};
use serde_json::json;

const LIMIT: Duration = Duration::from_secs(90);
const FILM: &str = "/film.mp4";
const HELD_AT: u64 = 100_000;

/// A world whose site has a plain film.
async fn world(workers: usize) -> Result<(World, Person)> {
    let (world, clips) = (World::setup().workers(workers).start().await?, clips().await?);
    world.site.publish(FILM, Resource::file("video/mp4", Content::new(clips.progressive.clone())));
    let ada = world.person(ADA).await?;
    Ok((world, ada))
}

/// One file, the right one.
async fn one_film(ada: &Person, job: &Job) -> Result<()> {
    let done = ada.api.finished(&job.id, LIMIT).await?;
    ensure!(landed(&ada.files, &done)? == clips().await?.progressive, "it landed damaged");
    let all = files(&ada.files)?;
    ensure!(all.len() == 1, "more than one file: {all:?}");
    Ok(())
}

/// Waits until the film is held in mid-download. The look that extraction takes at a plain file comes first and does not count.
async fn downloading(world: &World, ada: &Person, job: &Job) -> Result<()> {
    ada.api.until(&job.id, LIMIT, |job| job.phase.as_deref() == Some("transferring")).await?;
    let held = |visit: &Visit| visit.method == "GET" && visit.ending == Ending::Open && visit.sent_bytes == HELD_AT;
    world.site.until(FILM, |visits| visits.len() >= 2 && visits.last().is_some_and(held)).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_killed_during_the_download() -> Result<()> {
    let (mut world, ada) = world(1).await?;
    let gate = world.site.hold(FILM, Hold::Byte(HELD_AT));
    let job = ada.api.send(&world.site.url(FILM), "best").await?;
    downloading(&world, &ada, &job).await?;
    world.crash_worker(0).await?;
    gate.open();
    world.add_worker().await?;
    one_film(&ada, &job).await?;
    world.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_killed_during_the_upload() -> Result<()> {
    let (mut world, ada) = world(1).await?;
    world.emulator.fault(&json!({ "route": "files/upload_session/append_v2", "fault": { "kind": "hold" } })).await?;
    let job = ada.api.send(&world.site.url(FILM), "best").await?;
    eventually("an upload session is open", LIMIT, async || {
        Ok((!world.emulator.open_session_ids().await?.is_empty()).then_some(()))
    })
    .await?;
    world.crash_worker(0).await?;
    world.add_worker().await?;
    one_film(&ada, &job).await?;
    // Dropbox has no call to close a session: what the dead worker opened stays until it expires.
    world.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_killed_between_the_commit_and_the_record() -> Result<()> {
    let (mut world, ada) = world(1).await?;
    let late = json!({ "route": "files/upload_session/finish", "fault": { "kind": "delay", "ms": 60_000 } });
    world.emulator.fault(&late).await?;
    let job = ada.api.send(&world.site.url(FILM), "best").await?;
    eventually("the file is there", LIMIT, async || Ok((!files(&ada.files)?.is_empty()).then_some(()))).await?;
    ensure!(ada.api.job(&job.id).await?.state == "running", "the record knows already");
    world.crash_worker(0).await?;
    world.add_worker().await?;
    one_film(&ada, &job).await?;
    let starts = world.emulator.calls_of("files/upload_session/start").await?;
    ensure!(starts == 1, "it was uploaded {starts} times: the intent should have told the second worker");
    world.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_web_server_killed_while_a_job_runs() -> Result<()> {
    let (mut world, mut ada) = world(1).await?;
    let gate = world.site.hold(FILM, Hold::Byte(HELD_AT));
    let job = ada.api.send(&world.site.url(FILM), "best").await?;
    downloading(&world, &ada, &job).await?;
    world.crash_web().await?;
    gate.open();
    world.start_web().await?;
    ada.api = ada.api.moved_to(world.web()?);
    one_film(&ada, &job).await?;
    world.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_killed_while_a_job_runs() -> Result<()> {
    let (mut world, ada) = world(1).await?;
    let gate = world.site.hold(FILM, Hold::Byte(HELD_AT));
    let job = ada.api.send(&world.site.url(FILM), "best").await?;
    downloading(&world, &ada, &job).await?;
    world.restart_redis().await?;
    gate.open();
    one_film(&ada, &job).await?;
    world.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_pasted_while_no_worker_lives_waits_for_one() -> Result<()> {
    let (mut world, mut ada) = world(0).await?;
    let job = ada.api.send(&world.site.url(FILM), "best").await?;
    world.crash_web().await?;
    world.start_web().await?;
    ada.api = ada.api.moved_to(world.web()?);
    ensure!(ada.api.job(&job.id).await?.state == "queued");
    world.add_worker().await?;
    one_film(&ada, &job).await?;
    world.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_told_to_stop_hands_its_job_over() -> Result<()> {
    let (mut world, ada) = world(1).await?;
    let gate = world.site.hold(FILM, Hold::Byte(HELD_AT));
    let job = ada.api.send(&world.site.url(FILM), "best").await?;
    downloading(&world, &ada, &job).await?;
    world.stop_worker(0).await?;
    let waiting = ada.api.job(&job.id).await?;
    ensure!(waiting.state == "queued", "a drained job waits for the next worker: {waiting:#?}");
    gate.open();
    world.add_worker().await?;
    one_film(&ada, &job).await?;
    ensure!(ada.api.job(&job.id).await?.attempt == 1, "a shutdown cost an attempt");
    world.end().await
}
