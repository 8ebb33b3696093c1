//! How long to wait before a repetition, and when to stop repeating.

use std::time::Duration;

use rand::Rng;
use sluice_domain::{Failure, FailureKind};
use tokio::time::Instant;

use crate::{Tuning, answer::Trouble};

/// New tokens in a row for one call. One is normal; more means that the tokens are refused as fast as they come.
const MOST_EXPIRIES: u32 = 3;

/// The memory of one call's troubles. Progress resets it.
pub(crate) struct Retry<'t> {
    tuning: &'t Tuning,
    since: Option<Instant>,
    tries: i32,
    expiries: u32,
}

impl<'t> Retry<'t> {
    pub(crate) fn new(tuning: &'t Tuning) -> Self {
        Self { tuning, since: None, tries: 0, expiries: 0 }
    }

    /// Something went well.
    pub(crate) fn reset(&mut self) {
        *self = Self::new(self.tuning);
    }

    /// Waits as long as this trouble needs.
    pub(crate) async fn wait(&mut self, trouble: &Trouble) -> Result<(), Failure> {
        let wait = self.next(trouble, Instant::now(), &mut rand::rng())?;
        tracing::debug!(
            ?trouble,
            wait_ms = wait.as_millis(),
            tries = self.tries,
            "Dropbox is called again after a pause"
        );
        tokio::time::sleep(wait).await;
        Ok(())
    }

    /// The pause before the next try, or the failure when the budget is used up.
    fn next(&mut self, trouble: &Trouble, now: Instant, rng: &mut impl Rng) -> Result<Duration, Failure> {
        let tuning = self.tuning;
        let since = *self.since.get_or_insert(now);
        let (budget, first, asked) = match trouble {
            Trouble::Unreachable(_) | Trouble::Lost(_) => (tuning.unreachable_for, tuning.first_wait, None),
            Trouble::Busy(asked) => (tuning.busy_for, tuning.first_busy_wait, *asked),
            Trouble::Paused(left) => (tuning.busy_for, tuning.first_wait, Some(*left)),
            Trouble::Locked(asked) => (tuning.locked_for, tuning.first_wait, *asked),
            Trouble::Outage(_) => (tuning.outage_for, tuning.first_wait, None),
            Trouble::Expired => {
                self.expiries += 1;
                let wait = if self.expiries == 1 { Duration::ZERO } else { tuning.first_wait };
                return if self.expiries > MOST_EXPIRIES { Err(given_up(trouble)) } else { Ok(wait) };
            }
        };
        let own = first.mul_f64(2f64.powi(self.tries.min(20))).min(tuning.longest_wait);
        self.tries += 1;
        let wait = match asked {
            // At least as long as asked; a little more, so that the account's calls do not all come back in the same moment.
            Some(asked) => asked + (asked / 4).min(tuning.first_wait).mul_f64(rng.random()),
            None => own.mul_f64(rng.random_range(0.5..=1.0)),
        };
        if now + wait > since + budget { Err(given_up(trouble).after(wait)) } else { Ok(wait) }
    }
}

/// Repeating has not helped. Later it may.
fn given_up(trouble: &Trouble) -> Failure {
    let (detail, sentence) = match trouble {
        Trouble::Unreachable(why) => (why.as_str(), "Dropbox could not be reached for too long. Retry in a while."),
        Trouble::Lost(why) => (why.as_str(), "Dropbox was out of order for too long. Retry in a while."),
        Trouble::Outage(why) => (why.as_str(), "Dropbox was out of order for too long. Retry in a while."),
        Trouble::Busy(_) => ("429", FailureKind::DropboxBusy.user_message()),
        Trouble::Paused(_) => ("the account has to wait", FailureKind::DropboxBusy.user_message()),
        Trouble::Locked(_) => {
            ("too_many_write_operations", "Other programs kept your Dropbox too busy. Retry in a while.")
        }
        Trouble::Expired => ("access tokens expire at once", FailureKind::DropboxBusy.user_message()),
    };
    Failure::new(FailureKind::DropboxBusy, detail).explained(sentence)
}

#[cfg(test)]
mod tests {
    use rand::{SeedableRng, rngs::StdRng};

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// The pauses of a call that meets this trouble again and again, each as a range of milliseconds.
    #[track_caller]
    fn check(trouble: &Trouble, want: &[std::ops::RangeInclusive<u128>]) {
        let tuning = Tuning::default();
        let (mut retry, mut rng, now) = (Retry::new(&tuning), StdRng::seed_from_u64(7), Instant::now());
        for range in want {
            let wait = retry.next(trouble, now, &mut rng).unwrap().as_millis();
            assert!(range.contains(&wait), "{trouble:?}: {wait} ms, wanted {range:?}");
        }
    }

    #[test]
    fn pauses_double_and_never_undercut_what_was_asked() {
        check(&Trouble::Lost(String::new()), &[500..=1000, 1000..=2000, 2000..=4000, 4000..=8000]);
        check(&Trouble::Busy(None), &[2500..=5000, 5000..=10_000, 10_000..=20_000]);
        check(&Trouble::Busy(Some(15 * SECOND)), &[15_000..=16_000, 15_000..=16_000]);
        check(&Trouble::Busy(Some(300 * SECOND)), &[300_000..=301_000]);
        check(&Trouble::Locked(None), &[500..=1000, 1000..=2000]);
        check(&Trouble::Locked(Some(SECOND)), &[1000..=1250]);
        check(&Trouble::Expired, &[0..=0, 1000..=1000, 1000..=1000]);
    }

    #[test]
    fn every_budget_ends() {
        let tuning = Tuning::default();
        let ends = |trouble: Trouble, after: Duration| {
            let (mut retry, mut rng, start) = (Retry::new(&tuning), StdRng::seed_from_u64(7), Instant::now());
            retry.next(&trouble, start, &mut rng).unwrap();
            let failure = retry.next(&trouble, start + after, &mut rng).unwrap_err();
            assert!(failure.is_transient() && failure.kind == FailureKind::DropboxBusy, "{failure}");
        };
        ends(Trouble::Unreachable(String::new()), 1800 * SECOND);
        ends(Trouble::Busy(None), 1800 * SECOND);
        ends(Trouble::Locked(None), 600 * SECOND);
        ends(Trouble::Outage(String::new()), 3600 * SECOND);
        let (mut retry, mut rng, now) = (Retry::new(&tuning), StdRng::seed_from_u64(7), Instant::now());
        let too_long = retry.next(&Trouble::Busy(Some(7200 * SECOND)), now, &mut rng).unwrap_err();
        assert!(too_long.retry_after.unwrap() >= 7200 * SECOND);
        assert_eq!((1..=4).filter(|_| retry.next(&Trouble::Expired, now, &mut rng).is_ok()).count(), 3);
    }
}
