//! What lies in a folder while something happens, looked at every few milliseconds.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use crate::landed::files;

const LOOK: Duration = Duration::from_millis(10);

/// The most that ever lay in a folder.
#[derive(Debug)]
pub struct Disk {
    seen: Arc<Seen>,
    watching: tokio::task::JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Seen {
    peak: AtomicU64,
    largest: AtomicU64,
}

impl Disk {
    /// Looks until it is dropped.
    pub fn watch(folder: PathBuf) -> Self {
        let seen = Arc::new(Seen::default());
        let (noted, mut ticks) = (seen.clone(), tokio::time::interval(LOOK));
        let watching = tokio::spawn(async move {
            loop {
                ticks.tick().await;
                let sizes = sizes(&folder);
                noted.peak.fetch_max(sizes.iter().sum(), Ordering::Relaxed);
                noted.largest.fetch_max(sizes.into_iter().max().unwrap_or(0), Ordering::Relaxed);
            }
        });
        Self { seen, watching }
    }

    /// The most bytes of all files together.
    pub fn peak(&self) -> u64 {
        self.seen.peak.load(Ordering::Relaxed)
    }

    /// The most bytes of one file.
    pub fn largest(&self) -> u64 {
        self.seen.largest.load(Ordering::Relaxed)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        self.watching.abort();
    }
}

/// Bytes below `folder` now.
pub fn disk_use(folder: &Path) -> u64 {
    sizes(folder).into_iter().sum()
}

/// Files that vanish meanwhile count nothing.
fn sizes(folder: &Path) -> Vec<u64> {
    let size = |file: String| folder.join(file).metadata().map_or(0, |data| data.len());
    files(folder).map_or_else(|_| Vec::new(), |files| files.into_iter().map(size).collect())
}
