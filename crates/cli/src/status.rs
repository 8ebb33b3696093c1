//! `sluice status`: what is going on in this installation, in four lines.

use anyhow::Result;
use clap::Args;
use serde::Serialize;

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
}

/// Looks and prints.
pub(crate) async fn run(place: &Place, status: &Status) -> Result<()> {
    let installation = Installation::open(place)?;
    let store = installation.store().await?;
    let redis = store.inspect().await?;
    let depth = sluice_wiring::queue(&installation.settings, store).depth().await?;
    let report = Report {
        redis: redis.version,
        schema: redis.schema,
        workers: depth.workers,
        queued: depth.queued,
        running: depth.running,
        retrying: depth.retrying,
    };
    if status.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
        return Ok(());
    }
    println!("redis    {}, schema {}", report.redis, report.schema);
    match report.workers {
        0 => println!("workers  none: jobs wait until one starts"),
        workers => println!("workers  {workers}"),
    }
    println!("jobs     {} waiting, {} running, {} between attempts", report.queued, report.running, report.retrying);
    Ok(())
}
