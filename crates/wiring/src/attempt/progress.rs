//! From the gate's counters to the record, a few times a second.

use std::{future::Future, time::Duration};

use sluice_domain::{Failure, Progress};
use sluice_queue::Lease;
use sluice_transfer::Gate;
use tokio::time::{Instant, MissedTickBehavior, interval};

/// Often enough for a smooth bar; a thousand jobs at once are four thousand small writes a second.
const EVERY: Duration = Duration::from_millis(250);
/// Seconds over which the rate is smoothed.
const SMOOTHING: f64 = 3.0;
/// Below so many bytes a second nothing flows, and a time left would be nonsense.
const STANDSTILL: f64 = 1_000.0;

/// Runs this work while reporting its progress.
///
/// # Errors
/// Its own.
pub async fn reporting<T>(
    lease: &Lease,
    gate: &Gate,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    let report = async {
        let mut tick = interval(EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut meter = Meter::new(Instant::now());
        loop {
            tick.tick().await;
            let (bytes_in, bytes_out) = gate.counts();
            let rate = meter.observe(bytes_in + bytes_out, Instant::now());
            lease.progress(Progress { bytes_in, bytes_out, length: gate.length(), rate });
        }
    };
    let done = tokio::select! {
        done = work => done,
        never = report => never,
    };
    // What came after the last tick is on record too, however short it all was.
    let (bytes_in, bytes_out) = gate.counts();
    lease.progress(Progress { bytes_in, bytes_out, length: gate.length(), rate: None });
    done
}

/// Bytes a second, smoothed exponentially.
struct Meter {
    bytes: u64,
    at: Instant,
    rate: Option<f64>,
}

impl Meter {
    fn new(at: Instant) -> Self {
        Self { bytes: 0, at, rate: None }
    }

    fn observe(&mut self, bytes: u64, now: Instant) -> Option<u64> {
        let seconds = (now - self.at).as_secs_f64();
        if seconds > 0.0 {
            #[expect(clippy::cast_precision_loss, reason = "a rate needs no more than 53 bits")]
            let current = bytes.saturating_sub(self.bytes) as f64 / seconds;
            let weight = 1.0 - (-seconds / SMOOTHING).exp();
            self.rate = Some(self.rate.map_or(current, |rate| rate + weight * (current - rate)));
            (self.bytes, self.at) = (bytes, now);
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "never negative, and far below 2^64"
        )]
        self.rate.filter(|rate| *rate >= STANDSTILL).map(|rate| rate as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_steady_flow_has_a_steady_rate() {
        let start = Instant::now();
        let mut meter = Meter::new(start);
        for quarter in 1..=20u64 {
            let rate = meter.observe(quarter * 1_000, start + Duration::from_millis(250 * quarter)).unwrap();
            assert!((3_990..=4_010).contains(&rate), "{rate}");
        }
        assert_eq!(meter.observe(20_000, start + Duration::from_secs(60)), None, "a standstill has no rate");
    }
}
