//! The line between the site and the world: how fast it is in all, how fast each connection, how far away the site.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// Waits shorter than this are saved up: timers are no finer.
const SHORTEST: Duration = Duration::from_millis(2);
/// What a line that stood idle makes up for at once. Without it every late timer would be lost for good, and the line slower than it says.
const CREDIT: Duration = Duration::from_millis(20);

/// How slow the line is. The default: as fast as it goes.
#[derive(Debug, Clone, Copy, Default)]
pub struct Line {
    /// Bytes per second of all responses together.
    pub bytes_per_second: Option<u64>,
    /// Bytes per second of each connection.
    pub connection_bytes_per_second: Option<u64>,
    /// Added to every response before its first byte.
    pub round_trip: Duration,
}

/// A pace kept over everything that goes through it.
#[derive(Debug, Default)]
pub(super) struct Bucket(Mutex<Option<Instant>>);

impl Bucket {
    /// Waits as long as these bytes take behind all that came before them.
    pub(super) async fn pass(&self, bytes: u64, pace: Option<u64>) {
        let Some(pace) = pace.filter(|pace| *pace > 0) else { return };
        let now = Instant::now();
        let due = self.due(bytes, pace, now);
        if due > now + SHORTEST {
            tokio::time::sleep_until(due).await;
        }
    }

    /// When these bytes are through.
    fn due(&self, bytes: u64, pace: u64, now: Instant) -> Instant {
        let nanos = u128::from(bytes) * 1_000_000_000 / u128::from(pace);
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
    fn it_takes_as_long_as_it_should_however_late_one_looks_and_idle_time_is_not_saved_up() {
        let (bucket, begun) = (Bucket::default(), Instant::now());
        let at = |ms: u64| begun + Duration::from_millis(ms);
        let due = |now: u64| bucket.due(1_000, 10_000, at(now));
        assert_eq!(due(0), at(100));
        assert_eq!(due(0), at(200));
        // A timer that was a little late costs nothing.
        assert_eq!(due(210), at(300));
        // A second of silence is worth no more than the credit.
        assert_eq!(due(1_300), at(1_380));
    }
}
