//! The secret key is replaced while everything runs: nobody is signed out, no job is lost, and the old key opens nothing afterwards.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use e2e::{
    http::client,
    media::clips,
    person::ADA,
    site::{Content, Hold, Resource},
    world::World,
};
use reqwest::{StatusCode, header::COOKIE};

const LIMIT: Duration = Duration::from_secs(90);
const NEW_KEY: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_replaced_while_everything_runs() -> Result<()> {
    let (mut world, clips) = (World::start().await?, clips().await?);
    world.site.publish("/film.mp4", Resource::file("video/mp4", Content::new(clips.progressive.clone())));
    let old_key = world.secret_key().to_owned();
    let ada = world.person(ADA).await?;
    ensure!(
        verdict(&world).await? == ("good".to_owned(), "seals all there is (1)".to_owned()),
        "{:?}",
        verdict(&world).await?
    );

    // A job is under way all the time, with a password in its link.
    let gate = world.site.hold("/film.mp4", Hold::Byte(1000));
    let link = format!("http://ada:hush@{}/film.mp4", world.site.address());
    let job = ada.api.send(&link, "best").await?;
    gate.reached(1).await?;

    world.set("security.secret_key", &format!("{NEW_KEY} {old_key}"));
    world.crash_web().await?;
    world.start_web().await?;
    world.add_worker().await?;
    let (word, found) = verdict(&world).await?;
    ensure!(word == "warning" && found.contains("2 of 2"), "{found}");
    let told = world.command(&["rotate-key"]).await?;
    ensure!(told.starts_with("Sealed anew: 2."), "{told}");
    let told = world.command(&["rotate-key"]).await?;
    ensure!(told.starts_with("Sealed anew: 0. With the newest key now: 2."), "{told}");
    let (word, found) = verdict(&world).await?;
    ensure!(word == "warning" && found.contains("nothing needs the old key"), "{found}");

    world.set("security.secret_key", NEW_KEY);
    world.crash_web().await?;
    world.start_web().await?;
    // The worker that still has the old key alone goes; the job goes on with one that has the new key alone.
    world.add_worker().await?;
    world.stop_worker(0).await?;
    world.stop_worker(0).await?;
    gate.open();
    let api = ada.api.moved_to(world.web()?);
    let done = api.finished(&job.id, LIMIT).await?;
    ensure!(done.state == "completed", "{done:#?}");
    let settings = client()?.get(format!("{}/settings", world.web()?)).header(COOKIE, &ada.cookie).send().await?;
    ensure!(settings.status() == StatusCode::OK, "the session is gone");
    ensure!(verdict(&world).await? == ("good".to_owned(), "seals all there is (2)".to_owned()));

    world.set("security.secret_key", &old_key);
    let told = world.command(&["status"]).await.err().context("the old key opens it")?.to_string();
    ensure!(told.contains("security.secret_key differs"), "{told}");
    world.set("security.secret_key", NEW_KEY);
    world.end().await
}

/// What `doctor` says of the key: how it is, and what was found.
async fn verdict(world: &World) -> Result<(String, String)> {
    let checks: serde_json::Value = serde_json::from_str(&world.command(&["doctor", "--json"]).await?)?;
    let check = checks.as_array().context("no list")?.iter().find(|check| check["name"] == "secret key");
    let text = |field: &str| {
        Ok::<_, anyhow::Error>(check.context("no check of the key")?[field].as_str().context("no text")?.to_owned())
    };
    Ok((text("verdict")?, text("found")?))
}
