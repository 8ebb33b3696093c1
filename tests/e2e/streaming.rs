//! Streams take the way that was planned for them, and leave nothing on the disk.

use std::{path::Path, time::Duration};

use anyhow::{Context, Result, ensure};
use e2e::{
    api::Job,
    disk::Disk,
    emulator::Throttle,
    family,
    landed::{files, path},
    media::{Library, Long, clips, packets, tiny},
    person::{ADA, Person},
    site::{Content, Delivery, Line, Links, Resource, Stream},
    world::World,
};

const LIMIT: Duration = Duration::from_secs(120);
const MEGABYTE: u64 = 1_000_000;
/// Of the film in segments: ten megabytes or so.
const SEGMENTS: usize = 60;
const MOST_RECORDED: u64 = 50_000;

/// A world and three links: one file, a pair, segments.
struct Three {
    world: World,
    ada: Person,
    single: Stream,
    pair: Stream,
    segments: String,
}

async fn three(workers: usize, megabytes: u64) -> Result<Three> {
    let setup = World::setup().workers(workers).setting("limits.user_running", "8").setting("worker.drain", "500ms");
    let world = setup.start().await?;
    let ada = world.person(ADA).await?;
    let content = Content::noisy_mp4(&tiny().await?, megabytes * MEGABYTE, 1);
    let single = world.site.publish_single("single", &content, Links::Plain);
    let pair = Long::mp4(&Library::of_the_repository()?, megabytes).await?;
    let pair = world.site.publish_pair("pair", &pair, Links::Plain);
    let segments = world.site.publish_segments("segments", &clips().await?.hls_ts["part000.ts"], SEGMENTS);
    Ok(Three { world, ada, single, pair, segments })
}

impl Three {
    async fn send(&self, link: &str) -> Result<Job> {
        self.ada.api.send(&self.world.site.url(link), "best").await
    }

    async fn whole(&self, stream: &Stream, job: &Job) -> Result<Job> {
        let done = self.ada.api.finished(&job.id, LIMIT).await?;
        ensure!(done.state == "completed", "{done:#?}");
        stream.compare(&path(&self.ada.files, &done)?).await.with_context(|| format!("{done:#?}"))?;
        Ok(done)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_takes_its_route_and_nothing_lies_on_the_disk() -> Result<()> {
    let three = three(1, 30).await?;
    let check = async |link: &str, route: &str| -> Result<Job> {
        let worker = three.world.workers()[0].group();
        let (spool, scratch) = (Disk::watch(three.world.spool()), Disk::watch(three.world.temporary()));
        let before = family::written(worker);
        let job = three.send(link).await?;
        let done = three.ada.api.finished(&job.id, LIMIT).await?;
        ensure!(done.state == "completed" && done.route.as_deref() == Some(route), "{route}: {done:#?}");
        let (largest, written) =
            (spool.largest().max(scratch.largest()), family::written(worker).saturating_sub(before));
        eprintln!("{route}: {:?} bytes landed, {written} were written, at most {largest} in one file", done.size);
        // Records of what is fetched lie there, which are smaller than a segment.
        ensure!(largest <= MOST_RECORDED, "{route}: a file of {largest} bytes lay on the disk");
        // Logs are written, and nothing else.
        ensure!(written <= MEGABYTE, "{route}: {written} bytes were written to a disk");
        Ok(done)
    };
    let done = check(&three.single.path, "direct").await?;
    ensure!(done.length == "exact" && done.bytes_total == done.size, "{done:#?}");
    three.whole(&three.single, &done).await?;
    let done = check(&three.pair.path, "interleave").await?;
    ensure!(done.length == "exact" && done.bytes_total == done.size, "{done:#?}");
    three.whole(&three.pair, &done).await?;
    let done = check(&three.segments, "pipe").await?;
    let segment = tempfile::NamedTempFile::new()?;
    std::fs::write(segment.path(), &clips().await?.hls_ts["part000.ts"])?;
    let counts =
        async |file: &Path| anyhow::Ok(packets(file).await?.iter().map(|stream| stream.count).collect::<Vec<_>>());
    let one: Vec<usize> = counts(segment.path()).await?.iter().map(|count| count * SEGMENTS).collect();
    ensure!(counts(&path(&three.ada.files, &done)?).await? == one, "packets are missing: not {one:?}");
    three.world.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_hides_its_length_is_stopped_at_the_cap() -> Result<()> {
    let world = World::setup().setting("limits.max_file_bytes", "10 MB").start().await?;
    let ada = world.person(ADA).await?;
    let content = Content::noisy_mp4(&tiny().await?, 60 * MEGABYTE, 1);
    world.site.publish("/endless.mp4", Resource::file("video/mp4", content));
    world.site.deliver("/endless.mp4", Delivery::chunked());
    // Slow enough that what lies in the buffers of a fast line does not count.
    world.site.shape(Line { bytes_per_second: Some(20 * MEGABYTE), ..Line::default() });
    let job = ada.api.run(&world.site.url("/endless.mp4"), "best", LIMIT).await?;
    ensure!(job.state == "refused" && job.failure() == "too_large", "{job:#?}");
    ensure!(files(&ada.files)?.is_empty(), "it was committed: {:?}", files(&ada.files)?);
    let sent: u64 = world.site.visits("/endless.mp4").iter().map(|visit| visit.sent_bytes).sum();
    ensure!(sent < 40 * MEGABYTE, "{sent} bytes were fetched");
    // What was streamed so far is in a session that nobody will ever finish.
    world.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_told_to_stop_hands_its_streams_over_where_they_are() -> Result<()> {
    let mut three = three(1, 60).await?;
    // One pace all the time: on a line that becomes faster, more appends at once would seem to be what made it so.
    let shaped = Throttle { total_bytes_per_second: 4 * MEGABYTE, ..Throttle::default() };
    three.world.emulator.shape(&shaped).await?;
    let jobs = [three.send(&three.single.path).await?, three.send(&three.pair.path).await?];
    for job in &jobs {
        three.ada.api.until(&job.id, LIMIT, |job| job.bytes_out > 14 * MEGABYTE).await?;
    }
    three.world.stop_worker(0).await?;
    for job in &jobs {
        let waiting = three.ada.api.job(&job.id).await?;
        ensure!(waiting.state == "queued", "a drained job waits for the next worker: {waiting:#?}");
    }
    let before = three.world.emulator.bytes_sent(&three.ada.account).await?;
    three.world.emulator.shape(&Throttle::default()).await?;
    three.world.add_worker().await?;
    let (single, pair) = (three.single.clone(), three.pair.clone());
    let mut size = 0;
    for (stream, job) in [(&single, &jobs[0]), (&pair, &jobs[1])] {
        let done = three.whole(stream, job).await?;
        ensure!(done.attempt == 1, "a shutdown cost an attempt: {done:#?}");
        size += done.size.unwrap_or_default();
    }
    let after = three.world.emulator.bytes_sent(&three.ada.account).await? - before;
    // A stop in good order loses at most what was under way: a chunk of each.
    ensure!(before + after <= size + 2 * (8 << 20), "{before} and {after} bytes were sent of {size}");
    ensure!(before >= 28 * MEGABYTE && after < size - 8 * MEGABYTE, "{before} and {after} bytes were sent of {size}");
    three.world.end().await
}
