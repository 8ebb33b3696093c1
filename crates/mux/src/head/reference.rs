//! A reference of a `sidx` that is still to be looked at.

use super::Fragment;
use crate::limits;

/// A stretch of the file, with times in ticks of the track.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pending {
    /// It begins with a `sidx` that tells more.
    pub(super) index: bool,
    /// How many `sidx` boxes are above.
    pub(super) depth: u8,
    pub(super) start: u64,
    pub(super) end: u64,
    pub(super) time: u64,
    pub(super) duration: u64,
    pub(super) sync: bool,
}

impl Pending {
    pub(super) fn fragment(self) -> Fragment {
        let Self { start, end, time, duration, sync, .. } = self;
        Fragment { start, end, time, duration, sync }
    }
}

/// A point in time in other ticks; `None` past the longest that is allowed.
pub(super) fn rescale(time: u64, from: u32, to: u32) -> Option<u64> {
    if time > u64::from(from).checked_mul(limits::MAX_SECONDS)? {
        return None;
    }
    u64::try_from(u128::from(time) * u128::from(to) / u128::from(from.max(1))).ok()
}
