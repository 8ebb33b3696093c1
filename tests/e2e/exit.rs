//! One way out: with `egress.upstream_proxy`, nobody but `sluice egress-proxy` comes to the site or to Dropbox, and what it refuses is told as ever.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use e2e::{
    http::{body, client},
    inward::Canary,
    landed::landed,
    media::clips,
    person::ADA,
    site::{Content, Resource},
    world::World,
};
use reqwest::Method;
use serde_json::Value;

const LIMIT: Duration = Duration::from_secs(120);
const PAGE: usize = 1 << 20;
const CLIP: usize = 64 << 20;

#[tokio::test(flavor = "multi_thread")]
async fn everything_goes_out_through_the_proxy() -> Result<()> {
    let mut world = World::setup().one_exit().workers(0).setting("limits.attempts", "2").start().await?;
    // What the worker would let through itself, the proxy does not.
    world.set("egress.allow", "127.0.0.0/8");
    world.add_worker().await?;
    let (clips, canary) = (clips().await?, Canary::start().await?);
    let ada = world.person(ADA).await?;
    world.site.publish("/clip.mp4", Resource::file("video/mp4", Content::new(clips.progressive.clone())));
    let (site, secure) = (world.exit()?.site.address(), world.exit()?.secure_site.address());
    // yt-dlp does not know the authority of these tests: it sees the page, and we fetch the film over TLS.
    let film = format!("<video><source src=\"https://{secure}/clip.mp4\" type=\"video/mp4\"></video>");
    world.site.publish("/film", Resource::text("text/html", film));
    for link in [format!("http://{site}/clip.mp4"), format!("http://{site}/film")] {
        let job = ada.api.run(&link, "best", LIMIT).await?;
        ensure!(landed(&ada.files, &job)? == clips.progressive, "{link}: it landed damaged: {job:?}");
    }
    // A film in parts, each fetched by a child.
    let segments = world.site.publish_segments("parts", &clips.hls_ts["part000.ts"], 4);
    let job = ada.api.run(&format!("http://{site}{segments}"), "best", LIMIT).await?;
    ensure!(job.state == "completed", "{job:?}");
    // The same way to a device, out of the web server.
    let saved = ada.api.save(Method::GET, &format!("http://{site}/clip.mp4"), "best")?.send().await?;
    ensure!(
        saved.status().is_success() && body(saved, CLIP).await? == clips.progressive,
        "the device gets something else"
    );
    let [plain, tls, dropbox] = world.exit()?.alone()?;
    // A connection serves several requests; each of the three links was looked at by a child of its own.
    ensure!(plain >= 3 && tls >= 1 && dropbox >= 1, "{plain} {tls} {dropbox}");

    // What it refuses is told as a refusal, once and for good, however it was come by.
    let inward = format!("http://127.0.0.1:{}/clip.mp4", canary.port());
    world.site.publish("/inward.mp4", Resource::redirect(inward.clone()));
    for link in [inward, format!("http://{site}/inward.mp4")] {
        let job = ada.api.run(&link, "best", LIMIT).await?;
        ensure!(job.failure() == "refused_address" && job.attempts.len() <= 1, "{link}: {job:?}");
    }
    ensure!(canary.hits().is_empty(), "{:?}", canary.hits());

    let metrics = format!("http://{}/metrics", world.exit()?.address()?);
    let metrics = String::from_utf8(body(client()?.get(metrics).send().await?, PAGE).await?)?;
    let dialled =
        metrics.lines().find_map(|line| line.strip_prefix("sluice_egress_dialled_total ")).context("no figure")?;
    let seen: usize = world.exit()?.alone()?.iter().sum();
    ensure!(dialled.parse::<usize>()? == seen, "the proxy dialled {dialled} times, the doormen saw {seen}");

    let before = world.exit()?.dropbox.callers().len();
    let checks: Value = serde_json::from_str(&world.command(&["doctor", "--json"]).await?)?;
    let way = checks.as_array().into_iter().flatten().find(|check| check["name"] == "way out").context("no check")?;
    // It tries Dropbox, which is on this very machine.
    let found = way["found"].as_str().unwrap_or_default();
    ensure!(way["verdict"] == "warning" && found.contains("is reached without it, too"), "{way}");
    let came = world.exit()?.dropbox.callers().len();
    ensure!(came > before, "the doorman before Dropbox did not see the doctor");

    // Without it, nothing goes out; that passes.
    let place = world.place().to_owned();
    world.exit()?.stop().await?;
    let job = ada.api.run(&format!("http://{site}/clip.mp4?again"), "best", LIMIT).await?;
    ensure!(job.failure() == "network" && job.attempts.len() == 2, "{job:?}");
    world.exit()?.start(&place).await?;
    let job = ada.api.run(&format!("http://{site}/clip.mp4?once-more"), "best", LIMIT).await?;
    ensure!(landed(&ada.files, &job)? == clips.progressive, "{job:?}");
    world.end().await
}
