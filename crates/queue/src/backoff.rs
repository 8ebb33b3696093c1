//! How long to wait before the next attempt.

use std::time::Duration;

use rand::Rng;

/// The wait after this attempt, counting from 1: `first`, doubling up to `most`, the upper half of it by chance, so that jobs that failed
/// together do not come back together.
pub(crate) fn backoff(attempt: u32, first: Duration, most: Duration, rng: &mut impl Rng) -> Duration {
    let full = first.saturating_mul(1u32.checked_shl(attempt.saturating_sub(1)).unwrap_or(u32::MAX)).min(most);
    full.mul_f64(rng.random_range(0.5..=1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_within_bounds() {
        let check = |attempt, full: u64| {
            let (first, most) = (Duration::from_secs(5), Duration::from_secs(600));
            for _ in 0..50 {
                let wait = backoff(attempt, first, most, &mut rand::rng());
                assert!(
                    wait * 2 >= Duration::from_secs(full) && wait <= Duration::from_secs(full),
                    "{attempt}: {wait:?}"
                );
            }
        };
        check(0, 5);
        check(1, 5);
        check(2, 10);
        check(4, 40);
        check(20, 600);
        check(u32::MAX, 600);
    }
}
