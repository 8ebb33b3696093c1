//! The gate: counts what is fetched and what arrived, and shuts once, with the first reason.

use std::{
    future::Future,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use sluice_domain::{ByteSize, Failure, FailureKind, Length, Limits};
use tokio_util::sync::{CancellationToken, DropGuard};

/// The watchdog's memory of one transfer. Clones share it.
#[derive(Debug, Clone)]
pub struct Gate(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    cap: ByteSize,
    /// Learned after the gate opened.
    free_space: OnceLock<ByteSize>,
    idle_timeout: Duration,
    least_rate: u64,
    /// Held for a copy only.
    length: Mutex<Length>,
    fetched: AtomicU64,
    arrived: AtomicU64,
    /// What came in of all parts that are being put together.
    came_in: AtomicU64,
    /// The largest figure that was judged, fetched or announced.
    judged: AtomicU64,
    shut: CancellationToken,
    /// Written before `shut` is cancelled, once.
    reason: OnceLock<Failure>,
}

impl Gate {
    /// An open gate.
    #[must_use]
    pub fn new(limits: &Limits) -> Self {
        Self(Arc::new(Inner {
            cap: limits.max_file_bytes,
            free_space: OnceLock::new(),
            idle_timeout: limits.idle_timeout,
            least_rate: limits.least_rate.0,
            length: Mutex::default(),
            fetched: AtomicU64::new(0),
            arrived: AtomicU64::new(0),
            came_in: AtomicU64::new(0),
            judged: AtomicU64::new(0),
            shut: CancellationToken::new(),
            reason: OnceLock::new(),
        }))
    }

    /// From now on nothing larger than this passes either. The first word stays.
    pub fn limit_to_free_space(&self, free: ByteSize) {
        let _ = self.0.free_space.set(free);
    }

    /// So many bytes are expected in all, as far as is known now.
    pub fn expect(&self, length: Length) {
        *self.0.length.lock().unwrap_or_else(PoisonError::into_inner) = length;
    }

    /// How many bytes are expected in all. An estimate that was passed is no estimate any more.
    #[must_use]
    pub fn length(&self) -> Length {
        match *self.0.length.lock().unwrap_or_else(PoisonError::into_inner) {
            Length::Estimate(estimate) if estimate < self.counts().0 => Length::Unknown,
            length => length,
        }
    }

    /// The longest time without a byte that whoever reads from the site should bear.
    #[must_use]
    pub fn idle_timeout(&self) -> Duration {
        self.0.idle_timeout
    }

    /// The bytes a second below which a source is not worth waiting for.
    #[must_use]
    pub fn least_rate(&self) -> u64 {
        self.0.least_rate
    }

    /// So many bytes are here now, in all. Shuts the gate when that is over the cap or over the free space.
    ///
    /// # Errors
    /// The reason, when the gate is or becomes shut.
    pub fn fetched(&self, total: u64) -> Result<(), Failure> {
        self.0.fetched.store(total, Ordering::Relaxed);
        self.judge(ByteSize(total))
    }

    /// So many bytes are here now, in all, of which only a part will be the file: they are told, not judged.
    pub fn came_by(&self, total: u64) {
        self.0.fetched.store(total, Ordering::Relaxed);
    }

    /// The byte before this position has come by. For streams that may be read again, or at several places at once: the farthest counts.
    ///
    /// # Errors
    /// As [`Gate::fetched`].
    pub fn reached(&self, position: u64) -> Result<(), Failure> {
        let before = self.0.fetched.fetch_max(position, Ordering::Relaxed);
        self.judge(ByteSize(before.max(position)))
    }

    /// The site says that there will be so many bytes. Shuts the gate at once when that is over the cap or over the free space.
    ///
    /// # Errors
    /// The reason, when the gate is or becomes shut.
    pub fn announced(&self, total: u64) -> Result<(), Failure> {
        self.judge(ByteSize(total))
    }

    /// So many more bytes came in of a part that is being put into another container on its way. Shuts the gate when the parts alone will be
    /// over the cap or over the free space.
    ///
    /// The result is what counts in the end, but it may lag far behind: a pair is held back until both parts are there. A container's
    /// packaging is left out of the result, though: transport streams have some 10 per cent of it. So only five sixths of what came in are
    /// taken for certain.
    ///
    /// # Errors
    /// The reason, when the gate is or becomes shut.
    pub fn came_in(&self, more: u64) -> Result<(), Failure> {
        let total = self.0.came_in.fetch_add(more, Ordering::Relaxed).saturating_add(more);
        self.judge(ByteSize(total - total / 6))
    }

    /// The most bytes that may pass, as far as is known: the cap, or the account's free space when that is less.
    #[must_use]
    pub fn most(&self) -> u64 {
        self.0.free_space.get().map_or(self.0.cap, |free| self.0.cap.min(*free)).0
    }

    /// The file has at least so many bytes: the most that was fetched or announced.
    #[must_use]
    pub fn at_least(&self) -> ByteSize {
        ByteSize(self.0.judged.load(Ordering::Relaxed))
    }

    fn judge(&self, total: ByteSize) -> Result<(), Failure> {
        self.0.judged.fetch_max(total.0, Ordering::Relaxed);
        if total > self.0.cap {
            self.shut(Failure::too_large(total, self.0.cap, None));
        } else if let Some(free) = self.0.free_space.get().copied().filter(|free| total > *free) {
            self.shut(Failure::quota(total, free));
        }
        self.check()
    }

    /// So many bytes are acknowledged by the other side, in all.
    pub fn arrived(&self, total: u64) {
        self.0.arrived.store(total, Ordering::Relaxed);
    }

    /// Bytes fetched and bytes arrived.
    #[must_use]
    pub fn counts(&self) -> (u64, u64) {
        (self.0.fetched.load(Ordering::Relaxed), self.0.arrived.load(Ordering::Relaxed))
    }

    /// Shuts the gate. The first reason stays.
    pub fn shut(&self, reason: Failure) {
        let _ = self.0.reason.set(reason);
        self.0.shut.cancel();
    }

    /// `Err` with the reason when the gate is shut.
    ///
    /// # Errors
    /// The reason.
    pub fn check(&self) -> Result<(), Failure> {
        if self.0.shut.is_cancelled() { Err(self.reason()) } else { Ok(()) }
    }

    /// Waits until the gate is shut.
    pub async fn when_shut(&self) -> Failure {
        self.0.shut.cancelled().await;
        self.reason()
    }

    /// Runs this until it ends or the gate shuts, whichever is first; then it is dropped.
    ///
    /// # Errors
    /// Its own, or the reason.
    pub async fn guard<T>(&self, work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        tokio::select! {
            biased;
            reason = self.when_shut() => Err(reason),
            done = work => done,
        }
    }

    /// Shuts the gate after this time, unless the returned guard is dropped before.
    #[must_use]
    pub fn deadline(&self, after: Duration) -> DropGuard {
        let (gate, over) = (self.clone(), CancellationToken::new());
        let watched = over.clone();
        tokio::spawn(async move {
            if watched.run_until_cancelled(tokio::time::sleep(after)).await.is_some() {
                gate.shut(Failure::new(FailureKind::TimedOut, format!("deadline of {} s", after.as_secs())));
            }
        });
        over.drop_guard()
    }

    fn reason(&self) -> Failure {
        self.0.reason.get().cloned().unwrap_or_else(|| Failure::internal("the gate shut without a reason"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate(cap: u64, free: Option<u64>) -> Gate {
        let gate = Gate::new(&Limits { max_file_bytes: ByteSize(cap), ..Limits::default() });
        if let Some(free) = free {
            gate.limit_to_free_space(ByteSize(free));
        }
        gate
    }

    #[test]
    fn it_shuts_one_byte_over_the_cap() {
        let gate = gate(10, None);
        assert!(gate.fetched(10).is_ok());
        assert_eq!(gate.fetched(11).unwrap_err().kind, FailureKind::TooLarge);
        assert_eq!(gate.check().unwrap_err().kind, FailureKind::TooLarge);
    }

    #[test]
    fn it_shuts_one_byte_over_the_free_space() {
        assert_eq!(gate(10, Some(5)).fetched(6).unwrap_err().kind, FailureKind::QuotaExceeded);
    }

    #[test]
    fn a_passed_estimate_is_given_up() {
        let gate = gate(100, None);
        gate.expect(Length::Estimate(10));
        assert!(gate.fetched(10).is_ok());
        assert_eq!(gate.length(), Length::Estimate(10));
        assert!(gate.fetched(11).is_ok());
        assert_eq!(gate.length(), Length::Unknown);
    }

    #[test]
    fn what_is_announced_is_judged_but_not_counted() {
        let gate = gate(10, None);
        assert!(gate.announced(10).is_ok());
        assert_eq!(gate.announced(11).unwrap_err().kind, FailureKind::TooLarge);
        assert_eq!((gate.counts(), gate.at_least(), gate.most()), ((0, 0), ByteSize(11), 10));
    }

    #[test]
    fn what_only_comes_by_is_counted_but_not_judged() {
        let gate = gate(10, None);
        gate.came_by(11);
        assert!(gate.check().is_ok());
        assert_eq!((gate.counts(), gate.at_least()), ((11, 0), ByteSize(0)));
    }

    #[test]
    fn parts_are_judged_together_without_their_packaging() {
        let gate = gate(100, None);
        assert!(gate.came_in(60).is_ok());
        assert!(gate.came_in(60).is_ok());
        assert_eq!((gate.at_least(), gate.counts()), (ByteSize(100), (0, 0)));
        assert_eq!(gate.came_in(1).unwrap_err().kind, FailureKind::TooLarge);
    }

    #[test]
    fn the_first_reason_stays() {
        let gate = gate(10, None);
        gate.shut(Failure::new(FailureKind::Cancelled, ""));
        gate.shut(Failure::internal("later"));
        assert_eq!(gate.check().unwrap_err().kind, FailureKind::Cancelled);
    }

    #[tokio::test]
    async fn work_ends_when_it_shuts() {
        let gate = gate(10, None);
        let work = gate.guard(std::future::pending::<Result<(), Failure>>());
        gate.shut(Failure::new(FailureKind::Cancelled, ""));
        assert_eq!(work.await.unwrap_err().kind, FailureKind::Cancelled);
    }

    #[tokio::test(start_paused = true)]
    async fn a_deadline_shuts_it_unless_dropped() {
        let (kept, dropped) = (gate(10, None), gate(10, None));
        let guard = kept.deadline(Duration::from_secs(5));
        drop(dropped.deadline(Duration::from_secs(5)));
        assert_eq!(kept.when_shut().await.kind, FailureKind::TimedOut);
        assert!(dropped.check().is_ok());
        drop(guard);
    }
}
