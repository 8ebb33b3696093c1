//! What all parts do: send a link, wait, say what it came to.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use e2e::{api::Job, landed, person::Person, site::Stream, world::World};

/// Enough for the slowest machine; how long it takes is told, not judged.
pub(crate) const LIMIT: Duration = Duration::from_secs(3600);
/// What rates and sizes are told in.
pub(crate) const MEGABYTE: f64 = 1e6;

/// One transfer, proven.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) route: String,
    /// From the acceptance of the link to the commit.
    pub(crate) took: Duration,
    /// Of the file that landed.
    pub(crate) bytes: u64,
}

impl Run {
    /// Megabytes per second.
    pub(crate) fn rate(&self) -> f64 {
        self.bytes as f64 / MEGABYTE / self.took.as_secs_f64()
    }
}

/// Sends the link of `stream` and waits until it has landed whole.
pub(crate) async fn run(world: &World, person: &Person, stream: &Stream) -> Result<Run> {
    let job = person.api.run(&world.site.url(&stream.path), "best", LIMIT).await?;
    ensure!(job.state == "completed", "{job:#?}");
    stream.compare(&landed::path(&person.files, &job)?).await?;
    of(&job)
}

/// What a completed job came to.
pub(crate) fn of(job: &Job) -> Result<Run> {
    Ok(Run {
        route: job.route.clone().context("a route")?,
        took: job.took().context("it has ended")?,
        bytes: job.size.context("a size")?,
    })
}

/// One line of the report.
pub(crate) fn line(what: &str, figure: &str) {
    println!("  {what:<52} {figure}");
}

/// Seconds as one reads them.
pub(crate) fn seconds(time: Duration) -> String {
    format!("{:.2} s", time.as_secs_f64())
}
