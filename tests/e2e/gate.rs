//! The gate: nothing over a limit is ever committed, and what cannot be known beforehand is stopped on its way.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use e2e::{
    disk::{Disk, disk_use},
    eventually::eventually,
    landed::{files, landed},
    media::clips,
    person::ADA,
    site::{Content, Format, Listing, Resource, Size, publish_heavy},
    world::World,
};
use serde_json::json;

const LIMIT: Duration = Duration::from_secs(120);
const MEGABYTE: u64 = 1_000_000;
/// The limit of these worlds.
const CAP: u64 = 300 * MEGABYTE;
/// What may be written beyond the cap before the watchdog has looked: loopback is faster than any line.
const OVERSHOOT: u64 = 30 * MEGABYTE;
/// What may have come along with the headers that announce the size.
const FIRST_PIECE: u64 = 5 * MEGABYTE;

#[tokio::test(flavor = "multi_thread")]
async fn a_gigabyte_in_every_disguise_is_refused_or_stopped() -> Result<()> {
    let world = World::setup().setting("limits.max_file_bytes", "300 MB").start().await?;
    let ada = world.person(ADA).await?;
    for heavy in publish_heavy(&world.site, clips().await?, 1000 * MEGABYTE) {
        let disk = Disk::watch(world.spool());
        let job = ada.api.run(&world.site.url(&heavy.path), "best", LIMIT).await?;
        ensure!(job.state == "refused" && job.failure() == "too_large", "{}: {job:#?}", heavy.kind);
        let message = job.error.map(|error| error.message).unwrap_or_default();
        ensure!(message.contains("300 MB") && !message.contains("at least 0 "), "{}: {message}", heavy.kind);
        // There is one picture only. A list that lies may make its sound look small: nobody can know better.
        ensure!(!message.contains("p would fit"), "{}: there is no smaller picture: {message}", heavy.kind);
        // The whole process group is gone within a second, and its files with it.
        eventually("the spool is empty", Duration::from_secs(1), async || {
            Ok((disk_use(&world.spool()) == 0 && world.downloads().is_empty()).then_some(()))
        })
        .await
        .with_context(|| format!("{}: {:?}, {:?}", heavy.kind, files(&world.spool()), world.downloads()))?;
        let peak = disk.peak();
        eprintln!(
            "{}: peak on disk {peak} bytes, overshoot {}, committed 0: {message}",
            heavy.kind,
            peak.saturating_sub(CAP)
        );
        ensure!(peak < CAP + OVERSHOOT, "{}: {peak} bytes were on disk", heavy.kind);
        if heavy.announced {
            ensure!(peak < FIRST_PIECE, "{}: {peak} bytes were fetched although the size was announced", heavy.kind);
        }
    }
    let landed = files(&ada.files)?;
    ensure!(landed.is_empty(), "something was committed: {landed:?}");
    world.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_free_space_counts_to_the_byte() -> Result<()> {
    let (world, clips) = (World::start().await?, clips().await?);
    world.site.publish("/film.mp4", Resource::file("video/mp4", Content::new(clips.progressive.clone())));
    let (ada, size, url) = (world.person(ADA).await?, clips.progressive.len() as u64, world.site.url("/film.mp4"));
    world.emulator.account(&ada.account, &json!({ "quota": size - 1, "used": 0 })).await?;
    let job = ada.api.run(&url, "best", LIMIT).await?;
    ensure!(job.state == "refused" && job.failure() == "quota_exceeded", "{job:#?}");
    ensure!(files(&ada.files)?.is_empty(), "it was committed all the same");
    world.emulator.account(&ada.account, &json!({ "quota": size, "used": 0 })).await?;
    let job = ada.api.run(&url, "best", LIMIT).await?;
    ensure!(landed(&ada.files, &job)? == clips.progressive, "it landed damaged");
    world.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_says_what_would_fit_and_fit_takes_it() -> Result<()> {
    let (world, clips) = (World::setup().setting("limits.max_file_bytes", "300 MB").start().await?, clips().await?);
    let sizes = [(137, 1080, 400 * MEGABYTE), (135, 480, 20 * MEGABYTE)];
    let mut formats = Vec::new();
    for (itag, height, length) in sizes {
        let (stream, path) = (clips.mp4_apart.at(height), format!("/ladder/{itag}"));
        world.site.publish(&path, Resource::file(stream.mime, Content::padded_mp4(&stream.bytes, length)));
        formats.push(Format {
            itag,
            path,
            mime: format!("video/mp4; codecs=\"{}\"", stream.codecs),
            picture: Some((stream.width(), height)),
            bits_per_second: length * 8 / 6,
            size: Size::Exact(length),
        });
    }
    let audio = &clips.mp4_apart.audio;
    world.site.publish("/ladder/140", Resource::file(audio.mime, Content::new(audio.bytes.clone())));
    formats.push(Format {
        itag: 140,
        path: "/ladder/140".into(),
        mime: format!("audio/mp4; codecs=\"{}\"", audio.codecs),
        picture: None,
        bits_per_second: audio.bits_per_second(),
        size: Size::Exact(audio.bytes.len() as u64),
    });
    let title = "A ladder".to_owned();
    let listing = Listing { id: "ladder".into(), title, seconds: 6, thumbnail: None, formats };
    let url = world.site.url(&world.site.publish_listing(&listing));
    let ada = world.person(ADA).await?;
    let job = ada.api.run(&url, "best", LIMIT).await?;
    let message = job.error.as_ref().map_or("", |error| error.message.as_str());
    ensure!(job.failure() == "too_large" && message.contains("480p") && message.contains("400 MB"), "{job:#?}");
    eprintln!("{message}");
    let job = ada.api.run(&url, "fit", LIMIT).await?;
    let bytes = landed(&ada.files, &job)?;
    ensure!((bytes.len() as u64) < CAP, "{} bytes fit?", bytes.len());
    world.end().await
}
