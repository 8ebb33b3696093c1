//! Whatever breaks, whenever: a crowd of small jobs goes through a whole Sluice while everything is killed, paused and cut at
//! random, and at the end every accepted link is one file.
//!
//! The faults strike at drawn moments of the run's progress, not of the clock, so that a seed means much the same on a slow
//! machine. Nothing is scripted inside the product: what is done to it, any machine and any operator may do.

mod crowd;
mod follow;
mod plan;
mod report;
mod verdict;
mod weather;

use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use tokio::{sync::mpsc, task::JoinSet};

use crate::{eventually::eventually, media::tiny, redis::Fsync, site::Series, world::World};

use crowd::{Crowd, Pace};
use follow::Followed;
use weather::Weather;

pub use plan::{Due, Fault, Faults, Plan};
pub use report::Report;

/// Links under way for each slot at any time: enough that none is idle, few enough that links are sent all through the run.
const AHEAD: usize = 2;
/// So many more links are posted when Redis goes away: somebody always comes at the wrong moment.
const AT_THE_WRONG_MOMENT: usize = 8;
/// How often progress is looked at.
const LOOK: Duration = Duration::from_millis(100);
/// Nothing that strikes here holds the house up for so long.
const STUCK: Duration = Duration::from_secs(180);
/// Jobs that one worker has at once: the product's default.
const SLOTS: usize = 4;

/// One run.
#[derive(Debug, Clone)]
pub struct Chaos {
    /// Draws the moments and kinds of faults.
    pub seed: u64,
    /// Links to send.
    pub jobs: u32,
    /// Worker processes.
    pub workers: usize,
    /// How soon Redis has on disk what it acknowledges. With [`Fsync::Always`] no acknowledged link may be lost at all.
    pub fsync: Fsync,
    /// What is to break.
    pub faults: Faults,
}

/// Runs it; an error when anything was lost, doubled, damaged, stuck or left behind.
pub async fn run(chaos: &Chaos) -> Result<Report> {
    let names = ["Ada", "Ben", "Cleo", "Dan"].map(|name| format!("{name} Example"));
    let mut world = World::setup()
        .workers(chaos.workers)
        .accounts(&names)
        .fsync(chaos.fsync)
        .proxied()
        // Everything is looked at again at the end.
        .setting("limits.recents", &chaos.jobs.to_string())
        .start()
        .await?;
    let series = Series::new("chaos", &format!("Run {}", chaos.seed), chaos.jobs, &tiny().await?);
    world.site.publish_series(&series);
    let mut people = Vec::new();
    for name in &names {
        people.push(world.person(name).await?);
    }

    let mut report = Report::of(chaos);
    let (sender, mut acknowledged) = mpsc::channel(100);
    let pace = Pace::new(chaos.workers * SLOTS * AHEAD);
    let mut senders = JoinSet::new();
    for (place, person) in people.iter().enumerate() {
        let links = (1..=chaos.jobs).filter(|number| *number as usize % people.len() == place);
        let links = links.map(|number| (number, world.site.url(&series.page_of(number)))).collect();
        let crowd = Crowd { place, api: person.api.clone(), seed: chaos.seed, links, pace: pace.clone() };
        senders.spawn(crowd.send(sender.clone()));
    }
    drop(sender);

    let mut followed = Followed::new(people, chaos.seed);
    let mut weather = Weather::new(&mut world, Plan::draw(chaos.seed, chaos.jobs, &chaos.faults), chaos.seed);
    let (mut landed, mut moved) = (0, Instant::now());
    while !(senders.is_empty() && weather.is_over()) {
        while let Ok(job) = acknowledged.try_recv() {
            followed.add(job);
        }
        let now = followed.landed()?;
        if now > landed {
            pace.allow(now - landed);
            (landed, moved) = (now, Instant::now());
        }
        if weather.pass(landed).await? {
            pace.allow(AT_THE_WRONG_MOMENT);
        }
        while let Some(ended) = senders.try_join_next() {
            report.add(ended??);
        }
        if moved.elapsed() > STUCK {
            bail!("nothing lands any more: {landed} of {}\n{}", chaos.jobs, followed.pending().await);
        }
        tokio::time::sleep(LOOK).await;
    }
    while let Some(job) = acknowledged.recv().await {
        followed.add(job);
    }
    let storm = weather.tell()?;
    report.storm(&storm);

    let links = |number| world.site.url(&series.page_of(number));
    let moved = Instant::now();
    while !followed.look(&storm.crashes_of_redis, chaos.fsync, links).await? {
        ensure!(moved.elapsed() < STUCK, "jobs are stuck:\n{}", followed.pending().await);
        tokio::time::sleep(LOOK).await;
    }
    report.jobs(&followed);
    verdict::judge(&world, &series, &followed, &mut report)?;
    report.open_sessions = world.emulator.open_session_ids().await?.len();
    // The last that was sent for clears away what the one before it left, if it gets so far.
    for worker in world.workers() {
        eventually("a worker is ready", STUCK, async || Ok(worker.log().contains("Worker is ready").then_some(())))
            .await?;
    }
    // Dropbox has no call that closes a session: each job that a dead worker had may leave one.
    world.end().await?;
    Ok(report)
}
