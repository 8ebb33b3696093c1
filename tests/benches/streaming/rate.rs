//! A picture and a sound, and lines that allow the same on both sides: the limit is the size over the rate, as both can be busy at once.

use std::time::Duration;

use anyhow::Result;
use e2e::{
    emulator::Throttle,
    media::{Library, Long},
    person::ADA,
    site::{Line, Links},
    world::World,
};

use crate::{
    peers::Peers,
    run::{line, run, seconds},
};

/// Of each side.
const RATE: u64 = 20_000_000;

pub(crate) async fn measure(megabytes: u64) -> Result<()> {
    let world = World::setup().secure().start().await?;
    let (ada, peers) = (world.person(ADA).await?, Peers::of(&world, ADA).await?);
    let library = Library::of_the_repository()?;
    // A worker runs for weeks: what it does once, when it starts, belongs to no transfer.
    run(&world, &ada, &world.site.publish_pair("before", &Long::mp4(&library, 1).await?, Links::Plain)).await?;
    let film = Long::mp4(&library, megabytes).await?;
    let stream = world.site.publish_pair("rate", &film, Links::Plain);
    let url = world.site.url(&stream.path);
    world.site.shape(Line { bytes_per_second: Some(RATE), ..Line::default() });
    world.emulator.shape(&Throttle { total_bytes_per_second: RATE, ..Throttle::default() }).await?;
    let limit = Duration::from_secs_f64(stream.bytes() as f64 / RATE as f64);
    let told = |what: &str, took: Duration| {
        line(what, &format!("{}, {:.2} x the limit", seconds(took), took.as_secs_f64() / limit.as_secs_f64()));
    };
    line("size, the lines' limit", &format!("{:.0} MB, {}", stream.bytes() as f64 / 1e6, seconds(limit)));
    let ours = run(&world, &ada, &stream).await?;
    told(&format!("Sluice ({})", ours.route), ours.took);
    let film = peers.folder().join("film.mp4").display().to_string();
    let whole = peers.run(&[peers.yt_dlp(&url, &["--merge-output-format", "mp4", "-o", &film])]).await?;
    let then = peers.run(&[peers.sdk(&film, "whole.mp4")]).await?;
    told("yt-dlp to disk, then Dropbox's SDK", whole.wall + then.wall);
    let piped = peers.run(&[peers.yt_dlp_to_stdout(&url), peers.sdk("-", "piped.mp4")]).await?;
    told("yt-dlp -o - | Dropbox's SDK", piped.wall);
    world.end().await
}
