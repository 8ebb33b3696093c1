//! How many appends to have under way at once.
//!
//! Nobody knows whether a way is long, neither that from the site nor that to Dropbox: more lanes are tried, and kept if they bring much more.
//! A little more is what they take from others on a full way. And what is under way when a worker dies is sent again. Where it is the source
//! that is waited for, more lanes are not even tried: they could bring nothing, and each reads the source anew from another place.

use std::time::Duration;

/// The part of their number that more lanes have to bring: twice as many must bring half as much again.
const WORTH: f64 = 0.5;
/// Appends after which it is tried anew: ways change.
const TRY_AGAIN: usize = 48;

/// The number of lanes.
#[derive(Debug)]
pub(super) struct Lanes {
    count: usize,
    most: usize,
    /// The number before the last addition, and what it brought in bytes per second.
    before: Option<(usize, f64)>,
    stage: Stage,
    /// Nothing has arrived yet: the first append pays for connections, and tells nothing.
    cold: bool,
    /// Trouble that all lanes meet at once is one trouble.
    hurt: bool,
}

#[derive(Debug)]
enum Stage {
    /// So many more appends, of those that are begun with this number of lanes, tell what it brings; the speeds of those that did, and how
    /// much of their time went by waiting for the source.
    Trying { left: usize, speeds: f64, took: Duration, waited: Duration },
    /// It stays so for so many appends.
    Steady { left: usize },
}

impl Lanes {
    /// Never more than `most`.
    pub(super) fn new(most: usize) -> Self {
        let mut lanes = Self {
            count: 0,
            most: most.max(1),
            before: None,
            stage: Stage::Steady { left: 1 },
            cold: true,
            hurt: false,
        };
        lanes.attempt(1);
        lanes
    }

    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// An append of so many bytes was acknowledged after this time, of which the source was waited for so long; `with` is the number of
    /// lanes when it began.
    pub(super) fn arrived(&mut self, size: u64, took: Duration, waited: Duration, with: usize) {
        self.hurt = false;
        if std::mem::take(&mut self.cold) {
            return;
        }
        match &mut self.stage {
            Stage::Steady { left } if *left > 1 => *left -= 1,
            Stage::Steady { .. } => {
                self.before = None;
                self.attempt(self.count);
            }
            Stage::Trying { left, speeds, took: all, waited: idle } if with == self.count => {
                *left -= 1;
                *speeds += speed(size, took);
                (*all, *idle) = (*all + took, *idle + waited);
                if *left == 0 {
                    let (speed, starves) = (*speeds, *idle * 2 > *all);
                    self.judge(speed, starves);
                }
            }
            Stage::Trying { .. } => {}
        }
    }

    /// An append was refused, or nobody knows what became of it.
    pub(super) fn troubled(&mut self) {
        if !std::mem::replace(&mut self.hurt, true) {
            self.stay(self.count.div_ceil(2));
        }
    }

    /// There are no more than so many to be had at the moment.
    pub(super) fn limited(&mut self, count: usize) {
        self.stay(count.max(1));
    }

    /// One lane from now on.
    pub(super) fn alone(&mut self) {
        self.most = 1;
        self.stay(1);
    }

    /// `speed` is what the lanes at hand bring together; they starve when they wait for the source more than for Dropbox.
    fn judge(&mut self, speed: f64, starves: bool) {
        match self.before {
            Some((count, before)) if speed < before * worth(count, self.count) => self.stay(count),
            _ if self.count == self.most || starves => self.stay(self.count),
            _ => {
                self.before = Some((self.count, speed));
                self.attempt(self.count * 2);
            }
        }
    }

    fn attempt(&mut self, count: usize) {
        self.count = count.min(self.most);
        self.stage = Stage::Trying { left: self.count, speeds: 0.0, took: Duration::ZERO, waited: Duration::ZERO };
    }

    fn stay(&mut self, count: usize) {
        self.count = count;
        self.stage = Stage::Steady { left: TRY_AGAIN };
    }
}

#[expect(clippy::cast_precision_loss, reason = "a few lanes")]
fn worth(before: usize, now: usize) -> f64 {
    1.0 + (now as f64 / before as f64 - 1.0) * WORTH
}

#[expect(clippy::cast_precision_loss, reason = "a speed")]
fn speed(bytes: u64, took: Duration) -> f64 {
    bytes as f64 / took.as_secs_f64().max(0.001)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHUNK: u64 = 4 << 20;

    /// So many appends over a way whose speed with so many lanes is this: the numbers of lanes that were tried, in order.
    fn tried(lanes: &mut Lanes, appends: usize, speed: impl Fn(usize) -> f64) -> Vec<usize> {
        let mut tried = vec![lanes.count()];
        for _ in 0..appends {
            let with = lanes.count();
            #[expect(clippy::cast_precision_loss, reason = "a speed")]
            let seconds = CHUNK as f64 / (speed(with) / with as f64);
            lanes.arrived(CHUNK, Duration::from_secs_f64(seconds), Duration::ZERO, with);
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

    #[expect(clippy::cast_precision_loss, reason = "a share")]
    fn share(lanes: usize, others: usize) -> f64 {
        lanes as f64 / (lanes + others) as f64
    }

    #[test]
    fn lanes_are_added_while_they_help() {
        assert_eq!(tried(&mut Lanes::new(8), 40, in_proportion), [1, 2, 4, 8], "a long way");
        assert_eq!(tried(&mut Lanes::new(8), 40, |_| 1e6), [1, 2, 1], "a full one");
        assert_eq!(tried(&mut Lanes::new(8), 40, |lanes| 1e6 * share(lanes, 1)), [1, 2, 1], "one full of others");
        assert_eq!(tried(&mut Lanes::new(8), 40, |lanes| in_proportion(lanes.min(5))), [1, 2, 4, 8, 4], "a wide one");
        assert_eq!(tried(&mut Lanes::new(8), 40, |lanes| 1e6 / in_proportion(lanes)), [1, 2, 1], "a narrow one");
        assert_eq!(tried(&mut Lanes::new(3), 40, in_proportion), [1, 2, 3]);
        assert_eq!(tried(&mut Lanes::new(0), 40, in_proportion), [1]);
        assert_eq!(tried(&mut Lanes::new(1), 200, in_proportion), [1]);
    }

    #[test]
    fn whoever_waits_for_the_source_needs_no_more_lanes() {
        for (waited, want) in [(100, 2), (900, 1)] {
            let mut lanes = Lanes::new(8);
            for _ in 0..2 {
                lanes.arrived(CHUNK, Duration::from_secs(1), Duration::from_millis(waited), 1);
            }
            assert_eq!(lanes.count(), want, "{waited} ms of each second");
        }
    }

    #[test]
    fn a_long_way_is_known_after_eight_appends() {
        let mut lanes = Lanes::new(8);
        assert_eq!(tried(&mut lanes, 8, in_proportion), [1, 2, 4, 8]);
    }

    #[test]
    fn appends_that_began_before_a_change_tell_nothing_of_it() {
        let mut lanes = Lanes::new(8);
        tried(&mut lanes, 2, in_proportion);
        for _ in 0..9 {
            lanes.arrived(CHUNK, Duration::from_secs(1), Duration::ZERO, 1);
        }
        assert_eq!(lanes.count(), 2);
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
            lanes.arrived(CHUNK, Duration::from_secs(1), Duration::ZERO, 1);
        }
        assert_eq!(lanes.count(), 1);
    }

    #[test]
    fn a_full_way_is_tried_again_now_and_then() {
        assert_eq!(tried(&mut Lanes::new(8), 120, |_| 1e6), [1, 2, 1, 2, 1, 2, 1]);
    }

    #[test]
    fn whoever_has_to_be_alone_stays_alone() {
        let mut lanes = Lanes::new(8);
        lanes.alone();
        assert_eq!(tried(&mut lanes, 200, in_proportion), [1]);
    }
}
