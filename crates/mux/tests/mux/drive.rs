//! Plays the engine: fetches what is wanted from memory.

use std::ops::Range;

use bytes::Bytes;
use sluice_mux::{Header, Hint, Layout, Pair, Piece, Plan, Probe, Scan, Tables, Track, Unsuitable};

/// Both inputs, in memory.
pub(crate) struct Inputs {
    pub(crate) video: Bytes,
    pub(crate) audio: Bytes,
}

impl Inputs {
    pub(crate) fn new(video: Vec<u8>, audio: Vec<u8>) -> Self {
        Self { video: video.into(), audio: audio.into() }
    }

    pub(crate) fn get(&self, track: Track) -> &Bytes {
        match track {
            Track::Video => &self.video,
            Track::Audio => &self.audio,
        }
    }

    pub(crate) fn cut(&self, track: Track, range: Range<u64>) -> Bytes {
        cut(self.get(track), range)
    }

    pub(crate) fn pair(&self) -> Result<Pair, Unsuitable> {
        Pair::new(probe(&self.video)?.0, probe(&self.audio)?.0)
    }

    /// What a plan needs, fetched.
    pub(crate) fn tables(&self, layout: Layout, pair: &Pair) -> Result<Tables, Unsuitable> {
        let mut tables = Tables::new(pair);
        for (track, index) in tables.needs(layout) {
            self.scan(&mut tables, pair, track, index)?;
        }
        Ok(tables)
    }

    pub(crate) fn scan(&self, tables: &mut Tables, pair: &Pair, track: Track, index: usize) -> Result<(), Unsuitable> {
        let mut scan = Scan::new(pair.header(track), index).expect("a fragment");
        let mut requests = 0;
        while let Some(range) = scan.wants() {
            requests += 1;
            assert!(requests < 1000, "a scan without end");
            scan.feed(range.start, &self.cut(track, range))?;
        }
        tables.insert(track, index, scan.finish().expect("nothing is wanted any more"))
    }

    pub(crate) fn plan(&self, layout: Layout) -> Result<(Plan, Tables), Unsuitable> {
        let pair = self.pair()?;
        let mut tables = self.tables(layout, &pair)?;
        let plan = Plan::new(layout, &pair, &mut tables, Hint::default())?;
        Ok((plan, tables))
    }

    /// A range of the output; what passes goes into `tables`.
    pub(crate) fn read(&self, plan: &Plan, tables: &mut Tables, range: Range<u64>) -> Result<Vec<u8>, Unsuitable> {
        let mut out = Vec::new();
        for piece in plan.read(range) {
            match piece {
                Piece::Bytes(bytes) => out.extend_from_slice(&bytes),
                Piece::Copy { track, range } => {
                    let bytes = self.cut(track, range.clone());
                    // As a network would deliver it.
                    for (number, part) in bytes.chunks(1009).enumerate() {
                        tables.pass(track, range.start + number as u64 * 1009, part)?;
                    }
                    out.extend_from_slice(&bytes);
                }
                Piece::Patched(mut patcher) => {
                    let (len, before) = (patcher.len(), out.len());
                    let mut parts = Vec::new();
                    while let Some(range) = patcher.wants() {
                        let range = range.start..range.end.min(range.start + 1009);
                        patcher.push(range.start, &self.cut(patcher.track(), range), &mut parts)?;
                    }
                    parts.iter().for_each(|part| out.extend_from_slice(part));
                    assert_eq!(out.len() - before, usize::try_from(len).expect("small"));
                }
                Piece::Tail(range) => {
                    let missing: Vec<_> = Track::BOTH
                        .iter()
                        .flat_map(|track| tables.missing(*track).map(|index| (*track, index)))
                        .collect();
                    for (track, index) in missing {
                        self.scan(tables, plan.pair(), track, index)?;
                    }
                    out.extend_from_slice(&plan.tail(tables)?[range]);
                }
            }
        }
        Ok(out)
    }
}

pub(crate) fn cut(bytes: &Bytes, range: Range<u64>) -> Bytes {
    bytes.slice(usize::try_from(range.start).expect("small")..usize::try_from(range.end).expect("small"))
}

/// The header of an input, and how many requests it took.
pub(crate) fn probe(bytes: &Bytes) -> Result<(Header, usize), Unsuitable> {
    let mut probe = Probe::new(bytes.len() as u64)?;
    let mut requests = 0;
    while let Some(range) = probe.wants() {
        requests += 1;
        assert!(requests < 100_000, "a header without end");
        probe.feed(range.start, &cut(bytes, range))?;
    }
    Ok((probe.finish().expect("nothing is wanted any more"), requests))
}

/// A small source of chance that is the same on every run.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn roll(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below.max(1)
    }
}
