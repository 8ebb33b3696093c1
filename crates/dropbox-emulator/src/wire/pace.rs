//! The line's speed: a round-trip time before each request, a byte rate within each body, on each connection, and of everything together.
//!
//! Each of the rates holds by itself: a body by itself is a single stream over a long way, a connection one that HTTP/2 shares among its
//! streams, the whole an uplink that all connections share.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Deserialize;
use tokio::time::Instant;

/// Waits shorter than this are saved up: timers are no finer.
const SHORTEST: Duration = Duration::from_millis(2);
/// What a line that stood idle makes up for at once. Without it every late timer would be lost for good, and the line slower than it says.
const CREDIT: Duration = Duration::from_millis(20);

/// How slow the line is to be. Zeros: as fast as it goes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Throttle {
    /// Of each body.
    pub bytes_per_second: u64,
    /// Of all bodies on one connection.
    pub connection_bytes_per_second: u64,
    /// Of all bodies on all connections.
    pub total_bytes_per_second: u64,
    /// Before each call.
    pub round_trip_ms: u64,
}

/// The present [`Throttle`].
#[derive(Debug, Default)]
pub(crate) struct Line {
    throttle: Mutex<Throttle>,
    total: Arc<Bucket>,
}

impl Line {
    pub(crate) fn new(throttle: Throttle) -> Self {
        Self { throttle: Mutex::new(throttle), total: Arc::default() }
    }

    pub(crate) fn set(&self, throttle: Throttle) {
        *self.throttle.lock().unwrap_or_else(PoisonError::into_inner) = throttle;
    }

    fn now(&self) -> Throttle {
        *self.throttle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) async fn round_trip(&self) {
        let ms = self.now().round_trip_ms;
        if ms > 0 {
            tokio::time::sleep(Duration::from_millis(ms)).await;
        }
    }

    /// The pace of one body from now on; `connection` is what its connection shares.
    pub(crate) fn pace(&self, connection: &Arc<Bucket>) -> Pace {
        let throttle = self.now();
        let lanes = [
            (throttle.bytes_per_second, Arc::default()),
            (throttle.connection_bytes_per_second, Arc::clone(connection)),
            (throttle.total_bytes_per_second, Arc::clone(&self.total)),
        ];
        Pace(lanes.into_iter().filter(|(rate, _)| *rate > 0).collect())
    }
}

/// Slows one body down: a rate and what shares it, for each lane that has one.
#[derive(Debug)]
pub(crate) struct Pace(Vec<(u64, Arc<Bucket>)>);

impl Pace {
    /// As fast as it goes.
    pub(crate) fn none() -> Self {
        Self(Vec::new())
    }

    /// Waits as long as these bytes would have taken.
    pub(crate) async fn passed(&self, bytes: usize) {
        let now = Instant::now();
        if let Some(due) = self.0.iter().map(|(rate, bucket)| bucket.due(bytes as u64, *rate, now)).max()
            && due > now + SHORTEST
        {
            tokio::time::sleep_until(due).await;
        }
    }
}

/// A pace kept over everything that goes through it.
#[derive(Debug, Default)]
pub(crate) struct Bucket(Mutex<Option<Instant>>);

impl Bucket {
    /// When these bytes are through, behind all that came before them.
    fn due(&self, bytes: u64, rate: u64, now: Instant) -> Instant {
        let nanos = u128::from(bytes) * 1_000_000_000 / u128::from(rate);
        let time = Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
        let earliest = now.checked_sub(CREDIT).unwrap_or(now);
        let mut before = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let due = before.map_or(now, |before| before.max(earliest)) + time;
        *before = Some(due);
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_takes_as_long_as_it_should_however_late_one_looks() {
        let (bucket, begun) = (Bucket::default(), Instant::now());
        let at = |ms: u64| begun + Duration::from_millis(ms);
        let due = |now: u64| bucket.due(1_000, 10_000, at(now));
        assert_eq!(due(0), at(100));
        assert_eq!(due(0), at(200));
        assert_eq!(due(210), at(300));
        // A second of silence is worth no more than the credit.
        assert_eq!(due(1_300), at(1_380));
    }

    #[test]
    fn only_lanes_that_are_slow_are_kept() {
        let line = Line::new(Throttle { total_bytes_per_second: 5, round_trip_ms: 9, ..Throttle::default() });
        let shared = Arc::default();
        assert_eq!(line.pace(&shared).0.len(), 1);
        line.set(Throttle { bytes_per_second: 1, connection_bytes_per_second: 2, ..Throttle::default() });
        assert_eq!(line.pace(&shared).0.iter().map(|(rate, _)| *rate).collect::<Vec<_>>(), [1, 2]);
    }
}
