//! What each route writes to the disk on the worker's side. The landed files are the emulator's business.

use anyhow::{Result, ensure};
use e2e::{
    disk::Disk,
    family,
    media::{Library, Long, clips, tiny},
    person::ADA,
    site::{Content, Links, Resource},
    world::World,
};

use crate::run::{LIMIT, line};

pub(crate) async fn measure(megabytes: u64) -> Result<()> {
    let world = World::start().await?;
    let ada = world.person(ADA).await?;
    let film = Long::mp4(&Library::of_the_repository()?, megabytes).await?;
    let single = Content::noisy_mp4(&tiny().await?, megabytes * 1_000_000, 1);
    let mut list = String::from("#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:2\n#EXT-X-PLAYLIST-TYPE:VOD\n");
    // One segment as often as it takes: a discontinuity each time, as its clock begins anew.
    let segment = &clips().await?.hls_ts["part000.ts"];
    for _ in 0..(megabytes * 1_000_000).div_ceil(segment.len() as u64).min(2_000) {
        list += "#EXT-X-DISCONTINUITY\n#EXTINF:2.0,\npart.ts\n";
    }
    world.site.publish("/hls/part.ts", Resource::file("video/mp2t", Content::new(segment.clone())));
    world.site.publish("/hls/index.m3u8", Resource::text("application/vnd.apple.mpegurl", list + "#EXT-X-ENDLIST\n"));
    let paths = [
        world.site.publish_single("one", &single, Links::Plain).path,
        world.site.publish_pair("two", &film, Links::Plain).path,
        "/hls/index.m3u8".to_owned(),
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
