//! The samples of both inputs, collected fragment by fragment in any order.

use std::ops::Range;

use super::{
    FragmentTable, Scan, cost,
    pack::{number, pack, read, unpack},
};
use crate::{
    Layout, Pair, Track, limits,
    unsuitable::{Result, Unsuitable},
    wire::length,
};

/// What the sample tables at an output's end (or front) are made of. Feed it the inputs as they [`pass`](Tables::pass),
/// or scan what is [`missing`](Tables::missing).
#[derive(Debug)]
pub struct Tables {
    pair: Pair,
    video: One,
    audio: One,
    /// Bytes that may be spent, once a plan reserved them.
    room: u64,
}

#[derive(Debug)]
struct One {
    known: Vec<Option<Box<FragmentTable>>>,
    scan: Option<Scan>,
    cost: u64,
    samples: u64,
}

impl Tables {
    /// Knows nothing yet.
    pub fn new(pair: &Pair) -> Self {
        let one = |track| {
            let known = vec![None; pair.header(track).fragments().len()];
            One { known, scan: None, cost: 0, samples: 0 }
        };
        Self { pair: pair.clone(), video: one(Track::Video), audio: one(Track::Audio), room: limits::MAX_TABLES }
    }

    /// The fragments that have to be scanned before a plan of this layout can be made.
    pub fn needs(&self, layout: Layout) -> Vec<(Track, usize)> {
        let missing = Track::BOTH.into_iter().flat_map(|track| self.missing(track).map(move |index| (track, index)));
        match layout {
            Layout::Hybrid => missing.filter(|(_, index)| *index == 0).collect(),
            Layout::Faststart => missing.collect(),
            Layout::Fragmented => Vec::new(),
        }
    }

    /// The fragments of an input that are not known yet.
    pub fn missing(&self, track: Track) -> impl Iterator<Item = usize> {
        let known = self.one(track).known.iter().enumerate();
        known.filter(|(_, table)| table.is_none()).map(|(index, _)| index)
    }

    /// Takes the result of a scan.
    pub fn insert(&mut self, track: Track, index: usize, table: FragmentTable) -> Result<()> {
        let kind = self.pair.header(track).kind();
        let (room, cost) = (self.room, cost(kind, &table).total());
        let samples = u64::try_from(table.samples.len()).unwrap_or(u64::MAX);
        let spent = self.video.cost + self.audio.cost;
        let one = self.one_mut(track);
        let Some(place @ None) = one.known.get_mut(index) else { return Ok(()) };
        if one.samples + samples > limits::MAX_SAMPLES {
            return Err(Unsuitable::OverCap("samples"));
        }
        if spent + cost > room {
            return Err(Unsuitable::Reserve { needed: spent + cost, reserve: room });
        }
        *place = Some(Box::new(table));
        one.samples += samples;
        one.cost += cost;
        Ok(())
    }

    /// Sees bytes of an input on their way, of which the first is at `offset`. A fragment that is not seen from its first
    /// byte on stays missing. Returns the fragments that became known.
    pub fn pass(&mut self, track: Track, offset: u64, data: &[u8]) -> Result<Range<usize>> {
        let header = self.pair.header(track).clone();
        let end = offset.saturating_add(length(data));
        let first = header.fragments().partition_point(|fragment| fragment.end <= offset);
        let mut known = first..first;
        for (index, fragment) in header.fragments().iter().enumerate().skip(first) {
            if fragment.start >= end {
                break;
            }
            let one = self.one_mut(track);
            let missing = one.known.get(index).is_some_and(Option::is_none);
            if missing && fragment.start >= offset {
                one.scan = Scan::new(&header, index);
            }
            let Some(mut scan) = one.scan.take_if(|scan| scan.index() == index) else { continue };
            scan.feed(offset, data)?;
            if scan.wants().is_some() {
                one.scan = Some(scan);
            } else if let Some(table) = scan.finish() {
                self.insert(track, index, table)?;
                known.end = index + 1;
            }
        }
        Ok(known)
    }

    /// The samples of a fragment, if they are known.
    pub fn get(&self, track: Track, index: usize) -> Option<&FragmentTable> {
        self.one(track).known.get(index)?.as_deref()
    }

    /// Appends a range of known fragments to `out`: call it for what [`Tables::pass`] returned, and the log of all calls is
    /// what [`Tables::restore`] reads. About six bytes per sample.
    pub fn save(&self, track: Track, range: Range<usize>, out: &mut Vec<u8>) {
        for index in range.start..range.end.min(self.one(track).known.len()) {
            if let Some(table) = self.get(track, index) {
                out.push(if track == Track::Video { 1 } else { 2 });
                number(out, u64::try_from(index).unwrap_or(u64::MAX));
                pack(table, out);
            }
        }
    }

    /// Takes what was saved of the same pair. A wrong log is refused where it shows; compare the plan's fingerprint first.
    pub fn restore(&mut self, mut saved: &[u8]) -> Result<()> {
        while let Some((tag, rest)) = saved.split_first() {
            saved = rest;
            let track = match tag {
                1 => Track::Video,
                2 => Track::Audio,
                _ => return Err(Unsuitable::Saved),
            };
            let index = usize::try_from(read(&mut saved)?).map_err(|_| Unsuitable::Saved)?;
            let table = unpack(&mut saved)?;
            let range = self.pair.header(track).range(index).ok_or(Unsuitable::Saved)?;
            let inside =
                |(start, end): (u64, Option<u64>)| start >= range.start && end.is_some_and(|end| end <= range.end);
            if !table.extents().all(inside) {
                return Err(Unsuitable::Saved);
            }
            self.insert(track, index, table)?;
        }
        Ok(())
    }

    /// From now on the tables may cost so much.
    pub(crate) fn set_room(&mut self, room: u64) -> Result<()> {
        self.room = room;
        let needed = self.cost();
        if needed > room { Err(Unsuitable::Reserve { needed, reserve: room }) } else { Ok(()) }
    }

    /// The most bytes that the tables of all known fragments take.
    pub(crate) fn cost(&self) -> u64 {
        self.video.cost + self.audio.cost
    }

    fn one(&self, track: Track) -> &One {
        match track {
            Track::Video => &self.video,
            Track::Audio => &self.audio,
        }
    }

    fn one_mut(&mut self, track: Track) -> &mut One {
        match track {
            Track::Video => &mut self.video,
            Track::Audio => &mut self.audio,
        }
    }
}
