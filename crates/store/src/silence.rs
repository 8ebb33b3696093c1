//! How long a lane has been silent: callers that are less patient than the client's response timeout give up before it fires, and then nobody
//! would ever notice that the server at the other end is gone without a word (a dead host, a stopped process).

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Since when callers have given up on a lane, without any answer in between.
#[derive(Debug, Default)]
pub(crate) struct Silence(Mutex<Option<Instant>>);

/// One command that is waiting for its answer. Dropped without one, it counts as silence since it was asked.
pub(crate) struct Waiting<'a> {
    silence: &'a Silence,
    since: Instant,
    answered: bool,
}

impl Silence {
    pub(crate) fn waiting(&self) -> Waiting<'_> {
        Waiting { silence: self, since: Instant::now(), answered: false }
    }

    /// Has it lasted longer than that?
    pub(crate) fn exceeds(&self, bound: Duration) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_some_and(|since| since.elapsed() > bound)
    }
}

impl Waiting<'_> {
    pub(crate) fn answered(mut self) {
        self.answered = true;
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut since = self.silence.0.lock().unwrap_or_else(PoisonError::into_inner);
        if self.answered {
            *since = None;
        } else {
            since.get_or_insert(self.since);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_lasts_from_the_first_unanswered_to_the_next_answer() {
        let silence = Silence::default();
        let second = Duration::from_secs(1);
        let asked =
            |ago| Waiting { silence: &silence, since: Instant::now().checked_sub(ago).unwrap(), answered: false };
        let unanswered = asked(2 * second);
        assert!(!silence.exceeds(second), "nobody has given up yet");
        drop(unanswered);
        assert!(silence.exceeds(second));
        drop(asked(Duration::ZERO));
        assert!(silence.exceeds(second), "the first counts");
        asked(Duration::ZERO).answered();
        assert!(!silence.exceeds(Duration::ZERO));
    }
}
