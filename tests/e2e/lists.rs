//! Lists: playlists, feeds, pages with several videos. Each item is a job of its own.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use e2e::{
    landed::{files, landed},
    long_list::long_list,
    media::{clips, tiny},
    person::{ADA, BEN},
    site::{Content, Delivery, Hold, Resource, Series, publish_samples},
    world::World,
};

const LIMIT: Duration = Duration::from_secs(120);

#[tokio::test(flavor = "multi_thread")]
async fn a_feed_of_thousands_is_cut_lands_and_holds_up_nobody() -> Result<()> {
    let report = long_list(40).await?;
    println!("{report}");
    // Two workers with four slots each: what had been handed out when Ben came may begin first.
    ensure!(report.went_before <= 8, "Ben waited for {} items", report.went_before);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_with_several_videos_brings_each_of_them() -> Result<()> {
    let (world, clips) = (World::start().await?, clips().await?);
    let film = tiny().await?;
    world.site.publish("/one.mp4", Resource::file("video/mp4", Content::new(clips.progressive.clone())));
    world.site.publish("/two.mp4", Resource::file("video/mp4", Content::new(film.clone())));
    let page = "<title>Two films</title><video src=\"/one.mp4\"></video><video src=\"/two.mp4\"></video>";
    world.site.publish("/page", Resource::text("text/html", page));
    let ada = world.person(ADA).await?;
    let list = ada.api.run(&world.site.url("/page"), "best", LIMIT).await?;
    ensure!(list.state == "completed", "{list:#?}");
    let items = ada.api.items(&list.id).await?;
    let mut landed_bytes = Vec::new();
    for item in &items {
        landed_bytes.push(landed(&ada.files, item)?);
    }
    ensure!(landed_bytes == [clips.progressive.to_vec(), film.to_vec()], "{items:#?}");
    world.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_playlist_sent_again_brings_only_what_is_new() -> Result<()> {
    let (world, film) = (World::start().await?, tiny().await?);
    let ada = world.person(ADA).await?;
    let path = world.site.publish_pages(&Series::new("grow", "Part", 3, &film));
    let first = ada.api.run(&world.site.url(&path), "best", LIMIT).await?;
    ensure!(first.items.is_some_and(|items| items.completed == 3), "{first:#?}");
    // One of them is gone, and there is a fourth.
    let all = files(&ada.files)?;
    std::fs::remove_file(ada.files.join(&all[0]))?;
    let grown = Series::new("grow", "Part", 4, &film);
    world.site.publish_pages(&grown);
    let second = ada.api.run(&world.site.url(&path), "best", LIMIT).await?;
    let told = second.items.context("it is a list")?;
    ensure!(second.state == "completed" && second.id != first.id, "{second:#?}");
    ensure!((told.found, told.completed, told.duplicate) == (4, 2, 2), "{told:?}");
    let all = files(&ada.files)?;
    ensure!(all.len() == 4, "{all:?}");
    let items = ada.api.items(&second.id).await?;
    ensure!(landed(&ada.files, &items[3])? == grown.bytes_of(4), "the new one landed damaged");
    world.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn items_that_fail_are_told_and_sent_again_with_their_list() -> Result<()> {
    let (world, film) = (World::start().await?, tiny().await?);
    let ada = world.person(ADA).await?;
    let series = Series::new("holes", "Part", 3, &film);
    let path = world.site.publish_pages(&series);
    let missing = series.file_of(2);
    world.site.deliver(&missing, Delivery::status(404));
    let list = ada.api.run(&world.site.url(&path), "best", LIMIT).await?;
    ensure!(list.state == "failed" && list.failure() == "incomplete", "{list:#?}");
    world.site.deliver(&missing, Delivery::default());
    ada.api.act(&list.id, "retry").await?;
    let done = ada.api.until(&list.id, LIMIT, |job| job.state == "completed").await?;
    ensure!(done.items.is_some_and(|items| items.completed == 3), "{done:#?}");
    ensure!(files(&ada.files)?.len() == 3);
    world.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn one_link_sent_twice_brings_one_file() -> Result<()> {
    let (world, clips) = (World::start().await?, clips().await?);
    publish_samples(&world.site, clips)?;
    let (ada, ben) = (world.person(ADA).await?, world.person(BEN).await?);
    let link = world.site.url("/files/clip.mp4");
    let first = ada.api.run(&link, "best", LIMIT).await?;
    let (status, again) = ada.api.try_send(&serde_json::json!({ "url": link })).await?;
    ensure!(status == 200 && again["id"] == *first.id && again["duplicate"] == true, "{status} {again}");
    ensure!(ben.api.run(&link, "best", LIMIT).await?.state == "completed", "another person's link");
    let (status, forced) = ada.api.try_send(&serde_json::json!({ "url": link, "force": true })).await?;
    ensure!(status == 202, "{status} {forced}");
    let copy = ada.api.finished(forced["id"].as_str().context("an id")?, LIMIT).await?;
    // Fetched again, and found to be what is there.
    ensure!(copy.state == "completed" && copy.id != first.id, "{copy:#?}");
    ensure!(files(&ada.files)?.len() == 1, "{copy:#?}");
    let whole = clips.progressive.len() as u64;
    ensure!((copy.bytes_in, copy.bytes_out) == (whole, whole), "{copy:#?}");
    // Gone from Dropbox, it is brought again without a word.
    for file in files(&ada.files)? {
        std::fs::remove_file(ada.files.join(file))?;
    }
    let back = ada.api.run(&link, "best", LIMIT).await?;
    ensure!(landed(&ada.files, &back)? == clips.progressive, "{back:#?}");
    world.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_job_stops_and_goes_on() -> Result<()> {
    let (world, clips) = (World::start().await?, clips().await?);
    world.site.publish("/film.mp4", Resource::file("video/mp4", Content::new(clips.progressive.clone())));
    let gate = world.site.hold("/film.mp4", Hold::Byte(100_000));
    let ada = world.person(ADA).await?;
    let job = ada.api.send(&world.site.url("/film.mp4"), "best").await?;
    ada.api.until(&job.id, LIMIT, |job| job.phase.as_deref() == Some("transferring")).await?;
    ada.api.act(&job.id, "pause").await?;
    let paused = ada.api.until(&job.id, LIMIT, |job| job.state == "paused").await?;
    ensure!(paused.attempt == 0 && paused.attempts.len() == 1, "{paused:#?}");
    ensure!(world.downloads().is_empty(), "{:?}", world.downloads());
    gate.open();
    ada.api.act(&job.id, "resume").await?;
    let done = ada.api.finished(&job.id, LIMIT).await?;
    ensure!(landed(&ada.files, &done)? == clips.progressive && done.attempt == 1, "{done:#?}");
    world.end().await
}
