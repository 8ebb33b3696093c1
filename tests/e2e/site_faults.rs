//! Whatever a site does in the middle of a stream: the file that lands is the whole one, or there is none and the person is told.

use std::{collections::BTreeSet, path::Path, time::Duration};

use anyhow::{Context, Result, bail, ensure};
use e2e::{
    api::Job,
    landed::{files, path},
    media::{Library, Long, clips, tiny},
    person::{ADA, Person},
    site::{Announce, Content, Delivery, Ending, Links, Resource, Site, Stream},
    world::World,
};

use crate::expect::Expect;

const LIMIT: Duration = Duration::from_secs(180);
/// Of the single file: more than one request of any size that a site likes.
const SIZE: u64 = 25_000_000;

/// What must come of a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Must {
    /// It is survived.
    Land,
    /// It cannot be helped, or not always: nothing may land, or all of it.
    NotMislead,
}

/// What a site does to a file of so many bytes.
#[derive(Debug, Clone, Copy)]
enum Fault {
    Delivers(fn(u64) -> Delivery),
    /// In the middle of the stream there is another file, so many bytes longer.
    Replaced(u64),
}

impl Fault {
    /// Does it break or refuse a download, however the file is fetched?
    fn is_sure(self, bytes: u64) -> bool {
        let later = matches!(self, Self::Delivers(delivery) if delivery(bytes).after > 0);
        self.leaves_ranges(bytes) && !later
    }

    /// Does the site still do ranges and tell the truth about lengths? Without that a stream may have to go another way.
    fn leaves_ranges(self, bytes: u64) -> bool {
        match self {
            Self::Replaced(_) => true,
            Self::Delivers(delivery) => delivery(bytes).announce == Announce::Honest,
        }
    }
}

type Row = (&'static str, Fault, Must);

const ONCE: &[Row] = &[
    ("cut once", Fault::Delivers(|bytes| Delivery::cut_at(bytes / 10 * 6).times(1)), Must::Land),
    ("cut at the second request", Fault::Delivers(|bytes| Delivery::cut_at(bytes / 3).after(1).times(1)), Must::Land),
    ("cut near the end", Fault::Delivers(|bytes| Delivery::cut_at(bytes - 10).times(1)), Must::Land),
    ("reset", Fault::Delivers(|bytes| Delivery::reset_at(bytes / 10 * 6).times(1)), Must::Land),
    ("stall", Fault::Delivers(|bytes| Delivery::stall_at(bytes / 10 * 6).times(1)), Must::Land),
    (
        "too many requests",
        Fault::Delivers(|_| Delivery { retry_after_s: Some(1), ..Delivery::status(429) }.times(1)),
        Must::Land,
    ),
    ("out of order twice", Fault::Delivers(|_| Delivery::status(503).times(2)), Must::Land),
    ("too long a promise", Fault::Delivers(|bytes| announcing(Announce::Claim(bytes + 1000))), Must::NotMislead),
];

/// What only matters where ranges of one large file are asked for.
const RANGES: &[Row] = &[
    ("expires in the middle", Fault::Delivers(|bytes| Delivery::expiring(bytes / 10 * 6)), Must::Land),
    ("expires again and again", Fault::Delivers(|bytes| Delivery::expiring(bytes / 10 * 4)), Must::NotMislead),
    ("no ranges", Fault::Delivers(|bytes| announcing(Announce::Claim(bytes))), Must::Land),
    ("no ranges and no length", Fault::Delivers(|_| Delivery::chunked()), Must::Land),
    ("no ranges, cut once", Fault::Delivers(|bytes| cut_without_ranges(bytes).times(1)), Must::NotMislead),
    ("cut always", Fault::Delivers(|bytes| Delivery::cut_at(bytes / 2)), Must::NotMislead),
    ("replaced by one of the same length", Fault::Replaced(0), Must::NotMislead),
    ("replaced by a longer one", Fault::Replaced(5000), Must::NotMislead),
];

fn announcing(announce: Announce) -> Delivery {
    Delivery { announce, ..Delivery::default() }
}

fn cut_without_ranges(bytes: u64) -> Delivery {
    Delivery { cut_at: Some(bytes / 2), ..announcing(Announce::Nothing) }
}

/// A world in which what cannot be helped is given up soon.
async fn world() -> Result<(World, Person)> {
    let setup = World::setup()
        .setting("limits.attempts", "3")
        .setting("limits.idle_timeout", "10s")
        .setting("limits.user_running", "4");
    let world = setup.start().await?;
    let ada = world.person(ADA).await?;
    Ok((world, ada))
}

/// Lets `fault` happen to the file at `path`; returns what may land instead.
fn strike(
    site: &Site,
    path: &str,
    content: &Content,
    fault: Fault,
    other: impl FnOnce(u64) -> Content,
) -> Option<Content> {
    match fault {
        Fault::Delivers(delivery) => {
            site.deliver(path, delivery(content.len()));
            None
        }
        Fault::Replaced(longer) => {
            let other = other(longer);
            site.replace_at(path, content.len() / 10 * 6, Resource::file("video/mp4", other.clone()));
            Some(other)
        }
    }
}

/// One link under one fault.
struct Case {
    name: &'static str,
    must: Must,
    job: Job,
    /// Each of these would be a whole file.
    wanted: Wanted,
    /// It may not give way to a safer route in its first attempt.
    keeps_route: bool,
    /// The path that must have been visited in vain.
    struck: Option<String>,
}

enum Wanted {
    OneOf(Vec<Stream>),
    Like(Expect),
}

impl Wanted {
    async fn check(&self, landed: &Path) -> Result<()> {
        match self {
            Self::Like(expect) => expect.check(&std::fs::read(landed)?).await,
            Self::OneOf(streams) => {
                let mut differences = Vec::new();
                for stream in streams {
                    match stream.compare(landed).await {
                        Ok(()) => return Ok(()),
                        Err(error) => differences.push(format!("{error:#}")),
                    }
                }
                bail!("it is none that was served: {}", differences.join("; nor "))
            }
        }
    }
}

impl Case {
    /// The file at the first path of `stream` is struck.
    async fn send(
        ada: &Person,
        site: &Site,
        row: &Row,
        stream: Stream,
        other: impl FnOnce(u64) -> Content,
    ) -> Result<Self> {
        let (name, fault, must) = *row;
        let (path, content) = stream.files[0].clone();
        let other = strike(site, &path, &content, fault, other);
        let (sure, keeps_route) = (fault.is_sure(content.len()), fault.leaves_ranges(content.len()));
        let struck = sure.then_some(path);
        let job = ada.api.send(&site.url(&stream.path), "best").await?;
        let mut streams = vec![stream.clone()];
        streams.extend(other.map(|other| {
            let mut replaced = stream;
            replaced.files[0].1 = other;
            replaced
        }));
        Ok(Self { name, must, job, wanted: Wanted::OneOf(streams), keeps_route, struck })
    }

    async fn judge(&self, done: &Job, folder: &Path, route: &str) -> Result<()> {
        // From the cheapest to the safest.
        const ROUTES: [&str; 4] = ["direct", "interleave", "pipe", "spool"];
        let place = |route: &str| ROUTES.iter().position(|known| *known == route);
        let taken = place(done.route.as_deref().unwrap_or_default());
        ensure!(taken >= place(route), "the route is {:?}", done.route);
        ensure!(
            taken == place(route) || done.attempt > 1 || !self.keeps_route,
            "the route is {:?} at once",
            done.route
        );
        if done.state == "completed" {
            return self.wanted.check(&path(folder, done)?).await;
        }
        ensure!(self.must == Must::NotMislead, "it did not land: {:?}", done.error);
        ensure!(done.state == "failed" && done.failure() != "internal", "no plain failure: {:?}", done.error);
        Ok(())
    }
}

/// Waits for all and tells everything that is wrong.
async fn judge(world: World, ada: &Person, cases: &[Case], route: &str) -> Result<()> {
    let (mut wrong, mut completed) = (Vec::new(), BTreeSet::new());
    for case in cases {
        let done = ada.api.finished(&case.job.id, LIMIT).await.with_context(|| case.name)?;
        eprintln!("{route}, {}: {} {}", case.name, done.state, done.failure());
        // The same bytes twice are one file.
        completed.extend(done.dropbox_path.as_ref().map(|path| path.trim_start_matches('/').to_owned()));
        if let Err(error) = case.judge(&done, &ada.files, route).await {
            wrong.push(format!("{}: {error:#}", case.name));
        } else if case.struck.as_ref().is_some_and(|path| !was_struck(&world.site, path)) {
            wrong.push(format!("{}: nothing ever went wrong", case.name));
        }
    }
    let found = files(&ada.files)?;
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    ensure!(found.iter().eq(&completed), "{completed:?} completed: {found:?}");
    // What is given up in the middle leaves its session open: Dropbox has no call that closes one.
    world.end().await
}

fn was_struck(site: &Site, path: &str) -> bool {
    site.visits(path).iter().any(|visit| visit.status >= 400 || visit.ending == Ending::Broken)
}

#[tokio::test(flavor = "multi_thread")]
async fn one_file_streamed_from_a_bad_site() -> Result<()> {
    let ((world, ada), film) = (world().await?, tiny().await?);
    let mut cases = Vec::new();
    for (number, row) in (0..).zip(ONCE.iter().chain(RANGES)) {
        let content = Content::noisy_mp4(&film, SIZE, number);
        let stream = world.site.publish_single(&format!("one-{number}"), &content, Links::Signed);
        let other = |longer| Content::noisy_mp4(&film, SIZE + longer, 1000 + number);
        cases.push(Case::send(&ada, &world.site, row, stream, other).await?);
    }
    judge(world, &ada, &cases, "direct").await
}

#[tokio::test(flavor = "multi_thread")]
async fn picture_and_sound_streamed_from_a_bad_site() -> Result<()> {
    let (world, ada) = world().await?;
    let library = Library::of_the_repository()?;
    let (film, longer) = (Long::mp4(&library, 16).await?, Long::mp4(&library, 24).await?);
    let mut cases = Vec::new();
    for (number, row) in (0..).zip(ONCE.iter().chain(RANGES)) {
        let stream = world.site.publish_pair(&format!("two-{number}"), &film, Links::Signed);
        let content = stream.files[0].1.clone();
        let other = |more| if more == 0 { altered(&content) } else { Content::joined(longer.video.parts.clone()) };
        cases.push(Case::send(&ada, &world.site, row, stream, other).await?);
    }
    judge(world, &ada, &cases, "interleave").await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_unknown_kind_spooled_from_a_bad_site() -> Result<()> {
    let ((world, ada), film) = (world().await?, tiny().await?);
    let mut cases = Vec::new();
    // A link of its own cannot be renewed.
    let rows = ONCE.iter().chain(RANGES).filter(|(name, ..)| !name.starts_with("expires"));
    for (number, row) in (0..).zip(rows) {
        let (path, content) = (format!("/unknown/file-{number}"), Content::noisy_mp4(&film, SIZE, number));
        world.site.publish(&path, Resource::file("application/octet-stream", content.clone()));
        let stream = Stream { path: path.clone(), files: vec![(path, content)] };
        let other = |longer| Content::noisy_mp4(&film, SIZE + longer, 1000 + number);
        cases.push(Case::send(&ada, &world.site, row, stream, other).await?);
    }
    judge(world, &ada, &cases, "spool").await
}

/// The same film with another byte in the samples of its first and of its second half.
fn altered(content: &Content) -> Content {
    let mut bytes = content.pieces().collect::<Vec<_>>().concat();
    for place in [bytes.len() / 4, bytes.len() / 7 * 6] {
        bytes[place] ^= 1;
    }
    Content::new(bytes)
}

#[tokio::test(flavor = "multi_thread")]
async fn segments_piped_from_a_bad_site() -> Result<()> {
    let ((world, ada), clips) = (world().await?, clips().await?);
    let mut cases = Vec::new();
    for (number, (name, fault, must)) in ONCE.iter().enumerate() {
        for (file, bytes) in &clips.hls_ts {
            let mime = if file.ends_with("m3u8") { "application/vnd.apple.mpegurl" } else { "video/mp2t" };
            world.site.publish(&format!("/hls/{number}/{file}"), Resource::file(mime, Content::new(bytes.clone())));
        }
        let path = format!("/hls/{number}/part001.ts");
        let segment = Content::new(clips.hls_ts["part001.ts"].clone());
        strike(&world.site, &path, &segment, *fault, |_| segment.clone());
        let struck = fault.is_sure(segment.len()).then_some(path);
        let job = ada.api.send(&world.site.url(&format!("/hls/{number}/index.m3u8")), "best").await?;
        let film = [&clips.progressive];
        let keeps_route = fault.leaves_ranges(segment.len());
        let wanted = Wanted::Like(Expect::streams(film, film));
        cases.push(Case { name, must: *must, job, wanted, keeps_route, struck });
    }
    judge(world, &ada, &cases, "pipe").await
}
