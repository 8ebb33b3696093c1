//! Any range of an output, as pieces of what it is made from.

use std::ops::Range;

use bytes::Bytes;

use super::{Layout, Patcher, Plan, Tail};
use crate::{Track, order::Segment, wire::index};

/// Where some bytes of an output come from.
#[derive(Debug)]
pub enum Piece {
    /// These bytes.
    Bytes(Bytes),
    /// Bytes of an input, as they are.
    Copy {
        /// Which input.
        track: Track,
        /// Which bytes of it.
        range: Range<u64>,
    },
    /// Bytes of a fragment with small changes: [`Layout::Fragmented`] only.
    Patched(Patcher),
    /// This part of [`Plan::tail`]: [`Layout::Hybrid`] only.
    Tail(Range<usize>),
}

impl Plan {
    /// The pieces of a range of the output, in order. Bytes past the end are left out.
    pub fn read(&self, range: Range<u64>) -> Pieces<'_> {
        Pieces { plan: self, at: range.start, end: range.end.min(self.len()) }
    }

    fn segment(&self, offset: u64) -> Option<(usize, &Segment)> {
        let number = self.segments.partition_point(|segment| segment.offset + segment.size <= offset);
        Some((number, self.segments.get(number)?))
    }
}

/// What [`Plan::read`] gives.
#[derive(Debug)]
pub struct Pieces<'a> {
    plan: &'a Plan,
    at: u64,
    end: u64,
}

impl Iterator for Pieces<'_> {
    type Item = Piece;

    fn next(&mut self) -> Option<Piece> {
        let Self { plan, at, end } = *self;
        if at >= end {
            return None;
        }
        let (media, tail) = (plan.media_start(), plan.media_end());
        if at < media {
            self.at = end.min(media);
            return Some(Piece::Bytes(plan.head.slice(index(at)..index(self.at))));
        }
        if at >= tail {
            self.at = end;
            let range = index(at - tail)..index(end - tail);
            return Some(match &plan.tail {
                Tail::Made(bytes) => Piece::Bytes(bytes.slice(range)),
                Tail::Reserved(_) => Piece::Tail(range),
            });
        }
        let (number, segment) = plan.segment(at - media)?;
        let begins = media + segment.offset;
        self.at = end.min(begins + segment.size);
        let fragment = plan.pair.header(segment.track).range(segment.index)?;
        let range = fragment.start + (at - begins)..fragment.start + (self.at - begins);
        let track = segment.track;
        Some(match plan.layout {
            Layout::Hybrid | Layout::Faststart => Piece::Copy { track, range },
            Layout::Fragmented => Piece::Patched(Patcher::new(track, number, fragment, begins, range)),
        })
    }
}
