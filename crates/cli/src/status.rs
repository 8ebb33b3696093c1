//! `sluice status`: what is going on in this installation, in a few lines.

use std::time::Duration;

use anyhow::Result;
use clap::Args;
use serde::Serialize;
use sluice_domain::human_duration;

use crate::{installation::Installation, place::Place};

/// Show what is going on: Redis, workers, and how many jobs wait, run and are between attempts
#[derive(Debug, Args)]
pub(crate) struct Status {
    /// Print it as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Report {
    redis: String,
    schema: u32,
    workers: u64,
    queued: u64,
    running: u64,
    retrying: u64,
    /// Jobs that the workers take at once, all together.
    slots: u64,
    /// Has the operator paused the whole queue?
    paused: bool,
    /// How long the job that has waited longest waits.
    oldest_waiting_seconds: Option<u64>,
    /// Entries that could not be worked on; the newest hundred at most.
    dead: usize,
}

/// Looks and prints.
pub(crate) async fn run(place: &Place, status: &Status) -> Result<()> {
    let installation = Installation::open(place)?;
    let store = installation.store().await?;
    let redis = store.inspect().await?;
    let overview = sluice_wiring::queue(&installation.settings, store).operator().overview().await?;
    let depth = overview.depth;
    let report = Report {
        redis: redis.version,
        schema: redis.schema,
        workers: depth.workers,
        queued: depth.queued,
        running: depth.running,
        retrying: depth.retrying,
        slots: overview.workers.iter().map(|worker| worker.slots).sum(),
        paused: overview.paused,
        oldest_waiting_seconds: overview
            .oldest_waiting
            .map(|since| u64::try_from(overview.now.duration_since(since).as_secs()).unwrap_or_default()),
        dead: overview.dead.len(),
    };
    if status.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
        return Ok(());
    }
    println!("redis    {}, schema {}", report.redis, report.schema);
    match report.workers {
        0 => println!("workers  none: jobs wait until one starts"),
        workers => println!("workers  {workers}, {} jobs at once", report.slots),
    }
    println!("jobs     {} waiting, {} running, {} between attempts", report.queued, report.running, report.retrying);
    if report.paused {
        println!("paused   the whole queue: nothing more is begun until `sluice queue resume`");
    }
    if let Some(seconds) = report.oldest_waiting_seconds {
        println!("waiting  the longest for {}", human_duration(Duration::from_secs(seconds)));
    }
    if report.dead > 0 {
        println!("dead     {} entries could not be worked on: `sluice queue` tells why", report.dead);
    }
    Ok(())
}
