//! The layouts with one `mdat` and full sample tables.

use super::Layout;
use crate::{
    Pair, Tables, Track,
    order::Segment,
    unsuitable::{Result, Unsuitable},
    wire::{Writer, index, length},
    write::{Offsets, SampleTable, ftyp, with_tables},
};

/// `ftyp` and the header of the `mdat`, always 64 bits wide, so that its size can be anything.
pub(super) fn opening(pair: &Pair, layout: Layout, media: u64) -> Vec<u8> {
    let mut w = Writer { bytes: ftyp(layout, pair) };
    mdat(&mut w, media);
    w.bytes
}

/// `ftyp`, `moov` and the header of the `mdat`.
pub(super) fn faststart(pair: &Pair, segments: &[Segment], media: u64, tables: &Tables) -> Result<Vec<u8>> {
    let tables = collect(pair, segments, tables)?;
    let ftyp = ftyp(Layout::Faststart, pair);
    let around = length(&ftyp) + MDAT;
    let moov = |offsets| with_tables(pair, &tables, offsets);
    // The length of a moov does not depend on its offsets, only on how wide they are.
    let narrow = around + length(&moov(Offsets { media: 0, wide: false }));
    let wide = needs_wide(narrow.saturating_add(media));
    let start = if wide { around + length(&moov(Offsets { media: 0, wide })) } else { narrow };
    let mut w = Writer { bytes: ftyp };
    w.raw(&moov(Offsets { media: start, wide }));
    mdat(&mut w, media);
    Ok(w.bytes)
}

/// `moov`, and `free` up to `reserve` bytes; the media begins at `start`, the output ends at `end`.
pub(super) fn closing(
    pair: &Pair,
    segments: &[Segment],
    start: u64,
    end: u64,
    tables: &Tables,
    reserve: u64,
) -> Result<Vec<u8>> {
    let needed = tables.cost();
    let tables = collect(pair, segments, tables)?;
    let mut w = Writer { bytes: with_tables(pair, &tables, Offsets { media: start, wide: needs_wide(end) }) };
    // A box has 8 bytes at least, so the padding has them too.
    let over = Unsuitable::Reserve { needed, reserve };
    let padding = reserve.checked_sub(length(&w.bytes)).filter(|padding| *padding >= 8).ok_or(over)?;
    w.boxed(b"free", |w| w.bytes.resize(w.bytes.len() + index(padding - 8), 0));
    Ok(w.bytes)
}

const MDAT: u64 = 16;

fn mdat(w: &mut Writer, media: u64) {
    w.u32(1);
    w.raw(b"mdat");
    w.u64(media.saturating_add(MDAT));
}

fn needs_wide(end: u64) -> bool {
    end > u64::from(u32::MAX)
}

/// The sample tables of both tracks, with offsets from the start of the media.
fn collect(pair: &Pair, segments: &[Segment], tables: &Tables) -> Result<[SampleTable; 2]> {
    let mut both = [SampleTable::default(), SampleTable::default()];
    let [video, audio] = &mut both;
    for segment in segments {
        let fragment = tables.get(segment.track, segment.index).ok_or(Unsuitable::TablesMissing)?;
        let input = pair.header(segment.track).range(segment.index).ok_or(Unsuitable::Sizes("fragments"))?;
        let table = if segment.track == Track::Video { &mut *video } else { &mut *audio };
        table.push(fragment, input.start, segment.offset)?;
    }
    video.settle();
    audio.settle();
    if !video.has_samples() || !audio.has_samples() {
        return Err(Unsuitable::Sizes("a track without samples"));
    }
    Ok(both)
}
