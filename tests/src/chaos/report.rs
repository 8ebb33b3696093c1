//! The figures of a run.

use std::{
    fmt,
    time::{Duration, Instant},
};

use super::{Chaos, crowd::Met, follow::Followed, weather::Storm};
use crate::redis::Fsync;

/// What a run was and what came of it.
#[derive(Debug)]
pub struct Report {
    /// What drew the faults.
    pub seed: u64,
    /// Links sent.
    pub jobs: u32,
    /// Worker processes at a time.
    pub workers: usize,
    /// How Redis wrote.
    pub fsync: Fsync,
    begun: Instant,
    storm: Storm,
    /// From the first link to the last proof.
    pub duration: Duration,
    /// Answers of 503 to links that were sent.
    pub unavailable: usize,
    /// Links sent twice under one key.
    pub twice: usize,
    /// Acknowledged links that a crash of Redis took back; none unless Redis wrote every second only.
    pub lost: usize,
    /// Jobs of which more than one attempt began.
    pub started_again: usize,
    /// From acknowledgement to the end, shortest first.
    pub took: Vec<Duration>,
    /// Commits that found their own file in place already.
    pub idle_commits: usize,
    /// Upload sessions that dead workers left.
    pub open_sessions: usize,
}

impl Report {
    pub(super) fn of(chaos: &Chaos) -> Self {
        Self {
            seed: chaos.seed,
            jobs: chaos.jobs,
            workers: chaos.workers,
            fsync: chaos.fsync,
            begun: Instant::now(),
            storm: Storm::default(),
            duration: Duration::ZERO,
            unavailable: 0,
            twice: 0,
            lost: 0,
            started_again: 0,
            took: Vec::new(),
            idle_commits: 0,
            open_sessions: 0,
        }
    }

    pub(super) fn add(&mut self, met: Met) {
        self.unavailable += met.unavailable;
        self.twice += met.twice;
    }

    pub(super) fn storm(&mut self, storm: &Storm) {
        self.storm = storm.clone();
    }

    pub(super) fn jobs(&mut self, followed: &Followed) {
        let ends = || followed.links().filter_map(|(_, link)| link.end.as_ref());
        self.lost = followed.lost;
        self.started_again = ends().filter(|job| job.attempt > 1).count();
        self.took = ends().filter_map(crate::api::Job::took).collect();
        self.took.sort();
        self.duration = self.begun.elapsed();
    }

    fn percentile(&self, percent: usize) -> Duration {
        let place = (self.took.len() * percent / 100).min(self.took.len().saturating_sub(1));
        self.took.get(place).copied().unwrap_or_default()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let storm = &self.storm;
        let fsync = match self.fsync {
            Fsync::Always => "always",
            Fsync::EverySecond => "everysec",
        };
        let mut row = |name: &str, figure: String| writeln!(f, "  {name:<44} {figure}");
        row("seed", self.seed.to_string())?;
        row("jobs, workers, appendfsync", format!("{}, {}, {fsync}", self.jobs, self.workers))?;
        row("workers killed with SIGKILL", storm.kills.to_string())?;
        row("workers paused, with their children", format!("{}, {}", storm.pauses, storm.family_pauses))?;
        let crashes = storm.crashes_of_redis.len();
        row(
            "Redis killed, ended",
            format!("{crashes}, {}; away for {:.1} s", storm.stops_of_redis, storm.away.as_secs_f64()),
        )?;
        row("replies lost after execution", storm.lost_replies.to_string())?;
        row("cuts of all connections", storm.cuts.to_string())?;
        row("answers of 503, links sent twice", format!("{}, {}", self.unavailable, self.twice))?;
        row("completed once, whole, with their own bytes", self.jobs.to_string())?;
        row("acknowledged and lost in a crash of Redis", self.lost.to_string())?;
        row("jobs started more than once", self.started_again.to_string())?;
        row("commits that found their file in place", self.idle_commits.to_string())?;
        row("upload sessions left open by the dead", self.open_sessions.to_string())?;
        let seconds = |time: Duration| format!("{:.1} s", time.as_secs_f64());
        let (half, most) = (seconds(self.percentile(50)), seconds(self.percentile(99)));
        row("acknowledged to landed, p50, p99, longest", format!("{half}, {most}, {}", seconds(self.percentile(100))))?;
        row("duration", seconds(self.duration))
    }
}
