//! Finds the fragments by walking from box to box, for inputs without an index that can be used. Reads every `moof`.

use super::{Fragment, TrackHead};
use crate::{
    limits,
    sample::{FragmentTable, cost, parse_moof},
    unsuitable::{Result, Unsuitable},
    wire::{BoxHeader, Step, index, length},
};

/// The walk so far.
#[derive(Debug, Default)]
pub(super) struct Walk {
    pub(super) fragments: Vec<Fragment>,
    /// Bytes that the sample tables will cost.
    pub(super) cost: u64,
    /// The fragment that has begun.
    open: Option<Open>,
    boxes: u32,
    samples: u64,
}

#[derive(Debug)]
struct Open {
    start: u64,
    /// Time, duration and first sample, once its `moof` was seen.
    moof: Option<(u64, u64, bool)>,
    /// An `mdat` was seen.
    media: bool,
}

impl Walk {
    /// Looks at the box at `at`; `end` is where the file ends. `Done` stands for the end of the media.
    pub(super) fn step(&mut self, track: &TrackHead, at: u64, end: u64, bytes: &[u8]) -> Result<Step> {
        if at == end {
            self.close(at)?;
            return Ok(Step::Done);
        }
        let Some(head) = BoxHeader::parse(bytes)? else {
            return Ok(Step::More(if length(bytes) < 8 { 8 } else { BoxHeader::MAX }));
        };
        let next = head.size.map_or(Some(end), |size| at.checked_add(size)).filter(|next| *next <= end);
        let next = next.ok_or(Unsuitable::Sizes("a box ends after the file"))?;
        if head.kind == *b"moof" && length(bytes) < next - at {
            return if next - at > limits::MAX_MOOF {
                Err(Unsuitable::OverCap("moof"))
            } else {
                Ok(Step::More(next - at))
            };
        }
        self.boxes += 1;
        if self.boxes > limits::MAX_MEDIA_BOXES {
            return Err(Unsuitable::OverCap("boxes"));
        }
        match &head.kind {
            b"moof" => self.moof(track, at, bytes.get(index(head.header)..).unwrap_or_default())?,
            b"mdat" => match &mut self.open {
                Some(open @ Open { moof: Some(_), .. }) => open.media = true,
                _ => return Err(Unsuitable::Sizes("an mdat without moof")),
            },
            b"moov" => return Err(Unsuitable::Sizes("a second moov")),
            b"mfra" => self.close(at)?,
            _ => self.begin(at)?,
        }
        Ok(Step::Goto(next))
    }

    /// Whatever stands before a `moof` belongs to it.
    fn begin(&mut self, at: u64) -> Result<()> {
        if self.open.as_ref().is_none_or(|open| open.media) {
            self.close(at)?;
            self.open = Some(Open { start: at, moof: None, media: false });
        }
        Ok(())
    }

    fn moof(&mut self, track: &TrackHead, at: u64, body: &[u8]) -> Result<()> {
        self.begin(at)?;
        let mut table = FragmentTable::default();
        parse_moof(track, at, body, &mut table)?;
        self.samples += u64::try_from(table.samples.len()).unwrap_or(u64::MAX);
        if self.samples > limits::MAX_SAMPLES {
            return Err(Unsuitable::OverCap("samples"));
        }
        self.cost = self.cost.saturating_add(cost(track.kind, &table).total());
        let sync = table.samples.first().is_some_and(|sample| sample.is_sync());
        let Some(open) = &mut self.open else { return Ok(()) };
        let first = table.chunks.first().map_or(0, |chunk| chunk.time);
        let (time, before, sync) = open.moof.unwrap_or((first, 0, sync));
        open.moof = Some((time, before + table.duration(), sync));
        Ok(())
    }

    /// Ends the open fragment before `at`. What has no `moof` is no fragment: the last boxes of a file.
    fn close(&mut self, at: u64) -> Result<()> {
        let Some(Open { start, moof: Some((time, duration, sync)), .. }) = self.open.take() else { return Ok(()) };
        if at - start > limits::MAX_FRAGMENT || self.fragments.len() >= limits::MAX_FRAGMENTS {
            return Err(Unsuitable::OverCap("fragments"));
        }
        if self.fragments.last().is_some_and(|last| last.time > time) {
            return Err(Unsuitable::Backwards);
        }
        self.fragments.push(Fragment { start, end: at, time, duration, sync });
        Ok(())
    }
}
