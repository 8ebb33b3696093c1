//! Several transfers at once, and their worker killed with SIGKILL at drawn moments: another one goes on where they were.
//!
//! Every kill strikes each transfer at another point. A link that has lost several workers is left alone for a while, longer each time, as
//! it may be what kills them: so there are more transfers than kills.

use std::{fmt, time::Duration};

use anyhow::{Context, Result, ensure};
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};

use crate::{
    api::Job,
    emulator::Throttle,
    eventually::eventually,
    landed::{files, path},
    media::{Library, Long, tiny},
    person::Person,
    site::{Content, Links, Stream},
    world::World,
};

const MIB: u64 = 1 << 20;
/// What one kill may cost each transfer, in bytes sent again.
const AGAIN: u64 = 8 * MIB;
/// Longer than all waits that losses bring about.
const LIMIT: Duration = Duration::from_secs(900);

/// One run.
#[derive(Debug, Clone, Copy)]
pub struct Kills {
    /// Draws the moments.
    pub seed: u64,
    /// How often the worker is killed.
    pub kills: u32,
    /// Transfers at once; every other one is a pair.
    pub transfers: u32,
    /// Size of each.
    pub megabytes: u64,
    /// Dropbox's line, in all.
    pub bytes_per_second: u64,
}

/// What was seen.
#[derive(Debug)]
pub struct Report {
    kills: Kills,
    /// Bytes that were sent more than once, for each transfer.
    again: Vec<u64>,
    sessions: usize,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Kills { kills, transfers, megabytes, seed, .. } = self.kills;
        let worst = self.again.iter().max().copied().unwrap_or(0);
        let mut line = |what: &str, figure: String| writeln!(f, "  {what:<46} {figure}");
        line("transfers, each of", format!("{transfers}, {megabytes} MB"))?;
        line("kills, points at which a transfer was struck", format!("{kills}, {} (seed {seed})", kills * transfers))?;
        line("files that landed whole", self.again.len().to_string())?;
        let each = worst as f64 / f64::from(kills.max(1)) / MIB as f64;
        line("sent again for each kill, worst transfer", format!("{each:.1} MiB (at most {} MiB)", AGAIN / MIB))?;
        line("upload sessions left open", self.sessions.to_string())
    }
}

/// Runs it; an error when a file is damaged, missing or doubled, or when too much was sent again.
pub async fn run(kills: &Kills) -> Result<Report> {
    let names: Vec<String> = (1..=kills.transfers).map(|number| format!("Person {number}")).collect();
    let mut world =
        World::setup().accounts(&names).setting("worker.concurrency", &kills.transfers.to_string()).start().await?;
    let shared = Throttle { total_bytes_per_second: kills.bytes_per_second, ..Throttle::default() };
    world.emulator.shape(&shared).await?;
    let mut transfers = Vec::new();
    for (place, name) in names.iter().enumerate() {
        let (person, stream) = (world.person(name).await?, publish(&world, place, kills.megabytes).await?);
        let job = person.api.send(&world.site.url(&stream.path), "best").await?;
        transfers.push((person, stream, job.id));
    }
    let expected: u64 = transfers.iter().map(|(_, stream, _)| stream.bytes()).sum();
    for moment in moments(kills, expected) {
        eventually("enough is fetched", LIMIT, async || Ok((fetched(&world, &transfers) >= moment).then_some(())))
            .await?;
        world.crash_worker(0).await?;
        world.add_worker().await?;
    }
    let mut again = Vec::new();
    for (person, stream, id) in &transfers {
        let job = person.api.finished(id, LIMIT).await?;
        whole(person, stream, &job).await.with_context(|| format!("{}: {job:#?}", stream.path))?;
        let sent = world.emulator.bytes_sent(&person.account).await?;
        let size = job.size.context("a size")?;
        ensure!(sent >= size, "{sent} bytes were sent of {size}");
        let most = u64::from(kills.kills) * AGAIN;
        ensure!(sent - size <= most, "{}: {} bytes were sent again, {most} may be", stream.path, sent - size);
        again.push(sent - size);
    }
    let sessions = world.emulator.open_session_ids().await?.len();
    // A worker that dies before its first checkpoint leaves a session that nobody knows.
    world.end().await?;
    Ok(Report { kills: *kills, again, sessions })
}

async fn publish(world: &World, place: usize, megabytes: u64) -> Result<Stream> {
    let id = format!("kill-{place}");
    Ok(if place.is_multiple_of(2) {
        let content = Content::noisy_mp4(&tiny().await?, megabytes * 1_000_000, place as u64);
        world.site.publish_single(&id, &content, Links::Plain)
    } else {
        let film = Long::mp4(&Library::of_the_repository()?, megabytes).await?;
        world.site.publish_pair(&id, &film, Links::Plain)
    })
}

/// After how many fetched bytes each kill comes: anywhere but at the very end.
fn moments(kills: &Kills, expected: u64) -> Vec<u64> {
    let mut draw = StdRng::seed_from_u64(kills.seed);
    let mut moments: Vec<u64> = (0..kills.kills).map(|_| draw.random_range(0..expected / 10 * 9)).collect();
    moments.sort_unstable();
    moments
}

/// Bytes that the site sent of all media so far.
fn fetched(world: &World, transfers: &[(Person, Stream, String)]) -> u64 {
    let paths = transfers.iter().flat_map(|(_, stream, _)| &stream.files);
    paths.flat_map(|(path, _)| world.site.visits(path)).map(|visit| visit.sent_bytes).sum()
}

/// The one file of the account is what was published.
async fn whole(person: &Person, stream: &Stream, job: &Job) -> Result<()> {
    ensure!(job.state == "completed", "it did not arrive");
    ensure!(files(&person.files)?.len() == 1, "more than one file: {:?}", files(&person.files)?);
    stream.compare(&path(&person.files, job)?).await
}
