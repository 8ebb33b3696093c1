//! How often one stream may fail in a row, and how long it waits in between.

use std::time::Duration;

use rand::Rng;

/// So many bytes show that it goes on after all.
const PROGRESS: u64 = 1024 * 1024;
/// A server may ask for so long a pause; a longer one is for the next attempt.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// The memory of one stream's troubles.
#[derive(Debug, Clone)]
pub(super) struct Patience {
    first_pause: Duration,
    failures: u32,
    progress: u64,
    doubted: bool,
    renewed: bool,
    /// Bears nothing.
    none: bool,
}

impl Patience {
    /// Failures in a row before giving up.
    const MOST: u32 = 5;

    pub(super) fn new(first_pause: Duration) -> Self {
        Self { first_pause, failures: 0, progress: 0, doubted: false, renewed: false, none: false }
    }

    /// For whoever gives up at the first trouble, because somebody more patient will try again.
    pub(super) fn none() -> Self {
        Self { none: true, ..Self::new(Duration::ZERO) }
    }

    /// So many bytes came.
    pub(super) fn progressed(&mut self, bytes: u64) {
        self.progress = self.progress.saturating_add(bytes);
        if self.none {
            return;
        }
        // A new address that gives bytes was worth it.
        (self.doubted, self.renewed) = (false, false);
        if self.progress >= PROGRESS {
            *self = Self::new(self.first_pause);
        }
    }

    /// The pause before the next try, at least as long as `asked`; `None` when it is enough.
    pub(super) fn failed(&mut self, asked: Option<Duration>, rng: &mut impl Rng) -> Option<Duration> {
        if self.none || self.failures == Self::MOST || asked.is_some_and(|asked| asked > LONGEST_PAUSE) {
            return None;
        }
        let pause = self.first_pause * 2_u32.pow(self.failures);
        self.failures += 1;
        self.progress = 0;
        let pause = pause.mul_f64(rng.random_range(0.5..=1.0));
        Some(pause.max(asked.unwrap_or_default()))
    }

    /// Is an address that was good worth another request before it is taken for expired? A server that counts connections may say the same.
    pub(super) fn doubts(&mut self) -> bool {
        !self.none && !std::mem::replace(&mut self.doubted, true)
    }

    /// May the address be renewed? Not twice without a byte in between.
    pub(super) fn renews(&mut self) -> bool {
        !self.none && !std::mem::replace(&mut self.renewed, true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_ends_after_five_failures_in_a_row() {
        let mut patience = Patience::new(Duration::from_millis(200));
        let rng = &mut rand::rng();
        let mut most = 200;
        for _ in 0..5 {
            let pause = patience.failed(None, rng).unwrap().as_millis();
            assert!((most / 2..=most).contains(&pause), "{pause}");
            most *= 2;
        }
        assert_eq!(patience.failed(None, rng), None);
        patience.progressed(PROGRESS - 1);
        assert_eq!(patience.failed(None, rng), None);
        patience.progressed(PROGRESS);
        assert!(patience.failed(None, rng).is_some());
    }

    #[test]
    fn a_server_may_ask_for_a_minute() {
        let mut patience = Patience::new(Duration::from_millis(200));
        let rng = &mut rand::rng();
        assert_eq!(patience.failed(Some(LONGEST_PAUSE), rng), Some(LONGEST_PAUSE));
        assert_eq!(patience.failed(Some(LONGEST_PAUSE + Duration::from_secs(1)), rng), None);
    }

    #[test]
    fn an_address_is_not_renewed_twice_in_vain() {
        let mut patience = Patience::new(Duration::ZERO);
        assert!(patience.renews() && !patience.renews());
        patience.progressed(1);
        assert!(patience.renews());
    }
}
