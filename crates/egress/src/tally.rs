//! What was decided: counted always, logged within a rate.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::Instant,
};

use crate::{
    Refusal,
    limits::{LOG_PERIOD, MAX_LOG_LINES},
};

/// The decisions of one process.
#[derive(Debug, Default)]
pub(crate) struct Tally(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    dialled: u64,
    /// By reason, of which there are a few.
    refused: BTreeMap<&'static str, u64>,
    period: Option<Instant>,
    lines: u32,
    unsaid: u64,
}

impl Tally {
    pub(crate) fn dialled(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).dialled += 1;
    }

    pub(crate) fn refused(&self, refusal: &Refusal) {
        let (say, unsaid) = {
            let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            *inner.refused.entry(refusal.reason.as_str()).or_default() += 1;
            inner.may_say(Instant::now())
        };
        if say {
            // Who asked for it chose the host: its length is bounded, and control characters cannot be in it.
            let host: String = refusal.host.chars().take(255).collect();
            tracing::warn!(egress.host = host, egress.port = refusal.port, egress.reason = %refusal.reason, unsaid, "An address is not visited");
        }
    }

    /// How often an address was dialled, and how often one was not, by reason.
    pub(crate) fn figures(&self) -> (u64, Vec<(&'static str, u64)>) {
        let inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (inner.dialled, inner.refused.iter().map(|(reason, count)| (*reason, *count)).collect())
    }
}

impl Inner {
    /// May a line be written, and how many were not since the last?
    fn may_say(&mut self, now: Instant) -> (bool, u64) {
        if self.period.is_none_or(|began| now.duration_since(began) >= LOG_PERIOD) {
            self.period = Some(now);
            self.lines = 0;
        }
        if self.lines >= MAX_LOG_LINES {
            self.unsaid += 1;
            return (false, 0);
        }
        self.lines += 1;
        (true, std::mem::take(&mut self.unsaid))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_is_bounded_and_tells_what_it_left_out() {
        let mut inner = Inner::default();
        let begin = Instant::now();
        let said = (0..100).filter(|_| inner.may_say(begin).0).count();
        assert_eq!(said, MAX_LOG_LINES as usize);
        assert_eq!(inner.may_say(begin + LOG_PERIOD), (true, 100 - u64::from(MAX_LOG_LINES)));
        assert_eq!(inner.may_say(begin + LOG_PERIOD), (true, 0));
    }
}
