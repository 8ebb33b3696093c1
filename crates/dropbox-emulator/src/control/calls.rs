//! The log of calls, so that tests can count them. Bounded: the oldest go first.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use jiff::Timestamp;
use serde::Serialize;

use crate::clock::written;

const KEPT: usize = 10_000;

/// One call. `status` is null while it runs and 0 when it was cut off.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Entry {
    /// Counts from 1.
    number: u64,
    /// When it began (real time).
    time: String,
    route: String,
    /// Id of the account whose token it carried.
    account: Option<String>,
    /// Whether a scripted fault struck it.
    fault: bool,
    status: Option<u16>,
    /// Bytes of the request's body that were read.
    bytes: u64,
    elapsed_ms: Option<u64>,
}

#[derive(Default)]
pub(crate) struct Calls(Mutex<Log>);

#[derive(Default)]
struct Log {
    last: u64,
    entries: VecDeque<Entry>,
}

/// A call that has begun.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Begun {
    number: u64,
    at: Instant,
}

impl Calls {
    pub(crate) fn begin(&self, route: &str, account: Option<String>, fault: bool) -> Begun {
        let mut log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        log.last += 1;
        let number = log.last;
        if log.entries.len() >= KEPT {
            log.entries.pop_front();
        }
        let time = written(Timestamp::now());
        log.entries.push_back(Entry {
            number,
            time,
            route: route.to_owned(),
            account,
            fault,
            status: None,
            bytes: 0,
            elapsed_ms: None,
        });
        Begun { number, at: Instant::now() }
    }

    pub(crate) fn end(&self, begun: Begun, status: u16, bytes: u64) {
        let mut log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // From the back: a call that ends is most likely a recent one.
        if let Some(entry) = log.entries.iter_mut().rev().find(|entry| entry.number == begun.number) {
            entry.status = Some(status);
            entry.bytes = bytes;
            entry.elapsed_ms = u64::try_from(begun.at.elapsed().as_millis()).ok();
        }
    }

    /// The calls of a route, or all of them, oldest first.
    pub(crate) fn list(&self, route: Option<&str>, account: Option<&str>) -> Vec<Entry> {
        let log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted = |entry: &&Entry| {
            route.is_none_or(|route| entry.route == route)
                && account.is_none_or(|account| entry.account.as_deref() == Some(account))
        };
        log.entries.iter().filter(wanted).cloned().collect()
    }

    pub(crate) fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).entries.clear();
    }
}
