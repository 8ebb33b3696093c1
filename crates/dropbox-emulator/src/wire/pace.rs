//! The line's speed: a round-trip time before each request, a byte rate within each body.
//!
//! Applies to every body by itself, as a single TCP stream over a long way behaves, and not to their sum.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::Deserialize;
use tokio::time::Instant;

/// Waits shorter than this are saved up: timers are no finer.
const SHORTEST: Duration = Duration::from_millis(2);

/// How slow the line is to be. Zeros: as fast as it goes.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Throttle {
    #[serde(default)]
    pub(crate) bytes_per_second: u64,
    #[serde(default)]
    pub(crate) round_trip_ms: u64,
}

/// The present [`Throttle`].
#[derive(Debug, Default)]
pub(crate) struct Line(Mutex<Throttle>);

impl Line {
    pub(crate) fn set(&self, throttle: Throttle) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = throttle;
    }

    fn now(&self) -> Throttle {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) async fn round_trip(&self) {
        let ms = self.now().round_trip_ms;
        if ms > 0 {
            tokio::time::sleep(Duration::from_millis(ms)).await;
        }
    }

    /// The pace of one body from now on.
    pub(crate) fn pace(&self) -> Pace {
        Pace { bytes_per_second: self.now().bytes_per_second, due: Instant::now() }
    }
}

/// Slows one body down.
#[derive(Debug)]
pub(crate) struct Pace {
    bytes_per_second: u64,
    due: Instant,
}

impl Pace {
    /// As fast as it goes.
    pub(crate) fn none() -> Self {
        Self { bytes_per_second: 0, due: Instant::now() }
    }

    /// Waits as long as these bytes would have taken.
    pub(crate) async fn passed(&mut self, bytes: usize) {
        if self.bytes_per_second == 0 {
            return;
        }
        let nanos = (bytes as u128 * 1_000_000_000 / u128::from(self.bytes_per_second)).min(u128::from(u64::MAX));
        let now = Instant::now();
        self.due = self.due.max(now) + Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
        if self.due - now > SHORTEST {
            tokio::time::sleep_until(self.due).await;
        }
    }
}
