//! What we put together plays: a picture and a sound that come apart land as one file, which a real browser plays and seeks in.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use e2e::{
    browser::Browser,
    landed::landed,
    media::{Adaptive, Library, Rendition, Shape},
    person::ADA,
    site::{Content, Format, Listing, Resource, Site, Size},
    world::World,
};

const LIMIT: Duration = Duration::from_secs(120);
const SHAPE: Shape = Shape { seconds: 40, rate: 12, video_bits: 600_000 };
const HEIGHT: u32 = 180;

/// Plays at the start, at 80 % and near the start again, a second each; tells how it went.
const VISIT: &str = r"(async () => {
    const video = document.querySelector('video');
    const event = name => new Promise((good, bad) => {
        video.addEventListener(name, good, { once: true });
        video.addEventListener('error', () => bad(new Error(`${name}: ${video.error?.message}`)), { once: true });
    });
    if (video.readyState < 1) await event('loadedmetadata');
    const places = [];
    for (const part of [0, 0.8, 0.1]) {
        const from = video.duration * part;
        if (part) { const seeked = event('seeked'); video.currentTime = from; await seeked; }
        await video.play();
        while (video.currentTime < from + 1) await event('timeupdate');
        video.pause();
        places.push(video.currentTime - from);
    }
    const quality = video.getVideoPlaybackQuality();
    return {
        duration: video.duration, width: video.videoWidth, places, frames: quality.totalVideoFrames,
        dropped: quality.droppedVideoFrames, sound: video.webkitAudioDecodedByteCount,
    };
})()";

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_plays_and_seeks_in_what_was_put_together() -> Result<()> {
    let (world, library) = (World::start().await?, Library::of_the_repository()?);
    let ada = world.person(ADA).await?;
    let browser = Browser::open(640, 480).await?;
    let films = [
        ("h264-aac", "video/mp4", Adaptive::mp4(&library, SHAPE, &[HEIGHT]).await?),
        ("vp9-opus", "video/webm", Adaptive::webm(&library, SHAPE, &[HEIGHT]).await?),
        ("av1-opus", "video/webm", Adaptive::av1(&library, SHAPE, HEIGHT).await?),
    ];
    for (name, mime, film) in films {
        let job = ada.api.run(&world.site.url(&publish(&world.site, name, &film)), "best", LIMIT).await?;
        ensure!(job.route.as_deref() == Some("interleave"), "{job:#?}");
        show(&world.site, &browser, name, mime, landed(&ada.files, &job)?).await?;
        let told = browser.ask(VISIT).await.with_context(|| name.to_owned())?;
        eprintln!("{name}: {told}");
        let number = |key: &str| told[key].as_f64().with_context(|| format!("{name}: {told}"));
        ensure!((number("duration")? - f64::from(SHAPE.seconds)).abs() < 0.2, "{name}: {told}");
        ensure!(number("width")? == 320.0 && number("sound")? > 0.0, "{name}: {told}");
        // Three seconds of pictures at three places, none of which broke off.
        ensure!(number("frames")? >= f64::from(3 * SHAPE.rate - 6), "{name}: {told}");
        browser.picture(&format!("plays-{name}")).await?;
    }
    browser.close().await?;
    world.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_plays_and_seeks_in_what_was_converted() -> Result<()> {
    let (world, library) = (World::start().await?, Library::of_the_repository()?);
    let ada = world.person(ADA).await?;
    let browser = Browser::open(640, 480).await?;
    let film = Adaptive::mp4(&library, SHAPE, &[HEIGHT]).await?;
    // One has Opus alone, the other AAC alone: each form is converted into from one of them.
    let opus = publish(&world.site, "opus", &Adaptive::webm(&library, SHAPE, &[HEIGHT]).await?);
    let aac = publish(&world.site, "aac", &film);
    for (preset, link, mime) in [
        ("mp3", &opus, "audio/mpeg"),
        ("m4a", &opus, "audio/mp4"),
        ("mp3", &aac, "audio/mpeg"),
        ("opus", &aac, "audio/ogg"),
    ] {
        let job = ada.api.run(&world.site.url(link), preset, LIMIT).await?;
        let name = format!("{preset} of {link}");
        show(&world.site, &browser, preset, mime, landed(&ada.files, &job)?).await?;
        let told = browser.ask(VISIT).await.with_context(|| name.clone())?;
        eprintln!("{name}: {told}");
        let number = |key: &str| told[key].as_f64().with_context(|| format!("{name}: {told}"));
        ensure!((number("duration")? - f64::from(SHAPE.seconds)).abs() < 0.2, "{name}: {told}");
        ensure!(number("sound")? > 0.0, "{name}: {told}");
    }
    browser.close().await?;
    world.end().await
}

/// Opens a page with a player of these bytes.
async fn show(site: &Site, browser: &Browser, name: &str, mime: &str, bytes: Vec<u8>) -> Result<()> {
    let file = format!("/landed/{name}");
    site.publish(&file, Resource::file(mime, Content::new(bytes)));
    let page = format!("<!doctype html><title>{name}</title><video muted width=320 src=\"{file}\"></video>");
    site.publish(&format!("{file}/page"), Resource::text("text/html; charset=utf-8", page));
    browser.go(&site.url(&format!("{file}/page"))).await
}

fn publish(site: &Site, name: &str, film: &Adaptive) -> String {
    let formats = [(1, &film.video[0]), (2, &film.audio)].map(|(itag, stream): (u32, &Rendition)| {
        let path = format!("/media/{name}/{itag}");
        site.publish(&path, Resource::file(stream.mime, Content::new(stream.bytes.clone())));
        Format {
            itag,
            path,
            mime: format!("{}; codecs=\"{}\"", stream.mime, stream.codecs),
            picture: (stream.height > 0).then(|| (stream.width(), stream.height)),
            bits_per_second: stream.bits_per_second(),
            size: Size::Exact(stream.bytes.len() as u64),
        }
    });
    site.publish_listing(&Listing {
        id: name.into(),
        title: name.into(),
        seconds: SHAPE.seconds,
        thumbnail: None,
        formats: formats.into(),
    })
}
