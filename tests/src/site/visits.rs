//! The log of requests: what was asked, what was sent, how it ended. Bounded; the oldest go first.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use anyhow::{Result, bail};
use serde::Serialize;
use tokio::sync::watch;

const KEPT: usize = 10_000;
/// Longer than any test should wait for a request.
const PATIENCE: Duration = Duration::from_secs(60);

/// How far a response has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// It is still going on.
    Open,
    /// All that was to be sent was given to the connection.
    Complete,
    /// The site cut it, or the client went away.
    Broken,
}

/// One request and its response.
#[derive(Debug, Clone, Serialize)]
pub struct Visit {
    /// `GET`, `HEAD`, …
    pub method: String,
    /// Path without the query.
    pub path: String,
    /// The `Range` header.
    pub range: Option<String>,
    /// The `Referer` header.
    pub referer: Option<String>,
    /// The `User-Agent` header.
    pub user_agent: Option<String>,
    /// Status of the response; 0 while a gate holds it.
    pub status: u16,
    /// Bytes of the body given to the connection so far.
    pub sent_bytes: u64,
    /// How it ended.
    pub ending: Ending,
}

/// All visits of one site.
#[derive(Debug, Default)]
pub(super) struct Visits {
    entries: Mutex<VecDeque<Arc<Mutex<Visit>>>>,
    changed: watch::Sender<()>,
}

impl Visits {
    /// Writes a new visit down; the entry follows its response.
    pub(super) fn enter(self: &Arc<Self>, visit: Visit) -> Entry {
        let visit = Arc::new(Mutex::new(visit));
        let mut entries = locked(&self.entries);
        if entries.len() == KEPT {
            entries.pop_front();
        }
        entries.push_back(visit.clone());
        drop(entries);
        self.changed.send_replace(());
        Entry { visit, visits: self.clone() }
    }

    /// The visits to `path`, oldest first.
    pub(super) fn to(&self, path: &str) -> Vec<Visit> {
        self.all().into_iter().filter(|visit| visit.path == path).collect()
    }

    /// All visits, oldest first.
    pub(super) fn all(&self) -> Vec<Visit> {
        locked(&self.entries).iter().map(|visit| locked(visit).clone()).collect()
    }

    /// Waits until the visits to `path` satisfy `enough`.
    pub(super) async fn until(&self, path: &str, enough: impl Fn(&[Visit]) -> bool) -> Result<Vec<Visit>> {
        let mut changed = self.changed.subscribe();
        let waiting = async {
            loop {
                let visits = self.to(path);
                if enough(&visits) {
                    return Ok(visits);
                }
                changed.changed().await?;
            }
        };
        match tokio::time::timeout(PATIENCE, waiting).await {
            Ok(found) => found,
            Err(_) => bail!("{path} was not visited as expected within {PATIENCE:?}: {:?}", self.to(path)),
        }
    }
}

/// One visit while its response goes on. Dropped before `complete`, it counts as broken.
#[derive(Debug)]
pub(super) struct Entry {
    visit: Arc<Mutex<Visit>>,
    visits: Arc<Visits>,
}

impl Entry {
    pub(super) fn answered(&self, status: u16) {
        self.update(|visit| visit.status = status);
    }

    pub(super) fn sent(&self, bytes: usize) {
        self.update(|visit| visit.sent_bytes += bytes as u64);
    }

    pub(super) fn complete(&self) {
        self.update(|visit| visit.ending = Ending::Complete);
    }

    fn update(&self, change: impl FnOnce(&mut Visit)) {
        change(&mut locked(&self.visit));
        self.visits.changed.send_replace(());
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.update(|visit| {
            if visit.ending == Ending::Open {
                visit.ending = Ending::Broken;
            }
        });
    }
}

/// A panic elsewhere leaves the log readable.
pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
