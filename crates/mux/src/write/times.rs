//! Ticks of one clock in ticks of another.

/// `time / from` seconds in ticks of `to`, and whether that is exact; rounded up.
pub(crate) fn units(time: u64, from: u32, to: u32) -> (u64, bool) {
    let ticks = u128::from(time) * u128::from(to);
    let from = u128::from(from.max(1));
    (u64::try_from(ticks.div_ceil(from)).unwrap_or(u64::MAX), ticks % from == 0)
}

/// The least clock in which every tick of both is a tick; `None` above 32 bits.
pub(super) fn common(a: u32, b: u32) -> Option<u32> {
    let (mut x, mut y) = (a, b);
    while y != 0 {
        (x, y) = (y, x % y);
    }
    (a / x.max(1)).checked_mul(b)
}

/// The clock of an output whose edits were told in ticks of both.
pub(crate) fn common_clock(a: u32, b: u32) -> u32 {
    common(a, b).unwrap_or_else(|| a.max(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_are_converted() {
        assert_eq!(units(1, 48_000, 1000), (1, false));
        assert_eq!(units(48, 48_000, 1000), (1, true));
        assert_eq!(common(12_800, 48_000), Some(192_000));
        assert_eq!(common(0, 0), Some(0));
        assert_eq!(common(u32::MAX, u32::MAX - 1), None);
    }
}
