//! Fragmented MP4, in any of the layouts of [`sluice_mux`]: the fragments as they are in one `mdat`, with full sample tables before or behind
//! them; or fragments still, changed in a few places on their way.

use std::{
    collections::VecDeque,
    ops::Range,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use sluice_domain::{Failure, Length};
use sluice_mux::{FragmentTable, Hint, Layout, Pair, Patcher, Piece, Plan, Probe, Scan, Tables, Track};
use sluice_transfer::{ByteStream, Source};
use tokio::sync::OnceCell;

use super::{
    Inputs, Refused, bounds, fingerprint,
    inputs::Readers,
    probe::{Header, probe},
    torn,
};

/// Small requests at once.
const AT_ONCE: usize = 8;

/// A picture and a sound in MP4, read as one file.
pub(super) struct Mp4(Arc<Inner>);

struct Inner {
    plan: Plan,
    inputs: Inputs,
    /// What has passed, for the tail.
    tables: Mutex<Tables>,
    tail: OnceCell<Bytes>,
    fingerprint: Option<String>,
}

impl Header for Probe {
    type Is = sluice_mux::Header;

    fn begin(total: u64) -> Result<Self, sluice_mux::Unsuitable> {
        Self::new(total)
    }

    fn wants(&self) -> Option<Range<u64>> {
        self.wants()
    }

    fn feed(&mut self, offset: u64, bytes: &[u8]) -> Result<(), sluice_mux::Unsuitable> {
        self.feed(offset, bytes)
    }

    fn end(self) -> Option<Self::Is> {
        self.finish()
    }
}

impl Mp4 {
    pub(super) async fn open(inputs: Inputs, layout: Layout, hint: Hint) -> Result<Self, Refused> {
        let (video, audio) =
            futures::try_join!(probe::<Probe>(&inputs, Track::Video), probe::<Probe>(&inputs, Track::Audio))?;
        let pair = Pair::new(video, audio)?;
        let mut tables = Tables::new(&pair);
        let scans = tables.needs(layout).into_iter().map(|(track, index)| scan(&inputs, &pair, track, index));
        let mut scanned = stream::iter(scans).buffered(AT_ONCE);
        while let Some((track, index, table)) = scanned.try_next().await? {
            tables.insert(track, index, table)?;
        }
        drop(scanned);
        let plan = Plan::new(layout, &pair, &mut tables, hint)?;
        let fingerprint = fingerprint(&inputs, |tags| plan.fingerprint(tags));
        Ok(Self(Arc::new(Inner { plan, inputs, tables: Mutex::new(tables), tail: OnceCell::new(), fingerprint })))
    }
}

/// The samples of one fragment.
async fn scan(
    inputs: &Inputs,
    pair: &Pair,
    track: Track,
    index: usize,
) -> Result<(Track, usize, FragmentTable), Refused> {
    let missing = || Refused::Failed(Failure::internal("a fragment that is not there"));
    let mut scan = Scan::new(pair.header(track), index).ok_or_else(missing)?;
    while let Some(range) = scan.wants() {
        scan.feed(range.start, &inputs.read(track, range).await?)?;
    }
    Ok((track, index, scan.finish().ok_or_else(missing)?))
}

#[async_trait]
impl Source for Mp4 {
    fn length(&self) -> Length {
        Length::Exact(self.0.plan.len())
    }

    fn fingerprint(&self) -> Option<&str> {
        self.0.fingerprint.as_deref()
    }

    async fn open(&self, from: u64, to: Option<u64>) -> Result<ByteStream, Failure> {
        let range = bounds(from, to, self.0.plan.len())?;
        let reading = Reading {
            inner: self.0.clone(),
            at: range.start,
            to: range.end,
            readers: Readers::default(),
            patching: None,
            patched: VecDeque::new(),
        };
        Ok(stream::try_unfold(reading, Reading::next).boxed())
    }
}

impl Inner {
    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The bytes after the media. What has not come by here, because another process had that part or because it was read in pieces, is
    /// looked up: one small request for each fragment.
    async fn tail(&self) -> Result<&Bytes, Failure> {
        self.tail.get_or_try_init(|| self.make_tail()).await
    }

    async fn make_tail(&self) -> Result<Bytes, Failure> {
        let missing: Vec<_> = {
            let tables = self.tables();
            Track::BOTH.into_iter().flat_map(|track| tables.missing(track).map(move |index| (track, index))).collect()
        };
        let scans = missing.into_iter().map(|(track, index)| scan(&self.inputs, self.plan.pair(), track, index));
        let mut scanned = stream::iter(scans).buffered(AT_ONCE);
        while let Some((track, index, table)) = scanned.try_next().await.map_err(Refused::torn)? {
            self.tables().insert(track, index, table).map_err(|why| torn(&why))?;
        }
        self.plan.tail(&self.tables()).map_err(|why| torn(&why))
    }

    /// Where the part of an input ends that this range of the output has; `None` for all of it.
    fn end_of(&self, wanted: Track, output: Range<u64>) -> Option<u64> {
        if output.end == self.plan.len() {
            return None;
        }
        let ends = self.plan.read(output).filter_map(|piece| match piece {
            Piece::Copy { track, range } if track == wanted => Some(range.end),
            Piece::Patched(patcher) if patcher.track() == wanted => Some(patcher.input_end()),
            _ => None,
        });
        ends.last()
    }
}

/// One pass over a range of the output.
struct Reading {
    inner: Arc<Inner>,
    at: u64,
    to: u64,
    readers: Readers,
    /// The fragment that is being changed.
    patching: Option<Patcher>,
    /// What came out of it and is not yet given.
    patched: VecDeque<Bytes>,
}

impl Reading {
    async fn next(mut self) -> Result<Option<(Bytes, Self)>, Failure> {
        let bytes = loop {
            if let Some(bytes) = self.patched.pop_front() {
                break bytes;
            }
            if self.patching.is_some() {
                self.patch().await?;
                continue;
            }
            let Some(piece) = self.inner.plan.read(self.at..self.to).next() else { return Ok(None) };
            break match piece {
                Piece::Bytes(bytes) => bytes,
                Piece::Copy { track, range } => {
                    let bytes = self.take(track, range.clone()).await?;
                    self.inner.tables().pass(track, range.start, &bytes).map_err(|why| torn(&why))?;
                    bytes
                }
                Piece::Tail(range) => self.inner.tail().await?.slice(range),
                Piece::Patched(patcher) => {
                    self.patching = Some(patcher);
                    continue;
                }
            };
        };
        self.at += bytes.len() as u64;
        Ok(Some((bytes, self)))
    }

    /// Lets some more of the fragment through its patcher.
    async fn patch(&mut self) -> Result<(), Failure> {
        let Some(mut patcher) = self.patching.take() else { return Ok(()) };
        let Some(wanted) = patcher.wants() else { return Ok(()) };
        let from = wanted.start;
        let bytes = self.take(patcher.track(), wanted).await?;
        let mut out = Vec::new();
        patcher.push(from, &bytes, &mut out).map_err(|why| torn(&why))?;
        self.patched.extend(out);
        self.patching = Some(patcher);
        Ok(())
    }

    /// Some bytes of an input, from the beginning of this range.
    async fn take(&mut self, track: Track, range: Range<u64>) -> Result<Bytes, Failure> {
        let (inner, rest) = (&self.inner, self.at..self.to);
        self.readers.next(&inner.inputs, track, range, || inner.end_of(track, rest)).await
    }
}
