//! A source under the watchdog's eyes.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt, stream};
use sluice_domain::{ByteSize, Failure, FailureKind, Length};
use tokio::time::{Instant, timeout};

use crate::{Access, ByteStream, Gate, Source};

/// Time spent waiting for a source after which its pace is judged.
const JUDGED_AFTER: Duration = Duration::from_secs(60);

/// Counts and judges what a source gives, and gives up a source that gives nothing, or next to nothing, for too long. Only the time counts
/// in which the source kept somebody waiting: a slow reader is not its fault.
pub struct Watched {
    source: Arc<dyn Source>,
    gate: Gate,
    /// Is it the source's own pace?
    own_pace: bool,
}

impl Watched {
    /// This source, reported to this gate.
    #[must_use]
    pub fn new(source: Arc<dyn Source>, gate: Gate) -> Self {
        Self { source, gate, own_pace: true }
    }

    /// The same, of a source whose pace is set by somebody else, as of a [`crate::Tee`]: slowness is no fault of it, whoever sets the pace is
    /// watched by others.
    #[must_use]
    pub fn unhurried(source: Arc<dyn Source>, gate: Gate) -> Self {
        Self { source, gate, own_pace: false }
    }
}

impl std::fmt::Debug for Watched {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watched").field("length", &self.length()).finish_non_exhaustive()
    }
}

#[async_trait]
impl Source for Watched {
    fn length(&self) -> Length {
        self.source.length()
    }

    fn access(&self) -> Access {
        self.source.access()
    }

    fn fingerprint(&self) -> Option<&str> {
        self.source.fingerprint()
    }

    fn release(&self, offset: u64) {
        self.source.release(offset);
    }

    async fn open(&self, from: u64, to: Option<u64>) -> Result<ByteStream, Failure> {
        if let (0, Length::Exact(total)) = (from, self.length()) {
            self.gate.announced(total)?;
        }
        let stream = self.gate.guard(self.source.open(from, to)).await?;
        let (gate, own_pace) = (self.gate.clone(), self.own_pace);
        let watch = Watch { stream, gate, own_pace, position: from, waited: Duration::ZERO, came: 0 };
        Ok(stream::try_unfold(watch, Watch::next).boxed())
    }
}

/// An open stream and its record.
struct Watch {
    stream: ByteStream,
    gate: Gate,
    own_pace: bool,
    position: u64,
    /// Since the pace was judged last: time spent waiting, and bytes.
    waited: Duration,
    came: u64,
}

impl Watch {
    async fn next(mut self) -> Result<Option<(Bytes, Self)>, Failure> {
        let idle = if self.own_pace { self.gate.idle_timeout() } else { Duration::MAX };
        let begun = Instant::now();
        let next = self.gate.guard(async { Ok(timeout(idle, self.stream.next()).await) }).await?;
        let Some(bytes) = next.map_err(|_| silent(idle))?.transpose()? else { return Ok(None) };
        self.position += bytes.len() as u64;
        self.gate.reached(self.position)?;
        self.judge(begun.elapsed(), bytes.len() as u64)?;
        Ok(Some((bytes, self)))
    }

    fn judge(&mut self, waited: Duration, bytes: u64) -> Result<(), Failure> {
        self.waited += waited;
        self.came += bytes;
        if self.waited < JUDGED_AFTER || !self.own_pace {
            return Ok(());
        }
        let rate = self.came / self.waited.as_secs().max(1);
        (self.waited, self.came) = (Duration::ZERO, 0);
        if rate < self.gate.least_rate() {
            return Err(Failure::new(FailureKind::SiteBusy, format!("{rate} bytes a second"))
                .explained(format!("The site sends only {} a second. Retry later.", ByteSize(rate))));
        }
        Ok(())
    }
}

fn silent(idle: Duration) -> Failure {
    Failure::new(FailureKind::Network, format!("no byte for {} s", idle.as_secs()))
}

#[cfg(test)]
mod tests {
    use futures::TryStreamExt;
    use sluice_domain::Limits;

    use super::*;

    /// One byte after each of these pauses.
    struct Drips(Vec<u64>);

    #[async_trait]
    impl Source for Drips {
        fn length(&self) -> Length {
            Length::Exact(self.0.len() as u64)
        }

        async fn open(&self, from: u64, _: Option<u64>) -> Result<ByteStream, Failure> {
            let pauses = self.0.clone().into_iter().skip(usize::try_from(from).unwrap());
            let drip = |seconds| async move {
                tokio::time::sleep(Duration::from_secs(seconds)).await;
                Ok(Bytes::from_static(b"x"))
            };
            Ok(stream::iter(pauses).then(drip).boxed())
        }
    }

    async fn read(pauses: Vec<u64>, limits: Limits) -> (Result<usize, FailureKind>, Gate) {
        let gate = Gate::new(&limits);
        let watched = Watched::new(Arc::new(Drips(pauses)), gate.clone());
        let stream = match watched.open(0, None).await {
            Ok(stream) => stream,
            Err(failure) => return (Err(failure.kind), gate),
        };
        (stream.try_collect::<Vec<_>>().await.map(|all| all.len()).map_err(|failure| failure.kind), gate)
    }

    fn limits(least_rate: u64) -> Limits {
        Limits { idle_timeout: Duration::from_secs(60), least_rate: ByteSize(least_rate), ..Limits::default() }
    }

    #[tokio::test(start_paused = true)]
    async fn what_comes_is_counted() {
        let (read, gate) = read(vec![0, 1, 59], limits(0)).await;
        assert_eq!((read, gate.counts().0), (Ok(3), 3));
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_source_is_given_up() {
        assert_eq!(read(vec![0, 61], limits(0)).await.0, Err(FailureKind::Network));
    }

    #[tokio::test(start_paused = true)]
    async fn a_trickle_is_given_up() {
        assert_eq!(read(vec![10; 20], limits(0)).await.0, Ok(20));
        assert_eq!(read(vec![10; 20], limits(1)).await.0, Err(FailureKind::SiteBusy));
    }

    #[tokio::test(start_paused = true)]
    async fn the_pace_of_another_is_not_judged() {
        let gate = Gate::new(&limits(100));
        let watched = Watched::unhurried(Arc::new(Drips(vec![10, 61, 70])), gate.clone());
        let all: Vec<_> = watched.open(0, None).await.unwrap().try_collect().await.unwrap();
        assert_eq!((all.len(), gate.counts().0), (3, 3));
    }

    #[tokio::test(start_paused = true)]
    async fn with_a_length_over_the_cap_nothing_is_fetched() {
        let (read, gate) = read(vec![0; 3], Limits { max_file_bytes: ByteSize(2), ..limits(0) }).await;
        assert_eq!((read, gate.counts().0), (Err(FailureKind::TooLarge), 0));
    }
}
