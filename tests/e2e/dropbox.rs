//! Dropbox as it is on a bad day: whatever it answers, one whole file lands, or the person reads why not.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use e2e::{
    landed::{files, landed},
    media::clips,
    person::{ADA, Person},
    site::{Content, Resource},
    world::World,
};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(90);
const START: &str = "files/upload_session/start";
const APPEND: &str = "files/upload_session/append_v2";
const FINISH: &str = "files/upload_session/finish";

#[tokio::test(flavor = "multi_thread")]
async fn what_passes_is_survived() -> Result<()> {
    let (world, clips) = (World::start().await?, clips().await?);
    let ada = world.person(ADA).await?;
    let cut = json!({ "kind": "cut_body", "after_bytes": 1000, "connection": true });
    let lost = json!({ "kind": "lose_response", "connection": true });
    let slow_down = |shape: &str| json!({ "kind": "rate_limit", "shape": shape, "retry_after": 1 });
    let out_of_order = json!({ "kind": "status", "code": 503 });
    let expired = json!({ "kind": "auth", "tag": "expired_access_token" });
    let locked = json!({ "kind": "rate_limit", "shape": "json_no_retry", "reason": "too_many_write_operations" });
    let mut cases = Vec::new();
    for route in [START, APPEND, FINISH] {
        for fault in [&lost, &out_of_order, &slow_down("json"), &slow_down("text"), &expired, &locked] {
            cases.push((route, fault.clone()));
        }
    }
    cases.extend([
        (APPEND, cut),
        (FINISH, json!({ "kind": "wrong_content_hash" })),
        (FINISH, json!({ "kind": "truncate_json" })),
    ]);
    for (number, (route, fault)) in cases.into_iter().enumerate() {
        let path = format!("/film-{number}.mp4");
        world.site.publish(&path, Resource::file("video/mp4", Content::new(clips.progressive.clone())));
        world.emulator.fault(&json!({ "route": route, "fault": fault })).await?;
        let what = format!("{route} with {fault}");
        let job = ada.api.run(&world.site.url(&path), "best", LIMIT).await.with_context(|| what.clone())?;
        ensure!(landed(&ada.files, &job).context(what.clone())? == clips.progressive, "{what}: it landed damaged");
        let all = files(&ada.files)?;
        ensure!(all.len() == number + 1, "{what}: {all:?}");
    }
    // A lost reply to `start` leaves a session that nobody knows of.
    world.end().await
}

/// A fault that stays, and what the person must read.
async fn check(world: &World, ada: &Person, path: &str, fault: Value, kind: &str) -> Result<()> {
    world.site.publish(path, Resource::file("video/mp4", Content::new(clips().await?.progressive.clone())));
    world.emulator.fault(&fault).await?;
    let job = ada.api.run(&world.site.url(path), "best", LIMIT).await?;
    ensure!(job.failure() == kind, "{fault}: {job:#?}");
    let message = job.error.map(|error| error.message).unwrap_or_default();
    ensure!(message.len() > 20 && !message.contains('_'), "{fault}: the person reads {message:?}");
    ensure!(files(&ada.files)?.is_empty(), "{fault}: something was committed");
    world.emulator.clear_faults().await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_pass_is_said() -> Result<()> {
    let world = World::start().await?;
    let ada = world.person(ADA).await?;
    let path_error = |tag: &str| json!({ "kind": "route_error", "error": { ".tag": "path", "path": { ".tag": tag } } });
    let always = |route: &str, fault: Value| json!({ "route": route, "times": 1000, "fault": fault });
    check(&world, &ada, "/a.mp4", always(FINISH, path_error("insufficient_space")), "quota_exceeded").await?;
    check(&world, &ada, "/b.mp4", always(FINISH, path_error("no_write_permission")), "dropbox_refused").await?;
    check(&world, &ada, "/c.mp4", always(START, json!({ "kind": "data_transport" })), "dropbox_refused").await?;
    world.emulator.tokens("revoke", &ada.account).await?;
    check(&world, &ada, "/d.mp4", always("nothing", json!({ "kind": "hold" })), "dropbox_disconnected").await?;
    world.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_is_taken_is_numbered_unless_it_is_the_same_film() -> Result<()> {
    let (world, clips) = (World::start().await?, clips().await?);
    let ada = world.person(ADA).await?;
    world.site.publish("/film.mp4", Resource::file("video/mp4", Content::new(clips.progressive.clone())));
    let first = ada.api.run(&world.site.url("/film.mp4"), "best", LIMIT).await?;
    let wish = json!({ "url": world.site.url("/film.mp4"), "preset": "best", "force": true });
    let (_, again) = ada.api.try_send(&wish).await?;
    let again = ada.api.finished(again["id"].as_str().context("an id")?, LIMIT).await?;
    ensure!(first.id != again.id && first.dropbox_path == again.dropbox_path, "the same film landed twice: {again:#?}");
    world.site.publish("/other/film.mp4", Resource::file("video/mp4", Content::new(clips.moov_last.clone())));
    let other = ada.api.run(&world.site.url("/other/film.mp4"), "best", LIMIT).await?;
    ensure!(other.dropbox_path.as_deref() == Some("/film (2).mp4"), "{other:#?}");
    ensure!(landed(&ada.files, &other)? == clips.moov_last);
    ensure!(landed(&ada.files, &first)? == clips.progressive, "the first film was overwritten");
    world.end().await
}
