//! Slow connections: how much faster than one of them it goes, each side alone.

use anyhow::{Result, ensure};
use e2e::{
    emulator::Throttle,
    http::{body, client},
    media::tiny,
    person::ADA,
    site::{Content, Line, Links},
    world::World,
};
use tokio::time::Instant;

use crate::{
    peers::Peers,
    run::{MEGABYTE, Run, line, run},
};

/// Of each connection to the site.
const SITE: u64 = 2_000_000;
/// Of each connection to Dropbox.
const DROPBOX: u64 = 4_000_000;
/// Added to each call of Dropbox.
const ROUND_TRIP_MS: u64 = 100;

pub(crate) async fn measure(megabytes: u64) -> Result<()> {
    let world = World::setup().secure().start().await?;
    let (ada, peers) = (world.person(ADA).await?, Peers::of(&world, ADA).await?);
    let film = tiny().await?;
    let stream = |id: &str, seed: u64| {
        world.site.publish_single(id, &Content::noisy_mp4(&film, megabytes * 1_000_000, seed), Links::Plain)
    };
    let told = |run: &Run, single: f64| {
        let figure = format!("{:.1} MB/s, {:.1} x one connection ({})", run.rate(), run.rate() / single, run.route);
        line("  Sluice", &figure);
    };

    let slow = stream("slow-site", 1);
    world.site.shape(Line { connection_bytes_per_second: Some(SITE), ..Line::default() });
    let single = one_connection(&world, &slow.files[0].0).await?;
    line("a site of 2 MB/s for each connection: one, measured", &format!("{single:.1} MB/s"));
    told(&run(&world, &ada, &slow).await?, single);
    world.site.shape(Line::default());

    let slow = stream("slow-dropbox", 2);
    let throttle =
        Throttle { connection_bytes_per_second: DROPBOX, round_trip_ms: ROUND_TRIP_MS, ..Throttle::default() };
    world.emulator.shape(&throttle).await?;
    let file = peers.folder().join("single.mp4");
    slow.files[0].1.write(&file)?;
    let sdk = peers.run(&[peers.sdk(&file.display().to_string(), "single.mp4")]).await?;
    let single = slow.bytes() as f64 / MEGABYTE / sdk.wall.as_secs_f64();
    line("a Dropbox of 4 MB/s for each, 100 ms away: its SDK", &format!("{single:.1} MB/s"));
    told(&run(&world, &ada, &slow).await?, single);
    world.emulator.shape(&Throttle::default()).await?;
    world.end().await
}

/// Megabytes per second of one plain download.
async fn one_connection(world: &World, path: &str) -> Result<f64> {
    const BYTES: usize = 10_000_000;
    let begun = Instant::now();
    let range = format!("bytes=0-{}", BYTES - 1);
    let got = body(client()?.get(world.site.url(path)).header("range", range).send().await?, BYTES).await?;
    ensure!(!got.is_empty(), "nothing came");
    Ok(got.len() as f64 / MEGABYTE / begun.elapsed().as_secs_f64())
}
