//! How many bytes are reserved for sample tables that nobody knows yet.

use super::Hint;
use crate::{
    Kind, Pair, Tables, Track, limits,
    sample::cost,
    unsuitable::{Result, Unsuitable},
    wire::length,
    write::{Offsets, SampleTable, with_tables},
};

/// What the tail may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reserve {
    /// The whole tail.
    pub(super) bytes: u64,
    /// The part of it that grows with the samples.
    pub(super) tables: u64,
}

/// 64-bit versions of boxes, edit lists, headers of tables, and the header of the padding.
const SLACK: u64 = 1024;
/// A table entry of a picture: its size and its shift.
const PICTURE: u128 = 12;
/// Pictures per second that are always reserved for.
const RATE: u128 = 61;

/// Goes by what both first fragments cost and how long they last, and adds a quarter.
pub(super) fn reserve(pair: &Pair, tables: &Tables, hint: Hint) -> Result<Reserve> {
    let empty = [SampleTable::default(), SampleTable::default()];
    let fixed = length(&with_tables(pair, &empty, Offsets { media: 0, wide: true })) + SLACK;
    let [video, audio] = Track::BOTH.map(|track| estimate(pair, tables, track, hint));
    let room = video?.saturating_add(audio?);
    if room > limits::MAX_TABLES {
        return Err(Unsuitable::OverCap("sample tables"));
    }
    Ok(Reserve { bytes: fixed + room, tables: room })
}

fn estimate(pair: &Pair, tables: &Tables, track: Track, hint: Hint) -> Result<u64> {
    let header = pair.header(track);
    // Asked for even where the walk knows better: every plan of a pair has the same needs.
    let first = tables.get(track, 0).ok_or(Unsuitable::TablesMissing)?;
    if let Some(exact) = header.walked() {
        return Ok(exact);
    }
    let lasts = u128::from(first.duration());
    if lasts == 0 {
        return Err(Unsuitable::Sizes("the first fragment lasts no time"));
    }
    let (total, timescale) = (u128::from(header.duration()), u128::from(header.timescale()));
    let cost = cost(header.kind(), first);
    let mut samples = (u128::from(cost.samples) * total * 5).div_ceil(lasts * 4);
    if header.kind() == Kind::Video {
        let hinted = hint.frames_per_second.map_or(0, |rate| u128::from(rate) * 5 / 4);
        samples = samples.max((total * PICTURE * hinted.max(RATE)).div_ceil(timescale));
    }
    let fragments = u128::try_from(header.fragments().len()).unwrap_or(u128::MAX);
    let chunks = (u128::from(cost.chunks) * fragments * 5).div_ceil(4);
    u64::try_from(samples + chunks).map(|bytes| bytes + SLACK).map_err(|_| Unsuitable::OverCap("sample tables"))
}
