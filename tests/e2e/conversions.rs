//! Sound lands in the form that was asked for: as the site has it, or converted; with its labels and its cover.

use std::{collections::BTreeSet, path::Path, time::Duration};

use anyhow::{Context, Result, ensure};
use e2e::{
    api::Job,
    landed::{files, landed, path},
    media::{Clips, clips, cover, told},
    person::{ADA, Person},
    site::{Delivery, Sample, publish_samples},
    world::World,
};
use serde_json::Value;

use crate::expect::Expect;

const LIMIT: Duration = Duration::from_secs(120);
/// Of all clips, in seconds.
const DURATION: f64 = 6.0;

/// What must land.
enum Want {
    /// MP3 of a constant rate, with labels; with this cover, where the site shows a picture.
    Mp3 { title: &'static str, artist: Option<&'static str>, covered: bool },
    /// Sound of this codec, with a title.
    Converted(&'static str, &'static str),
    /// The site's own.
    Like(Expect),
}

struct Case {
    kind: &'static str,
    preset: &'static str,
    route: &'static str,
    want: Want,
}

fn cases(clips: &Clips) -> Vec<Case> {
    let case = |kind, preset, route, want| Case { kind, preset, route, want };
    let mp3 = |title, artist, covered| Want::Mp3 { title, artist, covered };
    vec![
        case("list of formats", "mp3", "pipe", mp3("A list of formats", Some("The local site"), true)),
        case("page with separate video and audio", "mp3", "pipe", mp3("Separate video and audio in WebM", None, true)),
        case(
            "page with separate video and audio",
            "m4a",
            "spool",
            Want::Converted("aac", "Separate video and audio in WebM"),
        ),
        case("page with a video", "mp3", "pipe", mp3("A plain page", None, true)),
        case("progressive MP4", "opus", "pipe", Want::Converted("opus", "clip")),
        case("progressive MP4", "m4a", "spool", Want::Like(Expect::streams([], [&clips.progressive]))),
        case("MP4 with its index last", "mp3", "spool", mp3("moov-last", None, false)),
        case("MP4 with its index last", "opus", "spool", Want::Converted("opus", "moov-last")),
        case("WebM", "mp3", "pipe", mp3("clip", None, false)),
        case("HLS with transport streams", "mp3", "pipe", mp3("index", None, false)),
        case("HLS with fragmented MP4", "opus", "pipe", Want::Converted("opus", "index")),
        case("DASH with a segment template", "mp3", "pipe", mp3("index", None, false)),
        case("audio: MP3", "mp3", "direct", Want::Like(Expect::Bytes(clips.mp3.clone()))),
        case("audio: AAC", "m4a", "direct", Want::Like(Expect::Bytes(clips.m4a.clone()))),
        case("audio: AAC", "mp3", "pipe", mp3("clip", None, false)),
        case("audio: MP3", "opus", "pipe", Want::Converted("opus", "clip")),
        case("audio: Opus", "opus", "direct", Want::Like(Expect::Bytes(clips.opus.clone()))),
        case("audio: Opus", "m4a", "spool", Want::Converted("aac", "clip")),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn sound_lands_in_the_form_that_was_asked_for() -> Result<()> {
    let (world, clips) = (World::setup().setting("limits.user_running", "4").start().await?, clips().await?);
    let samples = publish_samples(&world.site, clips)?;
    let ada = world.person(ADA).await?;
    let (mut jobs, mut wrong) = (Vec::new(), Vec::new());
    let cases = cases(clips);
    for case in &cases {
        // Of two pages of a kind, the one in WebM: that has no AAC.
        let sample = samples.iter().rev().find(|sample| sample.kind == case.kind).context(case.kind)?;
        jobs.push(send(&world, &ada, sample, case.preset).await?);
    }
    for (case, job) in cases.iter().zip(jobs) {
        let name = format!("{} as {}", case.kind, case.preset);
        let done = ada.api.finished(&job.id, LIMIT).await.with_context(|| name.clone())?;
        match case.check(&done, &ada.files, clips).await {
            Ok(()) => eprintln!("{name}: {:?} bytes by {}", done.size, case.route),
            Err(error) => wrong.push(format!("{name}: {error:#}: {done:#?}")),
        }
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    world.end().await
}

async fn send(world: &World, ada: &Person, sample: &Sample, preset: &str) -> Result<Job> {
    ada.api.send(&world.site.url(&sample.path), preset).await
}

impl Case {
    async fn check(&self, done: &Job, folder: &Path, clips: &Clips) -> Result<()> {
        let bytes = landed(folder, done)?;
        ensure!(done.route.as_deref() == Some(self.route), "by {:?}, not by {}", done.route, self.route);
        ensure!(done.attempt == 1, "not at once");
        let file = path(folder, done)?;
        match &self.want {
            Want::Like(expect) => expect.check(&bytes).await,
            Want::Converted(codec, title) => {
                let told = told(&file).await?;
                ensure!(told["streams"].as_array().is_some_and(|all| all.len() == 1), "{told}");
                is_sound(&told["streams"][0], codec, &told["format"]["duration"])?;
                // Ogg has the labels with the stream.
                let tags = [&told["format"]["tags"]["title"], &told["streams"][0]["tags"]["title"]];
                ensure!(tags.iter().any(|found| *found == title), "{title} is not in {tags:?}");
                Ok(())
            }
            Want::Mp3 { title, artist, covered } => {
                let told = told(&file).await?;
                is_sound(&told["streams"][0], "mp3", &told["format"]["duration"])?;
                ensure!(told["streams"][0]["bit_rate"] == "192000", "{told}");
                has_a_constant_rate(&told)?;
                let tags = &told["format"]["tags"];
                ensure!(tags["title"] == **title, "{tags}");
                ensure!(artist.is_none_or(|artist| tags["artist"] == artist), "{tags}");
                let pictures = told["streams"].as_array().map_or(0, |all| all.len() - 1);
                ensure!(pictures == usize::from(*covered), "{pictures} covers");
                if *covered {
                    ensure!(told["streams"][1]["disposition"]["attached_pic"] == 1, "{told}");
                    ensure!(cover(&file).await? == clips.poster, "another cover than the site's picture");
                }
                Ok(())
            }
        }
    }
}

fn is_sound(stream: &Value, codec: &str, duration: &Value) -> Result<()> {
    ensure!(stream["codec_name"] == codec, "{stream}");
    let duration: f64 = duration.as_str().context("no duration")?.parse()?;
    ensure!((duration - DURATION).abs() < 0.15, "{duration} s");
    Ok(())
}

/// Every frame is as long as the others, but for the byte that comes in when a rate does not divide evenly.
fn has_a_constant_rate(told: &Value) -> Result<()> {
    let packets = told["packets"].as_array().context("no packets")?;
    let sizes: BTreeSet<i64> = packets
        .iter()
        .filter(|packet| packet["codec_type"] == "audio")
        .filter_map(|packet| packet["size"].as_str()?.parse().ok())
        .collect();
    let spread = sizes.last().zip(sizes.first()).map(|(most, least)| most - least);
    ensure!(spread.is_some_and(|spread| spread <= 1), "frames of {sizes:?} bytes");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversion_of_what_breaks_off_never_lands() -> Result<()> {
    let world = World::setup().setting("limits.attempts", "2").setting("limits.idle_timeout", "5s").start().await?;
    let (ada, clips) = (world.person(ADA).await?, clips().await?);
    let samples = publish_samples(&world.site, clips)?;
    // It says how long it is, and always ends before.
    let bytes = clips.progressive.len() as u64;
    world.site.deliver("/files/clip.mp4", Delivery::cut_at(bytes / 2));
    let sample = samples.iter().find(|sample| sample.kind == "progressive MP4").context("no film")?;
    for preset in ["mp3", "m4a", "opus"] {
        let job = send(&world, &ada, sample, preset).await?;
        let done = ada.api.finished(&job.id, LIMIT).await?;
        ensure!(done.state == "failed" && done.failure() == "network", "{preset}: {done:#?}");
    }
    ensure!(files(&ada.files)?.is_empty(), "it landed: {:?}", files(&ada.files)?);
    Ok(())
}
