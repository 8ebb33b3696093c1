//! Processor time of the worker and all its children, for each gigabyte that landed; TLS on both sides.

use std::time::Duration;

use anyhow::Result;
use e2e::{
    family,
    media::{Library, Long, tiny},
    person::ADA,
    site::{Content, Links, Stream},
    world::World,
};

use crate::{
    peers::Peers,
    run::{line, run},
};

pub(crate) async fn measure(megabytes: u64, links: Links) -> Result<()> {
    let world = World::setup().secure().start().await?;
    let (ada, peers) = (world.person(ADA).await?, Peers::of(&world, ADA).await?);
    let film = Long::mp4(&Library::of_the_repository()?, megabytes).await?;
    let single = Content::noisy_mp4(&tiny().await?, megabytes * 1_000_000, 1);
    let streams: [Stream; 2] =
        [world.site.publish_single("one", &single, links), world.site.publish_pair("two", &film, links)];
    let worker = world.workers()[0].group();
    for stream in &streams {
        let per_gigabyte = |cpu: Duration, bytes: u64| cpu.as_secs_f64() / (bytes as f64 / 1e9);
        let before = family::cpu(worker);
        let ours = run(&world, &ada, stream).await?;
        let own = per_gigabyte(family::cpu(worker).saturating_sub(before), ours.bytes);
        let steps = [peers.yt_dlp_to_stdout(&world.site.url(&stream.path)), peers.rclone(&ours.route)];
        let other = per_gigabyte(peers.run(&steps).await?.cpu, stream.bytes());
        line(&format!("Sluice ({})", ours.route), &format!("{own:.2} s of CPU for each GB"));
        line("  yt-dlp -o - | rclone rcat", &format!("{other:.2} s of CPU for each GB"));
        line("  Sluice / peer", &format!("{:.2}", own / other));
    }
    world.end().await
}
