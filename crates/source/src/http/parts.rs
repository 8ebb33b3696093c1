//! The fragments of a static DASH: their bytes one after another are the format.

use std::{ops::Range, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use sluice_domain::{Failure, Length};
use sluice_transfer::{ByteStream, Gate, Source};
use tokio::sync::Semaphore;

use super::{
    OpenError,
    known::{self, Known},
    lanes::{self, Content, EXTRA_LANES},
    media::Addresses,
    place::{Place, Probe},
    reading::Reading,
    web::Web,
};

/// How many are asked for their size at once.
const PROBES: usize = 8;
/// A segment is made so much longer at most, to end where a fragment ends.
const STRETCH: u64 = 1024 * 1024;

/// A format in fragments.
pub(super) struct Parts {
    web: Web,
    fragments: Arc<Fragments>,
    fingerprint: Option<String>,
    extra: Arc<Semaphore>,
    gate: Gate,
}

struct Fragments {
    files: Vec<(Arc<Place>, Arc<Known>)>,
    /// Where each begins, and at last where all end.
    starts: Vec<u64>,
}

impl Parts {
    pub(super) async fn open(
        web: &Web,
        addresses: &Arc<Addresses>,
        fragments: usize,
        gate: &Gate,
    ) -> Result<Arc<dyn Source>, OpenError> {
        let probe = |fragment| async move {
            let place = Arc::new(Place::new(web, addresses, Some(fragment)));
            match place.probe(gate).await? {
                Probe::Ranges(known) => Ok((place, Arc::new(known))),
                Probe::Whole(_) => Err(OpenError::Unsuitable("fragments that are not served in ranges".to_owned())),
            }
        };
        let files: Vec<_> = stream::iter(0..fragments).map(probe).buffered(PROBES).try_collect().await?;
        let mut starts = vec![0_u64];
        for (_, known) in &files {
            let end = starts.last().and_then(|start| start.checked_add(known.total));
            starts.push(end.ok_or_else(|| Failure::internal("fragments of an absurd size"))?);
        }
        let validators: Option<Vec<_>> =
            files.iter().map(|(_, known)| Some((known.total, known.validator.as_ref()?))).collect();
        Ok(Arc::new(Self {
            web: web.clone(),
            fingerprint: validators.map(|all| known::fingerprint(&addresses.format_id, all.into_iter())),
            fragments: Arc::new(Fragments { files, starts }),
            extra: Arc::new(Semaphore::new(EXTRA_LANES)),
            gate: gate.clone(),
        }))
    }
}

#[async_trait]
impl Source for Parts {
    fn length(&self) -> Length {
        Length::Exact(self.fragments.total())
    }

    fn fingerprint(&self) -> Option<&str> {
        self.fingerprint.as_deref()
    }

    async fn open(&self, from: u64, to: Option<u64>) -> Result<ByteStream, Failure> {
        lanes::open(self.fragments.clone(), &self.web, &self.extra, (from, to), &self.gate)
    }
}

impl Fragments {
    /// The share of a range that lies in this fragment.
    fn reading(&self, index: usize, from: u64, to: u64, patient: bool, gate: &Gate) -> Reading {
        let ((place, known), start) = (&self.files[index], self.starts[index]);
        let (from, to) = (from.saturating_sub(start), to - start);
        Reading::new(place, known, from, to, patient, gate)
    }
}

impl Content for Fragments {
    fn total(&self) -> u64 {
        self.starts.last().copied().unwrap_or(0)
    }

    fn read(self: Arc<Self>, from: u64, to: u64, patient: bool, gate: &Gate) -> ByteStream {
        let next = self.starts.partition_point(|start| *start <= from).saturating_sub(1);
        let end = self.starts.partition_point(|start| *start < to).min(self.files.len());
        let walk = Walk { fragments: self, from, to, patient, gate: gate.clone(), rest: next..end, reading: None };
        Box::pin(stream::try_unfold(walk, async |mut walk| Ok(walk.next().await?.map(|bytes| (bytes, walk)))))
    }

    fn splits(&self) -> bool {
        self.files.iter().all(|(_, known)| known.validator.is_some())
    }

    fn cut(&self, at: u64) -> u64 {
        let next = self.starts[self.starts.partition_point(|start| *start < at).min(self.starts.len() - 1)];
        if (at..at.saturating_add(STRETCH)).contains(&next) { next } else { at }
    }
}

/// From one fragment to the next.
struct Walk {
    fragments: Arc<Fragments>,
    from: u64,
    to: u64,
    patient: bool,
    gate: Gate,
    rest: Range<usize>,
    reading: Option<Reading>,
}

impl Walk {
    async fn next(&mut self) -> Result<Option<Bytes>, Failure> {
        loop {
            if let Some(reading) = &mut self.reading
                && let Some(bytes) = reading.next().await?
            {
                return Ok(Some(bytes));
            }
            let Some(index) = self.rest.next() else { return Ok(None) };
            self.reading = Some(self.fragments.reading(index, self.from, self.to, self.patient, &self.gate));
        }
    }
}
