//! Expands a `sidx` and those it refers to into fragments.

use super::{
    Fragment,
    reference::{Pending, rescale},
    sidx::{self, Sidx},
};
use crate::{
    limits,
    unsuitable::{Result, Unsuitable},
};

/// The work that is left. An error here means that the index is of no use; the boxes themselves may still be fine.
#[derive(Debug)]
pub(super) struct Index {
    /// Ticks per second of the fragments' times.
    timescale: u32,
    /// What is still to be looked at, the next one last.
    pending: Vec<Pending>,
    fragments: Vec<Fragment>,
    /// The `sidx` boxes among the media.
    boxes: Vec<(u64, u64)>,
    first: u64,
}

impl Index {
    /// From the body of the first `sidx`, which ends at `end`.
    pub(super) fn new(body: &[u8], end: u64, timescale: u32) -> Result<Self> {
        let mut index = Self { timescale, pending: Vec::new(), fragments: Vec::new(), boxes: Vec::new(), first: 0 };
        let sidx = sidx::parse(body)?;
        index.first = end.checked_add(sidx.first_offset).ok_or(Unsuitable::Malformed("sidx"))?;
        index.push(&sidx, end, 0)?;
        Ok(index)
    }

    /// Where the first reference lies.
    pub(super) fn first(&self) -> u64 {
        self.first
    }

    /// The place of the next `sidx` to read; `None` when all is expanded.
    pub(super) fn next(&mut self) -> Result<Option<u64>> {
        while let Some(pending) = self.pending.pop() {
            if pending.index {
                let at = pending.start;
                self.pending.push(pending);
                return Ok(Some(at));
            }
            if self.fragments.len() >= limits::MAX_FRAGMENTS {
                return Err(Unsuitable::OverCap("fragments"));
            }
            self.fragments.push(pending.fragment());
        }
        Ok(None)
    }

    /// Takes the `sidx` that [`Index::next`] asked for; `start` is where it begins.
    pub(super) fn nested(&mut self, body: &[u8], start: u64, end: u64) -> Result<()> {
        let above = self.pending.pop().map_or(0, |pending| pending.depth);
        // A list of `sidx` boxes, each ending in a reference to the next, is long, not deep: nothing waits above it.
        let depth = if self.pending.is_empty() { 1 } else { above + 1 };
        let full = u32::try_from(self.boxes.len()).is_ok_and(|count| count >= limits::MAX_INDEXES);
        if depth >= limits::MAX_INDEX_DEPTH || full {
            return Err(Unsuitable::OverCap("sidx"));
        }
        self.boxes.push((start, end));
        self.push(&sidx::parse(body)?, end, depth)
    }

    fn push(&mut self, sidx: &Sidx, end: u64, depth: u8) -> Result<()> {
        let malformed = Unsuitable::Malformed("sidx");
        let mut start = end.checked_add(sidx.first_offset).ok_or(malformed.clone())?;
        let mut time = sidx.time;
        let mut found = Vec::with_capacity(sidx.references.len());
        // The room that is waited in is bounded like the fragments are.
        if self.pending.len() + self.fragments.len() + sidx.references.len() > limits::MAX_FRAGMENTS {
            return Err(Unsuitable::OverCap("fragments"));
        }
        for reference in &sidx.references {
            let end = start.checked_add(reference.size).filter(|end| *end <= limits::MAX_INPUT);
            let end = end.filter(|end| *end > start).ok_or(malformed.clone())?;
            let after = time.checked_add(reference.duration).ok_or(malformed.clone())?;
            let (from, to) =
                (rescale(time, sidx.timescale, self.timescale), rescale(after, sidx.timescale, self.timescale));
            let (time_from, time_to) = from.zip(to).ok_or(Unsuitable::OverCap("duration"))?;
            found.push(Pending {
                index: reference.index,
                depth,
                start,
                end,
                time: time_from,
                duration: time_to - time_from,
                sync: reference.sync,
            });
            (start, time) = (end, after);
        }
        self.pending.extend(found.into_iter().rev());
        Ok(())
    }

    /// The fragments, and the byte after the last, if nothing lies between them that no `sidx` covers.
    pub(super) fn finish(&mut self) -> Result<(Vec<Fragment>, u64)> {
        let mut covered = std::mem::take(&mut self.boxes);
        covered.extend(self.fragments.iter().map(|fragment| (fragment.start, fragment.end)));
        covered.sort_unstable();
        let mut end = self.first;
        for (start, next) in covered {
            if start != end {
                return Err(Unsuitable::Sizes("sidx"));
            }
            end = next;
        }
        let ordered = self.fragments.is_sorted_by(|a, b| a.end <= b.start && a.time <= b.time);
        if self.fragments.is_empty() || !ordered {
            return Err(Unsuitable::Sizes("sidx"));
        }
        Ok((std::mem::take(&mut self.fragments), end))
    }
}
