//! What each route writes to the disk on the worker's side. The landed files are the emulator's business.

use anyhow::{Result, ensure};
use e2e::{
    disk::Disk,
    family,
    media::{Library, Long, clips, tiny},
    person::ADA,
    site::{Content, Links},
    world::World,
};

use crate::run::{LIMIT, line};

pub(crate) async fn measure(megabytes: u64) -> Result<()> {
    let world = World::start().await?;
    let ada = world.person(ADA).await?;
    let film = Long::mp4(&Library::of_the_repository()?, megabytes).await?;
    let single = Content::noisy_mp4(&tiny().await?, megabytes * 1_000_000, 1);
    let segment = &clips().await?.hls_ts["part000.ts"];
    let times = usize::try_from(megabytes * 1_000_000)?.div_ceil(segment.len());
    let paths = [
        world.site.publish_single("one", &single, Links::Plain).path,
        world.site.publish_pair("two", &film, Links::Plain).path,
        world.site.publish_segments("segments", segment, times),
    ];
    let worker = world.workers()[0].group();
    for path in &paths {
        let (disk, before) = (Disk::watch(world.spool()), family::written(worker));
        let job = ada.api.run(&world.site.url(path), "best", LIMIT).await?;
        ensure!(job.state == "completed", "{job:#?}");
        let written = family::written(worker).saturating_sub(before);
        let route = job.route.unwrap_or_default();
        let landed = job.size.unwrap_or_default() as f64 / 1e6;
        line(&format!("{route}: landed"), &format!("{landed:.1} MB"));
        line("  written by the worker and its children", &format!("{:.2} MB", written as f64 / 1e6));
        let (peak, largest) = (disk.peak() as f64 / 1e6, disk.largest() as f64 / 1e6);
        line("  most in the spool, its largest file", &format!("{peak:.2} MB, {largest:.2} MB"));
    }
    world.end().await
}
