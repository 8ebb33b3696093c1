//! A feed of thousands beside five links of somebody else: what it costs, and whether anybody has to wait for it.

use std::{fmt, path::Path, time::Duration};

use anyhow::{Context, Result, ensure};
use tokio::time::Instant;

use crate::{
    landed::{files, landed},
    media::tiny,
    person::{ADA, BEN},
    site::{Content, Resource, Series},
    world::World,
};

/// Entries of the feed.
const ENTRIES: u32 = 5_000;
/// Links of the other person.
const LINKS: u32 = 5;
/// Enough for the slowest machine; how long it takes is told, not judged.
const LIMIT: Duration = Duration::from_secs(1800);

/// What was seen.
#[derive(Debug)]
pub struct Report {
    /// Items that became jobs and landed.
    pub items: u32,
    /// From the paste to the last item.
    pub took: Duration,
    /// How many items were begun between the other person's paste and the begin of their first link.
    pub went_before: usize,
    /// The most memory that each worker process had, without its children, in kilobytes.
    pub workers_peak_kb: Vec<u64>,
    /// The most memory that Redis had, in kilobytes.
    pub redis_peak_kb: u64,
    /// From the cancel of the second list to its end, at half.
    pub cancelled_within: Duration,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = |what: &str, figure: String| writeln!(f, "  {what:<46} {figure}");
        let peaks: Vec<String> = self.workers_peak_kb.iter().map(|kb| (kb / 1024).to_string()).collect();
        line("entries of the feed, taken and landed", format!("{ENTRIES}, {}", self.items))?;
        line("from the paste to the last item", format!("{:.1} s", self.took.as_secs_f64()))?;
        line("items begun before the other person's first link", self.went_before.to_string())?;
        line(
            "peak memory of the workers, of Redis",
            format!("{} MiB, {} MiB", peaks.join(" and "), self.redis_peak_kb / 1024),
        )?;
        line("cancel of a list under way, to its end", format!("{:.2} s", self.cancelled_within.as_secs_f64()))
    }
}

/// Ada sends a feed of 5,000 entries of which `limit` are taken, Ben five links meanwhile; then Ada sends another and cancels it at half.
pub async fn long_list(limit: u32) -> Result<Report> {
    let world = World::setup().workers(2).setting("limits.playlist_items", &limit.to_string()).start().await?;
    let film = tiny().await?;
    let (ada, ben) = (world.person(ADA).await?, world.person(BEN).await?);
    let series = Series::new("daily", "Daily", ENTRIES, &film);
    let begun = Instant::now();
    let feed = ada.api.send(&world.site.url(&world.site.publish_feed(&series)), "best").await?;
    ada.api.until(&feed.id, LIMIT, |job| job.items.is_some_and(|items| items.completed >= 2)).await?;

    let mut links = Vec::new();
    for number in 0..LINKS {
        let path = format!("/ben/{number}.mp4");
        world.site.publish(&path, Resource::file("video/mp4", Content::new(film.clone())));
        links.push(ben.api.send(&world.site.url(&path), "best").await?);
    }
    let mut first_begun = None;
    for link in &links {
        let done = ben.api.finished(&link.id, LIMIT).await?;
        ensure!(landed(&ben.files, &done)? == film, "Ben's file landed damaged");
        first_begun = first_begun.min(done.started_at).or(done.started_at);
    }
    let first_begun = first_begun.context("Ben's first link began")?;

    let done = ada.api.finished(&feed.id, LIMIT).await?;
    let took = begun.elapsed();
    let told = done.items.context("it is a list")?;
    ensure!(done.state == "completed", "{done:#?}");
    ensure!((told.found, told.completed, told.cut_at) == (limit, limit, Some(limit)), "{told:?}");
    let items = ada.api.items(&feed.id).await?;
    ensure!(items.len() == limit as usize, "{} items", items.len());
    for (item, number) in items.iter().zip(1..) {
        ensure!(item.title.as_deref() == Some(&*series.title_of(number)), "item {number} is {:?}", item.title);
        ensure!(landed(&ada.files, item)? == series.bytes_of(number), "item {number} landed damaged");
    }
    ensure!(files(&ada.files)?.len() == limit as usize, "each item landed once");
    let between = |item: &&crate::api::Job| {
        item.started_at.is_some_and(|began| began > links[0].created_at && began < first_begun)
    };
    let went_before = items.iter().filter(between).count();

    let second = Series::new("weekly", "Weekly", ENTRIES, &film);
    let other = ada.api.send(&world.site.url(&world.site.publish_feed(&second)), "best").await?;
    let half = limit / 2;
    ada.api.until(&other.id, LIMIT, |job| job.items.is_some_and(|items| items.completed >= half.min(20))).await?;
    let asked = Instant::now();
    ada.api.cancel(&other.id).await?;
    let over = ada.api.finished(&other.id, LIMIT).await?;
    let cancelled_within = asked.elapsed();
    let told = over.items.context("it is a list")?;
    ensure!(over.state == "cancelled" && told.completed + told.cancelled == told.found, "{over:#?}");
    let landed_now = files(&ada.files)?.len();
    ensure!(landed_now == (limit + told.completed) as usize, "{landed_now} files, {told:?}");

    let report = Report {
        items: limit,
        took,
        went_before,
        workers_peak_kb: world
            .workers()
            .iter()
            .map(|worker| peak_kb(worker.group().as_raw()))
            .collect::<Result<_>>()?,
        redis_peak_kb: peak_kb(world.redis_process_id()?)?,
        cancelled_within,
    };
    world.end().await?;
    Ok(report)
}

/// The most memory that a process had, from /proc (`proc_pid_status(5)`: `VmHWM`).
fn peak_kb(process: i32) -> Result<u64> {
    let status = std::fs::read_to_string(Path::new("/proc").join(process.to_string()).join("status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}
