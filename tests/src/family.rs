//! What a process and everything that descends from it use: memory, processor time, disk. Read from /proc (`proc(5)`).

use std::{collections::BTreeMap, fs, path::PathBuf, time::Duration};

use nix::unistd::Pid;
use tokio::time::Instant;

use crate::process::descendants;

/// What Linux counts processor time in, whatever its own timer does (`time(7)`, `USER_HZ`).
const TICKS: u64 = 100;
/// How often memory is looked at.
const LOOK: Duration = Duration::from_millis(100);

/// A process and its descendants at one moment.
fn family(of: Pid) -> Vec<Pid> {
    let mut all = vec![of];
    all.extend(descendants(of));
    all
}

fn read(pid: Pid, file: &str) -> Option<String> {
    fs::read_to_string(PathBuf::from(format!("/proc/{pid}/{file}"))).ok()
}

/// Processor time of the family so far, of children that have ended and were waited for too.
pub fn cpu(of: Pid) -> Duration {
    family(of).into_iter().filter_map(|pid| times(&read(pid, "stat")?, 11..15)).sum()
}

/// Processor time of all children of this process that have ended and were waited for.
pub fn cpu_of_ended_children() -> Duration {
    read(Pid::this(), "stat").and_then(|stat| times(&stat, 13..15)).unwrap_or_default()
}

/// The sum of some fields of `/proc/PID/stat`, counted from behind the name, which may hold anything.
fn times(stat: &str, fields: std::ops::Range<usize>) -> Option<Duration> {
    let ticks: u64 = stat.rsplit_once(')')?.1.split_whitespace().collect::<Vec<_>>()[fields]
        .iter()
        .map(|field| field.parse().unwrap_or(0))
        .sum();
    Some(Duration::from_millis(ticks * 1000 / TICKS))
}

/// Bytes that the family had written to a disk so far (`write_bytes`), by children that have ended and were waited for too.
pub fn written(of: Pid) -> u64 {
    let of_one = |pid| {
        let io = read(pid, "io")?;
        io.lines().find_map(|line| line.strip_prefix("write_bytes: ")?.parse::<u64>().ok())
    };
    family(of).into_iter().filter_map(of_one).sum()
}

/// Memory at one moment, in kilobytes, by program.
#[derive(Debug, Clone)]
pub struct Moment {
    /// Since the watch began.
    pub at: Duration,
    /// Proportional set size (PSS) of the processes of each name.
    pub by_program: BTreeMap<String, (usize, u64)>,
}

impl Moment {
    /// Of all of them.
    pub fn kb(&self) -> u64 {
        self.by_program.values().map(|(_, kb)| kb).sum()
    }
}

/// A watch over the memory of a family.
#[derive(Debug)]
pub struct Memory {
    moments: std::sync::Arc<std::sync::Mutex<Vec<Moment>>>,
    stop: tokio::sync::watch::Sender<bool>,
    watching: tokio::task::JoinHandle<()>,
}

impl Memory {
    /// Looks ten times a second until it is asked. Reading page tables takes its time, so a thread of its own does it.
    pub fn watch(of: Pid) -> Self {
        let (stop, stopped) = tokio::sync::watch::channel(false);
        let moments: std::sync::Arc<std::sync::Mutex<Vec<Moment>>> = std::sync::Arc::default();
        let (noted, begun) = (moments.clone(), Instant::now());
        let watching = tokio::task::spawn_blocking(move || {
            // Whoever forgets it gives it up.
            while !*stopped.borrow() && stopped.has_changed().is_ok() {
                let moment = Moment { at: begun.elapsed(), by_program: programs(of) };
                noted.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(moment);
                std::thread::sleep(LOOK);
            }
        });
        Self { moments, stop, watching }
    }

    /// All that was seen, in order.
    pub async fn end(self) -> Vec<Moment> {
        self.stop.send_replace(true);
        // A watch that panicked has seen what it has seen.
        let _ = self.watching.await;
        std::mem::take(&mut self.moments.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }
}

fn programs(of: Pid) -> BTreeMap<String, (usize, u64)> {
    let mut found = BTreeMap::new();
    for pid in family(of) {
        // A process may end while one looks.
        if let (Some(name), Some(kb)) = (read(pid, "comm"), read(pid, "smaps_rollup").as_deref().and_then(pss)) {
            let (count, sum): &mut (usize, u64) = found.entry(name.trim().to_owned()).or_default();
            (*count, *sum) = (*count + 1, *sum + kb);
        }
    }
    found
}

fn pss(rollup: &str) -> Option<u64> {
    let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}
