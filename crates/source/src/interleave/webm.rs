//! WebM: one cluster for each group of clusters, with the sound among the pictures.

use std::{collections::VecDeque, ops::Range, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt, stream};
use sluice_domain::{Failure, Length};
use sluice_mux::{
    Track, Unsuitable,
    webm::{Join, Piece, Plan, Probe},
};
use sluice_transfer::{ByteStream, Source};

use super::{
    Inputs, Refused, bounds, fingerprint,
    inputs::Readers,
    probe::{Header, probe},
    torn,
};

/// A picture and a sound in WebM, read as one file.
pub(super) struct Webm(Arc<Inner>);

struct Inner {
    plan: Plan,
    inputs: Inputs,
    fingerprint: Option<String>,
}

impl Header for Probe {
    type Is = sluice_mux::webm::Header;

    fn begin(total: u64) -> Result<Self, Unsuitable> {
        Self::new(total)
    }

    fn wants(&self) -> Option<Range<u64>> {
        self.wants()
    }

    fn feed(&mut self, offset: u64, bytes: &[u8]) -> Result<(), Unsuitable> {
        self.feed(offset, bytes)
    }

    fn end(self) -> Option<Self::Is> {
        self.finish()
    }
}

impl Webm {
    pub(super) async fn open(inputs: Inputs) -> Result<Self, Refused> {
        let (video, audio) =
            futures::try_join!(probe::<Probe>(&inputs, Track::Video), probe::<Probe>(&inputs, Track::Audio))?;
        let plan = Plan::new(&video, &audio)?;
        let fingerprint = fingerprint(&inputs, |tags| plan.fingerprint(tags));
        Ok(Self(Arc::new(Inner { plan, inputs, fingerprint })))
    }
}

#[async_trait]
impl Source for Webm {
    fn length(&self) -> Length {
        Length::Exact(self.0.plan.len())
    }

    fn fingerprint(&self) -> Option<&str> {
        self.0.fingerprint.as_deref()
    }

    async fn open(&self, from: u64, to: Option<u64>) -> Result<ByteStream, Failure> {
        let range = bounds(from, to, self.0.plan.len())?;
        let (ready, readers) = (VecDeque::new(), Readers::default());
        let reading = Reading { inner: self.0.clone(), at: range.start, to: range.end, group: None, ready, readers };
        Ok(stream::try_unfold(reading, Reading::next).boxed())
    }
}

impl Inner {
    /// Where the part of an input ends that this range of the output has; `None` for all of it.
    fn end_of(&self, track: Track, output: Range<u64>) -> Option<u64> {
        if output.end == self.plan.len() {
            return None;
        }
        let ends = self.plan.read(output).filter_map(|piece| match piece {
            Piece::Group(join) => Some(join.range(track).end),
            Piece::Bytes(_) => None,
        });
        ends.last()
    }
}

/// One pass over a range of the output.
struct Reading {
    inner: Arc<Inner>,
    /// All before it was given, is ready, or comes from the group at hand.
    at: u64,
    to: u64,
    group: Option<Box<Join>>,
    ready: VecDeque<Bytes>,
    readers: Readers,
}

impl Reading {
    async fn next(mut self) -> Result<Option<(Bytes, Self)>, Failure> {
        loop {
            if let Some(bytes) = self.ready.pop_front() {
                return Ok(Some((bytes, self)));
            }
            if let Some(join) = &mut self.group
                && let Some((track, range)) = join.wants()
            {
                let (inner, rest) = (&self.inner, self.at..self.to);
                let last = join.range(track).end;
                let end = || if rest.is_empty() { Some(last) } else { inner.end_of(track, rest) };
                let bytes = self.readers.next(&inner.inputs, track, range.clone(), end).await?;
                let mut out = Vec::new();
                join.push(track, range.start, &bytes, &mut out).map_err(|why| torn(&why))?;
                self.ready.extend(out);
                continue;
            }
            self.group = None;
            let Some(piece) = self.inner.plan.read(self.at..self.to).next() else { return Ok(None) };
            match piece {
                Piece::Bytes(bytes) => {
                    self.at += bytes.len() as u64;
                    self.ready.push_back(bytes);
                }
                Piece::Group(join) => {
                    self.at += join.len();
                    self.group = Some(join);
                }
            }
        }
    }
}
