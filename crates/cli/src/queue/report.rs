//! What `sluice queue status` tells: for people as text, for scripts as JSON. The names in the JSON are kept.

use std::{fmt, time::Duration};

use anyhow::Result;
use jiff::Timestamp;
use serde::Serialize;
use sluice_domain::FailureKind;
use sluice_store::Store;
use sluice_wiring::{Overview, WorkerSeen};

/// A heartbeat older than this is marked. Other workers take the jobs over at about that age.
const SILENT_AFTER: Duration = Duration::from_secs(6);

/// The whole queue.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    paused: bool,
    queued: u64,
    running: u64,
    retrying: u64,
    oldest_waiting_seconds: Option<u64>,
    failures: Vec<Failure>,
    workers: Vec<Worker>,
    accounts: Vec<Account>,
    dead: Vec<Dead>,
}

#[derive(Debug, Serialize)]
struct Failure {
    kind: FailureKind,
    jobs: u64,
}

#[derive(Debug, Serialize)]
struct Worker {
    name: String,
    running: u64,
    slots: u64,
    heartbeat_seconds_ago: u64,
    silent: bool,
}

#[derive(Debug, Serialize)]
struct Account {
    id: String,
    name: Option<String>,
    waiting: u64,
    running: u64,
    weight: u8,
    paused: bool,
}

#[derive(Debug, Serialize)]
struct Dead {
    id: String,
    reason: String,
}

impl Report {
    /// What is seen now, with the names of people.
    pub(super) async fn of(seen: &Overview, store: &Store) -> Result<Self> {
        let ago = |then: Timestamp| Duration::try_from(seen.now.duration_since(then)).unwrap_or_default();
        let mut accounts = Vec::new();
        for load in &seen.accounts {
            // A record that cannot be read costs its name only.
            let known = match store.accounts().get(&load.account).await {
                Err(error) if error.is_unavailable() => return Err(error.into()),
                known => known.ok().flatten(),
            };
            accounts.push(Account {
                id: load.account.to_string(),
                name: known.map(|account| account.display_name).filter(|name| !name.is_empty()),
                waiting: load.waiting,
                running: load.running,
                weight: load.weight,
                paused: load.paused,
            });
        }
        let worker = |worker: &WorkerSeen| {
            let age = ago(worker.last_beat);
            Worker {
                name: worker.name.clone(),
                running: worker.running,
                slots: worker.slots,
                heartbeat_seconds_ago: age.as_secs(),
                silent: age > SILENT_AFTER,
            }
        };
        Ok(Self {
            paused: seen.paused,
            queued: seen.depth.queued,
            running: seen.depth.running,
            retrying: seen.depth.retrying,
            oldest_waiting_seconds: seen.oldest_waiting.map(|then| ago(then).as_secs()),
            failures: seen.failures.iter().map(|&(kind, jobs)| Failure { kind, jobs }).collect(),
            workers: seen.workers.iter().map(worker).collect(),
            accounts,
            dead: seen.dead.iter().map(|dead| Dead { id: dead.id.clone(), reason: dead.reason.clone() }).collect(),
        })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = if self.paused { "paused: nothing more is begun, what runs goes on" } else { "not paused" };
        writeln!(f, "queue     {state}")?;
        write!(f, "jobs      {} waiting", self.queued)?;
        if let Some(seconds) = self.oldest_waiting_seconds {
            write!(f, " (the oldest for {})", span(seconds))?;
        }
        writeln!(f, ", {} running, {} between attempts", self.running, self.retrying)?;
        if self.workers.iter().all(|worker| worker.slots == 0) {
            writeln!(f, "workers   none: jobs wait until one starts")?;
        }
        for (place, worker) in self.workers.iter().enumerate() {
            write!(f, "{:<10}{}: ", heading(place, "workers"), worker.name)?;
            match worker.slots {
                0 => write!(f, "{} for devices too, ", worker.running)?,
                slots => write!(f, "{} of {slots} slots busy, ", worker.running)?,
            }
            let beat = span(worker.heartbeat_seconds_ago);
            if worker.silent { writeln!(f, "SILENT for {beat}")? } else { writeln!(f, "heartbeat {beat} ago")? }
        }
        for (place, failure) in self.failures.iter().enumerate() {
            let (heading, kind) = (heading(place, "failures"), failure.kind.as_str());
            writeln!(f, "{heading:<10}{kind} × {}: {}", failure.jobs, failure.kind.user_message())?;
        }
        for (place, account) in self.accounts.iter().enumerate() {
            write!(f, "{:<10}{}", heading(place, "accounts"), account.id)?;
            if let Some(name) = &account.name {
                write!(f, " ({name})")?;
            }
            write!(f, ": {} waiting, {} running, weight {}", account.waiting, account.running, account.weight)?;
            writeln!(f, "{}", if account.paused { ", PAUSED" } else { "" })?;
        }
        for (place, dead) in self.dead.iter().enumerate() {
            writeln!(f, "{:<10}{}: {}", heading(place, "dead"), dead.id, dead.reason)?;
        }
        Ok(())
    }
}

/// The name of a section, before its first line only.
fn heading(place: usize, name: &str) -> &str {
    if place == 0 { name } else { "" }
}

/// A length of time in one unit, in whole numbers.
fn span(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        7200..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_reads_like_a_table() {
        let report = Report {
            paused: true,
            queued: 12,
            running: 3,
            retrying: 1,
            oldest_waiting_seconds: Some(200),
            failures: vec![Failure { kind: FailureKind::SiteBusy, jobs: 7 }],
            workers: vec![
                Worker { name: "a".into(), running: 3, slots: 4, heartbeat_seconds_ago: 1, silent: false },
                Worker { name: "b".into(), running: 0, slots: 4, heartbeat_seconds_ago: 14, silent: true },
            ],
            accounts: vec![Account {
                id: "dbid:ada".into(),
                name: Some("Ada".into()),
                waiting: 12,
                running: 3,
                weight: 2,
                paused: true,
            }],
            dead: vec![Dead { id: "x".into(), reason: "no record".into() }],
        };
        let want = "\
queue     paused: nothing more is begun, what runs goes on
jobs      12 waiting (the oldest for 3 min), 3 running, 1 between attempts
workers   a: 3 of 4 slots busy, heartbeat 1 s ago
          b: 0 of 4 slots busy, SILENT for 14 s
failures  site_busy × 7: The site turned us away or was out of order. Retry in a while.
accounts  dbid:ada (Ada): 12 waiting, 3 running, weight 2, PAUSED
dead      x: no record
";
        assert_eq!(report.to_string(), want);
    }

    #[test]
    fn times_are_whole_numbers() {
        for (seconds, want) in [(0, "0 s"), (119, "119 s"), (120, "2 min"), (7200, "2 h"), (172_800, "2 days")] {
            assert_eq!(span(seconds), want);
        }
    }
}
