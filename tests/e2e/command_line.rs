//! `sluice send`, `status`, `doctor`, `token`: what scripts rely on is the exit code and standard output.

use anyhow::{Context, Result, ensure};
use e2e::{
    landed::content_hash,
    media::clips,
    person::ADA,
    site::{Content, Resource},
    world::World,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_link_is_sent_and_the_exit_code_tells_how_it_ended() -> Result<()> {
    let (world, clips) = (World::start().await?, clips().await?);
    world.site.publish("/film.mp4", Resource::file("video/mp4", Content::new(clips.progressive.clone())));
    let ada = world.person(ADA).await?;
    let token = world.command(&["token", "create", "--account", &ada.account, "--name", "script"]).await?;
    let send = async |token: &str, more: &[&str]| {
        let server = ["send", "--server", world.web()?, "--token", token];
        world.command(&[&server, more].concat()).await
    };
    let token = token.trim();

    let path = send(token, &[&world.site.url("/film.mp4"), "--folder", "/From a script"]).await?;
    ensure!(path.starts_with("/From a script/") && path.ends_with(".mp4\n"), "{path}");
    let bytes = std::fs::read(ada.files.join(path.trim().trim_start_matches('/')))?;
    ensure!(bytes == clips.progressive, "another film landed");

    let json = send(token, &[&world.site.url("/film.mp4"), "--folder", "/From a script", "--json"]).await?;
    let json: serde_json::Value = serde_json::from_str(&json)?;
    ensure!(json["content_hash"] == content_hash(&bytes) && json["state"] == "completed", "{json}");

    let id = send(token, &[&world.site.url("/film.mp4"), "--no-wait"]).await?;
    ada.api.finished(id.trim(), std::time::Duration::from_secs(60)).await?;

    let failed = async |token: &str, link: &str, want: &str| {
        let told = send(token, &[link]).await.err().with_context(|| format!("{link} succeeded"))?.to_string();
        ensure!(told.contains("exit status: 1") && told.contains(want), "{link}: {told}");
        Ok::<_, anyhow::Error>(())
    };
    failed(token, &world.site.url("/nothing.mp4"), "nothing at this link").await?;
    failed(token, "ftp://example.org/a.mp4", "https://").await?;
    failed("slc_wrong", &world.site.url("/film.mp4"), "does not accept this API token").await?;
    world.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_installation_can_be_looked_after() -> Result<()> {
    let world = World::start().await?;
    let ada = world.person(ADA).await?;
    let status: serde_json::Value = serde_json::from_str(&world.command(&["status", "--json"]).await?)?;
    ensure!(status["workers"] == 1 && status["queued"] == 0, "{status}");
    let checks: serde_json::Value = serde_json::from_str(&world.command(&["doctor", "--json"]).await?)?;
    for name in ["redis", "durability", "clock", "schema", "ffmpeg", "dropbox"] {
        let check = checks.as_array().context("no list")?.iter().find(|check| check["name"] == name);
        ensure!(check.context(name)?["verdict"] == "good", "{checks}");
    }
    ensure!(world.command(&["migrate"]).await?.starts_with("Nothing to do"), "the server had migrated already");
    let list = world.command(&["token", "list", "--account", &ada.account]).await?;
    let id = list.split_whitespace().next().context("no token")?;
    world.command(&["token", "revoke", "--account", &ada.account, id]).await?;
    let (status, _) = ada.api.call(ada.api.request(reqwest::Method::GET, "/jobs")).await?;
    ensure!(status == reqwest::StatusCode::UNAUTHORIZED, "a revoked token opens the door: {status}");
    world.end().await
}
