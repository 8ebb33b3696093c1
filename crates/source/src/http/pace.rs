//! How many connections are worth it: decided from what came and how long was waited for it, without a clock or a network of its own.

use std::time::Duration;

/// More connections must bring so much more.
const WORTH: f64 = 1.15;
/// Windows without a new trial after one in vain; it doubles with each, up to the second.
const HOLD: (u32, u32) = (8, 256);

/// The controller of one stream.
#[derive(Debug)]
pub(super) struct Pace {
    window: Duration,
    most: usize,
    lanes: usize,
    measured: Measured,
    trial: Option<Trial>,
    /// Windows left before the next trial.
    hold: u32,
    next_hold: u32,
}

#[derive(Debug, Default)]
struct Measured {
    bytes: u64,
    waited: Duration,
    away: Duration,
}

/// More lanes were opened, and have yet to prove themselves.
#[derive(Debug)]
struct Trial {
    lanes_before: usize,
    rate_before: f64,
    /// New connections begin slowly: the first window says nothing.
    warm: bool,
}

impl Pace {
    /// One lane to begin with.
    pub(super) fn new(window: Duration, most: usize) -> Self {
        Self { window, most, lanes: 1, measured: Measured::default(), trial: None, hold: 0, next_hold: HOLD.0 }
    }

    /// How many connections there should be.
    pub(super) fn lanes(&self) -> usize {
        self.lanes
    }

    /// So many bytes came since the last time, over all connections; the reader had waited so long for what it was given now, and had been
    /// away so long before.
    pub(super) fn gave(&mut self, bytes: u64, waited: Duration, away: Duration) {
        self.measured.bytes += bytes;
        self.measured.waited += waited;
        self.measured.away += away;
        if self.measured.elapsed() >= self.window {
            let measured = std::mem::take(&mut self.measured);
            self.judge(&measured);
        }
    }

    /// A connection beyond the first was turned down or broke: the server may count them.
    pub(super) fn refused(&mut self) {
        (self.lanes, self.trial, self.measured) = (1, None, Measured::default());
        self.wait();
    }

    fn judge(&mut self, measured: &Measured) {
        let rate = measured.rate();
        match self.trial.take() {
            Some(trial) if !trial.warm => self.trial = Some(Trial { warm: true, ..trial }),
            Some(trial) if rate < trial.rate_before * WORTH => {
                self.lanes = trial.lanes_before;
                self.wait();
            }
            Some(_) => self.next_hold = HOLD.0,
            None if self.hold > 0 => self.hold -= 1,
            None if measured.is_starved() && self.lanes < self.most => {
                self.trial = Some(Trial { lanes_before: self.lanes, rate_before: rate, warm: false });
                self.lanes = (self.lanes * 2).min(self.most);
            }
            // What the reader does not take would only lie in memory.
            None if measured.is_sated() => self.lanes = (self.lanes / 2).max(1),
            None => {}
        }
    }

    fn wait(&mut self) {
        self.hold = self.next_hold;
        self.next_hold = (self.next_hold * 2).min(HOLD.1);
    }
}

impl Measured {
    fn elapsed(&self) -> Duration {
        self.waited + self.away
    }

    #[expect(clippy::cast_precision_loss, reason = "a rate is compared, not counted")]
    fn rate(&self) -> f64 {
        self.bytes as f64 / self.elapsed().as_secs_f64().max(1e-9)
    }

    /// The reader spends its time waiting for us.
    fn is_starved(&self) -> bool {
        self.waited * 2 > self.elapsed()
    }

    fn is_sated(&self) -> bool {
        self.waited * 20 < self.elapsed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Duration = Duration::from_secs(1);

    /// Lets a stream run for some windows; `rate` gives bytes per window for a number of lanes, `most` is what the reader takes.
    fn run(pace: &mut Pace, windows: usize, rate: impl Fn(usize) -> u64, most: u64) -> Vec<usize> {
        let step = |pace: &mut Pace| {
            let rate = rate(pace.lanes());
            let away = if rate > most { WINDOW } else { Duration::ZERO };
            pace.gave(rate.min(most), WINDOW - away, away);
            pace.lanes()
        };
        (0..windows).map(|_| step(pace)).collect()
    }

    #[test]
    fn it_grows_while_that_pays() {
        let mut pace = Pace::new(WINDOW, 8);
        let lanes = run(&mut pace, 12, |lanes| 100 * lanes as u64, u64::MAX);
        assert_eq!(lanes, [2, 2, 2, 4, 4, 4, 8, 8, 8, 8, 8, 8]);
    }

    #[test]
    fn it_shrinks_back_when_a_trial_was_in_vain_and_tries_less_and_less() {
        let mut pace = Pace::new(WINDOW, 8);
        let lanes = run(&mut pace, 1000, |_| 100, u64::MAX);
        assert_eq!(lanes[..5], [2, 2, 1, 1, 1]);
        let tried = lanes.iter().filter(|lanes| **lanes > 1).count();
        assert!(tried <= 20, "{tried}");
    }

    #[test]
    fn it_settles_where_more_brings_no_more() {
        let mut pace = Pace::new(WINDOW, 8);
        let lanes = run(&mut pace, 20, |lanes| 100 * lanes.min(4) as u64, u64::MAX);
        assert_eq!(lanes[lanes.len() - 1], 4);
    }

    #[test]
    fn a_slow_reader_needs_one_lane() {
        let mut pace = Pace::new(WINDOW, 8);
        assert!(run(&mut pace, 50, |lanes| 100 * lanes as u64, 50).iter().all(|lanes| *lanes == 1));
        run(&mut pace, 12, |lanes| 100 * lanes as u64, u64::MAX);
        assert_eq!(pace.lanes(), 8);
        assert_eq!(run(&mut pace, 4, |lanes| 100 * lanes as u64, 50)[3], 1);
    }

    #[test]
    fn a_refused_connection_ends_the_others() {
        let mut pace = Pace::new(WINDOW, 8);
        run(&mut pace, 12, |lanes| 100 * lanes as u64, u64::MAX);
        pace.refused();
        assert!(run(&mut pace, 8, |lanes| 100 * lanes as u64, u64::MAX).iter().all(|lanes| *lanes == 1));
    }
}
