//! Changes a fragment while it passes: track ids, sequence numbers, absolute offsets. No byte more, no byte less.

use std::ops::Range;

use bytes::Bytes;

use crate::{
    Track, limits,
    unsuitable::{Result, Unsuitable},
    wire::{BoxHeader, child, index, length},
};

/// The sequence numbers that one fragment may use: they must grow, not be without gaps.
const NUMBERS: usize = 1024;

/// A part of a fragment that is being patched. Feed it what it [`wants`](Patcher::wants): where the part begins in the
/// middle of a fragment, that is the headers before it, not the media between them.
#[derive(Debug)]
pub struct Patcher {
    track: Track,
    /// The next `moof`'s number.
    sequence: u32,
    /// From a place in the input to the same in the output.
    moves: u64,
    at: u64,
    end: u64,
    /// What is given out.
    part: Range<u64>,
    /// Up to here bytes pass as they are.
    passes: u64,
    buffer: Vec<u8>,
    need: u64,
}

impl Patcher {
    pub(super) fn new(track: Track, number: usize, fragment: Range<u64>, output: u64, part: Range<u64>) -> Self {
        let sequence = u32::try_from(number.saturating_mul(NUMBERS) + 1).unwrap_or(u32::MAX);
        let Range { start: at, end } = fragment;
        let moves = output.wrapping_sub(at);
        let need = 8.min(end - at);
        Self { track, sequence, moves, at, end, part, passes: at, buffer: Vec::new(), need }
    }

    /// The input.
    pub fn track(&self) -> Track {
        self.track
    }

    /// Where in the input the fragment ends: nothing past it is ever wanted.
    pub fn input_end(&self) -> u64 {
        self.end
    }

    /// How many bytes come out in all.
    pub fn len(&self) -> u64 {
        self.part.end - self.part.start
    }

    /// Never: a piece is not empty.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes of the input that are needed next; `None` when all was given out. Never past what a moof's header tells, so
    /// that a stream can be cut there.
    pub fn wants(&self) -> Option<Range<u64>> {
        if self.at >= self.part.end {
            return None;
        }
        if self.at < self.passes {
            return Some(self.at..self.passes.min(self.part.end));
        }
        let start = self.at + length(&self.buffer);
        Some(start..(self.at + self.need).max(start + limits::READ_AHEAD).min(self.end))
    }

    /// Takes bytes of the input, of which the first is at `offset`, and appends what comes out to `out`. Bytes that are not
    /// needed, or not yet, are ignored.
    pub fn push(&mut self, offset: u64, data: &Bytes, out: &mut Vec<Bytes>) -> Result<()> {
        while self.at < self.part.end {
            let have = self.at + length(&self.buffer);
            if self.at < self.passes {
                let until = offset.saturating_add(length(data)).min(self.passes);
                if offset > have || until <= have {
                    return Ok(());
                }
                self.give(&data.slice(index(have - offset)..index(until - offset)), out);
                self.settle();
                continue;
            }
            let missing = (self.at + self.need).saturating_sub(have);
            if missing > 0 {
                let Some(rest) = have.checked_sub(offset).and_then(|skip| data.get(index(skip)..)) else {
                    return Ok(());
                };
                let taken = rest.get(..index(missing)).unwrap_or(rest);
                self.buffer.extend_from_slice(taken);
                if length(taken) < missing {
                    return Ok(());
                }
            }
            self.header(out)?;
        }
        Ok(())
    }

    /// Looks at the box whose first bytes are in the buffer.
    fn header(&mut self, out: &mut Vec<Bytes>) -> Result<()> {
        let outside = Unsuitable::Sizes("a box ends after its parent");
        let have = length(&self.buffer);
        let Some(head) = BoxHeader::parse(&self.buffer)? else {
            return self.more(if have < 8 { 8 } else { BoxHeader::MAX });
        };
        let size = head.size.unwrap_or(self.end - self.at);
        let end = self.at.checked_add(size).filter(|end| *end <= self.end).ok_or(outside)?;
        match &head.kind {
            b"moof" if size > limits::MAX_MOOF => return Err(Unsuitable::OverCap("moof")),
            b"moof" if have < size => return self.more(size),
            b"moof" => {
                self.moof(index(head.header))?;
                self.sequence = self.sequence.saturating_add(1);
            }
            b"mdat" => {
                if head.size.is_none() {
                    // "Up to the end of the file" is no longer true.
                    let size = u32::try_from(size).map_err(|_| Unsuitable::OverCap("mdat"))?;
                    put(&mut self.buffer, 0, &size.to_be_bytes());
                }
            }
            // Indexes, times and events of the input: their offsets and ids mean nothing in the output.
            _ => put(&mut self.buffer, 4, b"free"),
        }
        if head.kind != *b"mdat" && head.size.is_none() {
            return Err(Unsuitable::Sizes("a box without end"));
        }
        let made = Bytes::from(std::mem::take(&mut self.buffer));
        self.passes = end;
        self.give(&made, out);
        self.settle();
        Ok(())
    }

    fn more(&mut self, count: u64) -> Result<()> {
        if count <= self.need || self.at.saturating_add(count) > self.end {
            return Err(Unsuitable::Sizes("a box ends after its parent"));
        }
        self.need = count;
        Ok(())
    }

    /// Gives out what of `bytes`, which stand at `at`, lies in the part.
    fn give(&mut self, bytes: &Bytes, out: &mut Vec<Bytes>) {
        let (start, end) = (self.at, self.at + length(bytes));
        let (from, to) = (self.part.start.max(start), self.part.end.min(end));
        if from < to {
            out.push(bytes.slice(index(from - start)..index(to - start)));
        }
        self.at = end;
    }

    /// Skips media that is not asked for, and expects a header where a box has ended.
    fn settle(&mut self) {
        if self.at < self.passes {
            self.at = self.at.max(self.part.start.min(self.passes));
        }
        if self.at == self.passes {
            self.need = 8.min(self.end - self.at);
        }
    }

    fn moof(&mut self, header: usize) -> Result<()> {
        let places = Places::find(self.buffer.get(header..).unwrap_or_default())?;
        if let Some(place) = places.sequence {
            put(&mut self.buffer, header + place, &self.sequence.to_be_bytes());
        }
        put(&mut self.buffer, header + places.id, &self.track.id().to_be_bytes());
        if let Some((place, old)) = places.base {
            put(&mut self.buffer, header + place, &old.wrapping_add(self.moves).to_be_bytes());
        }
        Ok(())
    }
}

/// Where in a moof's body something changes.
struct Places {
    sequence: Option<usize>,
    id: usize,
    base: Option<(usize, u64)>,
}

impl Places {
    fn find(body: &[u8]) -> Result<Self> {
        let malformed = Unsuitable::Malformed("tfhd");
        let sequence = child(body, b"mfhd", "mfhd")?.filter(|mfhd| mfhd.body.len() >= 8).map(|mfhd| mfhd.body_at + 4);
        let traf = child(body, b"traf", "traf")?.ok_or(Unsuitable::Malformed("moof"))?;
        let tfhd = child(traf.body, b"tfhd", "tfhd")?.ok_or(malformed.clone())?;
        let start = traf.body_at + tfhd.body_at;
        let (Some(flags), Some(_)) = (tfhd.body.get(3), tfhd.body.get(7)) else { return Err(malformed) };
        let base = if flags & 1 == 0 {
            None
        } else {
            let old = tfhd.body.get(8..).and_then(|rest| rest.first_chunk::<8>()).ok_or(malformed)?;
            Some((start + 8, u64::from_be_bytes(*old)))
        };
        Ok(Self { sequence, id: start + 4, base })
    }
}

/// Overwrites bytes that are there.
pub(super) fn put(bytes: &mut [u8], at: usize, new: &[u8]) {
    if let Some(place) = bytes.get_mut(at..at + new.len()) {
        place.copy_from_slice(new);
    }
}
