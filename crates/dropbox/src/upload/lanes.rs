//! How many appends to have under way at once.
//!
//! Nobody knows whether the way to Dropbox is long: more lanes are tried, and kept if they bring more.

use std::time::Duration;

use tokio::time::Instant;

/// What more lanes have to bring.
const GAIN: f64 = 1.15;
/// Appends after which it is tried anew: ways change.
const TRY_AGAIN: usize = 48;

/// The number of lanes.
#[derive(Debug)]
pub(super) struct Lanes {
    count: usize,
    most: usize,
    /// The number before the last addition, and what it brought in bytes per second.
    before: (usize, f64),
    stage: Stage,
    /// Trouble that all lanes meet at once is one trouble.
    hurt: bool,
}

#[derive(Debug)]
enum Stage {
    /// So many appends may still be from before the last change.
    Settling { left: usize },
    /// So many more appends tell how fast it is.
    Measuring { left: usize, since: Instant, bytes: u64 },
    /// It stays so for so many appends.
    Steady { left: usize },
}

impl Lanes {
    /// One, and never more than `most`.
    pub(super) fn new(most: usize) -> Self {
        Self { count: 1, most: most.max(1), before: (1, 0.0), stage: Stage::Settling { left: 1 }, hurt: false }
    }

    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// An append of so many bytes was acknowledged.
    pub(super) fn arrived(&mut self, size: u64, now: Instant) {
        self.hurt = false;
        match &mut self.stage {
            Stage::Settling { left } | Stage::Steady { left } if *left > 1 => *left -= 1,
            Stage::Settling { .. } => self.measure(now),
            Stage::Steady { .. } => {
                self.before = (self.count, 0.0);
                self.measure(now);
            }
            Stage::Measuring { left, since, bytes } => {
                *bytes += size;
                *left -= 1;
                if *left == 0 {
                    let speed = speed(*bytes, now - *since);
                    self.judge(speed);
                }
            }
        }
    }

    /// An append was refused, or nobody knows what became of it.
    pub(super) fn troubled(&mut self) {
        if !std::mem::replace(&mut self.hurt, true) {
            self.stay(self.count.div_ceil(2));
        }
    }

    fn measure(&mut self, now: Instant) {
        self.stage = Stage::Measuring { left: self.count.max(2), since: now, bytes: 0 };
    }

    fn judge(&mut self, speed: f64) {
        if speed < self.before.1 * GAIN {
            self.stay(self.before.0);
        } else if self.count == self.most {
            self.stay(self.most);
        } else {
            self.before = (self.count, speed);
            self.count = (self.count * 2).min(self.most);
            self.stage = Stage::Settling { left: self.count };
        }
    }

    fn stay(&mut self, count: usize) {
        self.count = count;
        self.stage = Stage::Steady { left: TRY_AGAIN };
    }
}

#[expect(clippy::cast_precision_loss, reason = "a speed")]
fn speed(bytes: u64, elapsed: Duration) -> f64 {
    bytes as f64 / elapsed.as_secs_f64().max(0.001)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHUNK: u64 = 4 << 20;

    /// So many appends over a way whose speed with so many lanes is this: the numbers of lanes that were tried, in order.
    fn tried(lanes: &mut Lanes, appends: usize, speed: impl Fn(usize) -> f64) -> Vec<usize> {
        let (mut now, mut tried) = (Instant::now(), vec![lanes.count()]);
        for _ in 0..appends {
            #[expect(clippy::cast_precision_loss, reason = "a speed")]
            let seconds = CHUNK as f64 / speed(lanes.count());
            now += Duration::from_secs_f64(seconds);
            lanes.arrived(CHUNK, now);
            if tried.last() != Some(&lanes.count()) {
                tried.push(lanes.count());
            }
        }
        tried
    }

    #[expect(clippy::cast_precision_loss, reason = "a speed")]
    fn in_proportion(lanes: usize) -> f64 {
        1e6 * lanes as f64
    }

    #[test]
    fn lanes_are_added_while_they_help() {
        assert_eq!(tried(&mut Lanes::new(8), 40, in_proportion), [1, 2, 4, 8], "a long way");
        assert_eq!(tried(&mut Lanes::new(8), 40, |_| 1e6), [1, 2, 1], "a full one");
        assert_eq!(tried(&mut Lanes::new(8), 40, |lanes| in_proportion(lanes.min(3))), [1, 2, 4, 8, 4], "a wide one");
        assert_eq!(tried(&mut Lanes::new(8), 40, |lanes| 1e6 / in_proportion(lanes)), [1, 2, 1], "a narrow one");
        assert_eq!(tried(&mut Lanes::new(3), 40, in_proportion), [1, 2, 3]);
        assert_eq!(tried(&mut Lanes::new(0), 40, in_proportion), [1]);
        assert_eq!(tried(&mut Lanes::new(1), 200, in_proportion), [1]);
    }

    #[test]
    fn trouble_takes_lanes_away_and_time_brings_them_back() {
        let mut lanes = Lanes::new(8);
        tried(&mut lanes, 30, in_proportion);
        for want in [4, 4, 4] {
            lanes.troubled();
            assert_eq!(lanes.count(), want, "one cut connection is one trouble");
        }
        assert_eq!(tried(&mut lanes, 10, in_proportion), [4]);
        lanes.troubled();
        assert_eq!(tried(&mut lanes, 10, in_proportion), [2]);
        assert_eq!(tried(&mut lanes, 80, in_proportion), [2, 4, 8]);
        for _ in 0..5 {
            lanes.troubled();
            lanes.arrived(CHUNK, Instant::now());
        }
        assert_eq!(lanes.count(), 1);
    }

    #[test]
    fn a_full_way_is_tried_again_now_and_then() {
        assert_eq!(tried(&mut Lanes::new(8), 120, |_| 1e6), [1, 2, 1, 2, 1, 2, 1]);
    }
}
