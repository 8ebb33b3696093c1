//! Makes one cluster of the clusters of a group, while the pictures pass: no byte more, no byte less.

mod element;
mod opening;

use std::ops::Range;

use bytes::Bytes;

use super::{Cluster as Named, sound::Sound};
use crate::{
    Track, limits,
    unsuitable::{Result, Unsuitable},
    wire::{index, length},
};

/// What a group takes from one input.
#[derive(Debug, Clone)]
pub(super) struct Source {
    pub(super) range: Range<u64>,
    /// The clusters that the cues name.
    pub(super) clusters: Vec<Named>,
    /// The track, as blocks tell it.
    pub(super) number: u8,
}

/// A part of a group that is being put together. Feed it what it [`wants`](Join::wants): the group's sound, which is kept in
/// memory, then its pictures, which pass. A part in the middle of a group needs the pictures from the group's start.
#[derive(Debug)]
pub struct Join {
    video: Source,
    audio: Source,
    /// What is given out, from the start of the group.
    part: Range<u64>,
    /// Bytes of the whole group, and of what was made of it so far.
    size: u64,
    made: u64,
    stage: Stage,
    /// The place in the pictures.
    at: u64,
    /// Up to here bytes pass as they are.
    passes: u64,
    buffer: Vec<u8>,
    need: u64,
    /// The time of the cluster that is made.
    time: i64,
    cluster: Option<Cluster>,
    /// Where the block group that has begun ends.
    block_group: Option<u64>,
}

#[derive(Debug)]
enum Stage {
    /// The sound arrives.
    Sound(Vec<u8>),
    /// The sound is there, the first picture's cluster has not told its time yet.
    Opening(Sound),
    /// Pictures pass; without any sound their clusters keep their headers.
    Open(Waiting),
    Done,
}

/// The sound that waits for its pictures.
#[derive(Debug, Default)]
struct Waiting {
    bytes: Bytes,
    /// After each block's time where it ends.
    blocks: Vec<(i64, usize)>,
    next: usize,
}

/// Whether the buffer was enough; if not, how many bytes are.
type Enough = std::result::Result<(), u64>;

/// The picture's cluster that has begun.
#[derive(Debug)]
struct Cluster {
    end: u64,
    time: Option<i64>,
    /// What the cue tells of it, if it names it.
    cue: Option<u64>,
}

impl Join {
    pub(super) fn new(video: Source, audio: Source, part: Range<u64>) -> Self {
        let at = video.range.start;
        let size = video.range.end - video.range.start + audio.range.end - audio.range.start;
        Self {
            video,
            audio,
            part,
            size,
            made: 0,
            stage: Stage::Sound(Vec::new()),
            at,
            passes: at,
            buffer: Vec::new(),
            need: 1,
            time: 0,
            cluster: None,
            block_group: None,
        }
    }

    /// How many bytes come out in all.
    pub fn len(&self) -> u64 {
        self.part.end - self.part.start
    }

    /// Never: a piece is not empty.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Where everything lies that the group is made of. A part that ends before the group wants less of the pictures.
    pub fn range(&self, track: Track) -> Range<u64> {
        self.source(track).range.clone()
    }

    /// The bytes that are needed next; `None` when all was given out. Never past the group.
    pub fn wants(&self) -> Option<(Track, Range<u64>)> {
        match &self.stage {
            Stage::Done => None,
            Stage::Sound(bytes) if self.audio.range.start + length(bytes) < self.audio.range.end => {
                Some((Track::Audio, self.audio.range.start + length(bytes)..self.audio.range.end))
            }
            _ => {
                let start = self.at + length(&self.buffer);
                // Once the cluster is open, every byte of a picture is one of the output.
                let left = self.part.end.saturating_sub(self.made) + limits::READ_AHEAD;
                Some((Track::Video, start..self.video.range.end.min(start + left)))
            }
        }
    }

    /// Takes bytes of an input, of which the first is at `offset`, and appends what comes out to `out`. Bytes that are not
    /// needed, or not yet, are ignored.
    pub fn push(&mut self, track: Track, offset: u64, data: &Bytes, out: &mut Vec<Bytes>) -> Result<()> {
        let pushed = match track {
            Track::Audio => self.push_sound(offset, data, out),
            Track::Video => self.push_pictures(offset, data, out),
        };
        if pushed.is_ok() && self.made >= self.part.end {
            self.stage = Stage::Done;
        }
        pushed
    }

    fn source(&self, track: Track) -> &Source {
        match track {
            Track::Video => &self.video,
            Track::Audio => &self.audio,
        }
    }

    fn push_sound(&mut self, offset: u64, data: &Bytes, out: &mut Vec<Bytes>) -> Result<()> {
        let Stage::Sound(bytes) = &mut self.stage else { return Ok(()) };
        let range = &self.audio.range;
        let have = range.start + length(bytes);
        let Some(rest) = have.checked_sub(offset).and_then(|skip| data.get(index(skip)..)) else { return Ok(()) };
        bytes.reserve_exact(index(range.end - have));
        bytes.extend_from_slice(rest.get(..index(range.end - have)).unwrap_or(rest));
        if range.start + length(bytes) < range.end {
            return Ok(());
        }
        self.stage = Stage::Opening(Sound::parse(std::mem::take(bytes), &self.audio)?);
        if self.video.range.is_empty() {
            self.open(0, None, out)?;
            self.finish(out)?;
        }
        Ok(())
    }

    fn push_pictures(&mut self, offset: u64, data: &Bytes, out: &mut Vec<Bytes>) -> Result<()> {
        if self.audio.range.is_empty() && matches!(self.stage, Stage::Sound(_)) {
            self.stage = Stage::Open(Waiting::default());
        }
        while matches!(self.stage, Stage::Opening(_) | Stage::Open(_)) && self.made < self.part.end {
            let have = self.at + length(&self.buffer);
            if self.at < self.passes {
                let until = offset.saturating_add(length(data)).min(self.passes);
                if offset > have || until <= have {
                    return Ok(());
                }
                self.give(&data.slice(index(have - offset)..index(until - offset)), out);
                self.at = until;
                self.settle(out)?;
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
            let more = if matches!(self.stage, Stage::Opening(_)) { self.opening(out)? } else { self.element(out)? };
            if let Err(more) = more {
                self.more(more)?;
            }
        }
        Ok(())
    }

    /// What is in the buffer is not enough: `count` bytes are.
    fn more(&mut self, count: u64) -> Result<()> {
        if self.at.checked_add(count).is_none_or(|end| end > self.parent()) {
            return Err(Unsuitable::Sizes("an element ends after its parent"));
        }
        if count > limits::MAX_PENDING {
            return Err(Unsuitable::OverCap("what precedes a time"));
        }
        self.need = count;
        Ok(())
    }

    /// Where the innermost element that has begun ends.
    fn parent(&self) -> u64 {
        let cluster = self.cluster.as_ref().map(|cluster| cluster.end);
        self.block_group.or(cluster).unwrap_or_else(|| self.named().map_or(self.at, |named| named.end))
    }

    /// The cluster that the cues name, where the pictures are or before.
    fn named(&self) -> Option<&Named> {
        let number = self.video.clusters.partition_point(|named| named.end <= self.at);
        self.video.clusters.get(number)
    }

    /// The cluster that the cues name right here.
    fn named_here(&self) -> Option<&Named> {
        self.named().filter(|named| named.start == self.at)
    }

    /// Gives out the buffer, which has as many bytes as it had in the input; then bytes pass up to `end`.
    fn made_of_buffer(&mut self, end: u64, out: &mut Vec<Bytes>) -> Result<Enough> {
        let made = Bytes::from(std::mem::take(&mut self.buffer));
        self.at += length(&made);
        self.passes = end;
        self.give(&made, out);
        self.settle(out)?;
        Ok(Ok(()))
    }

    /// Leaves what has ended, and expects an element where nothing passes.
    fn settle(&mut self, out: &mut Vec<Bytes>) -> Result<()> {
        if self.at < self.passes {
            return Ok(());
        }
        self.need = 1;
        self.block_group = self.block_group.filter(|end| self.at < *end);
        self.cluster = self.cluster.take().filter(|cluster| self.at < cluster.end);
        if self.at == self.video.range.end { self.finish(out) } else { Ok(()) }
    }

    /// The rest of the sound, and the proof that the group has its size.
    fn finish(&mut self, out: &mut Vec<Bytes>) -> Result<()> {
        self.sound_before(None, out);
        self.stage = Stage::Done;
        if self.made == self.size { Ok(()) } else { Err(Unsuitable::Sizes("a group")) }
    }

    /// Gives out the blocks of sound that are before `time`, or all.
    fn sound_before(&mut self, time: Option<i64>, out: &mut Vec<Bytes>) {
        let Stage::Open(waiting) = &mut self.stage else { return };
        let ends = |at: usize| at.checked_sub(1).and_then(|last| waiting.blocks.get(last)).map_or(0, |block| block.1);
        let start = ends(waiting.next);
        let rest = waiting.blocks.get(waiting.next..).unwrap_or_default();
        let next = waiting.next + rest.iter().take_while(|block| time.is_none_or(|time| block.0 < time)).count();
        let end = ends(next);
        waiting.next = next;
        let bytes = waiting.bytes.slice(start..end);
        self.give(&bytes, out);
    }

    /// Gives out what of `bytes` lies in the part.
    fn give(&mut self, bytes: &Bytes, out: &mut Vec<Bytes>) {
        let (start, end) = (self.made, self.made + length(bytes));
        let (from, to) = (self.part.start.max(start), self.part.end.min(end));
        if from < to {
            out.push(bytes.slice(index(from - start)..index(to - start)));
        }
        self.made = end;
    }
}
