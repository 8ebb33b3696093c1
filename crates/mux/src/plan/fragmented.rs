//! The layout that stays fragmented: what stands around the patched fragments.

use super::{Layout, trak};
use crate::{
    Fragment, Pair, Track,
    order::Segment,
    unsuitable::{Result, Unsuitable},
    wire::{Writer, length},
    write::{Edits, common_clock, ftyp, mvhd},
};

/// References that one `sidx` can count.
const REFERENCES: usize = 65_535;
/// "Begins with a sample that needs no other, and nothing after it needs what is before."
const SYNC: u32 = 0x9000_0000;

/// What comes before the media, and what after it.
pub(super) fn around(pair: &Pair, segments: &[Segment], media: u64) -> Result<(Vec<u8>, Vec<u8>)> {
    let mut head = Writer { bytes: ftyp(Layout::Fragmented, pair) };
    moov(&mut head, pair)?;
    let places = Track::BOTH.map(|track| places(pair, segments, track));
    let [video, audio] = &places;
    // The second index stands between the first and the media.
    let second = sidx(Track::Audio, pair, audio, media, 0)?;
    head.raw(&sidx(Track::Video, pair, video, media, length(&second))?);
    head.raw(&second);
    let start = length(&head.bytes);
    let mut tail = Writer::default();
    tail.boxed(b"mfra", |w| {
        tfra(w, Track::Video, video, start);
        tfra(w, Track::Audio, audio, start);
        let size = u32::try_from(w.bytes.len() + 16).unwrap_or(u32::MAX);
        w.full(b"mfro", 0, 0, |w| w.u32(size));
    });
    Ok((head.bytes, tail.bytes))
}

fn moov(w: &mut Writer, pair: &Pair) -> Result<()> {
    let [video, audio] = Track::BOTH.map(|track| pair.header(track).track());
    let clock = common_clock(video.movie_timescale, audio.movie_timescale);
    let traks = [trak::patched(video, Track::Video, clock)?, trak::patched(audio, Track::Audio, clock)?];
    let lasts = Track::BOTH.map(|track| {
        let header = pair.header(track);
        let first = header.fragments().first().map_or(0, |fragment| fragment.time);
        Edits::new(header.track(), first).shown(clock, header.duration())
    });
    w.boxed(b"moov", |w| {
        mvhd(w, clock, 0);
        traks.iter().for_each(|trak| w.raw(trak));
        w.boxed(b"mvex", |w| {
            w.full(b"mehd", 1, 0, |w| w.u64(lasts.into_iter().max().unwrap_or_default()));
            w.raw(&trak::trex(video, Track::Video));
            w.raw(&trak::trex(audio, Track::Audio));
        });
    });
    Ok(())
}

/// The fragments of one track, with their places from the start of the media.
fn places(pair: &Pair, segments: &[Segment], track: Track) -> Vec<(Fragment, u64)> {
    let fragments = pair.header(track).fragments();
    let own = segments.iter().filter(|segment| segment.track == track);
    own.filter_map(|segment| fragments.get(segment.index).map(|fragment| (*fragment, segment.offset))).collect()
}

/// An index whose references reach from fragment to fragment of the track, over the other's, up to the end of the media:
/// players expect references without gaps.
fn sidx(track: Track, pair: &Pair, places: &[(Fragment, u64)], media: u64, between: u64) -> Result<Vec<u8>> {
    let malformed = || Unsuitable::Sizes("fragments");
    let groups: Vec<&[(Fragment, u64)]> = places.chunks(places.len().div_ceil(REFERENCES).max(1)).collect();
    let (first, offset) = *places.first().ok_or_else(malformed)?;
    let mut references = Vec::with_capacity(groups.len());
    for (number, group) in groups.iter().enumerate() {
        let (begin, start) = group.first().ok_or_else(malformed)?;
        let end = groups.get(number + 1).and_then(|next| next.first()).map_or(media, |(_, start)| *start);
        let size = u32::try_from(end - start).ok().filter(|size| size >> 31 == 0);
        let lasts = u32::try_from(group.iter().map(|(fragment, _)| fragment.duration).sum::<u64>()).ok();
        let (size, lasts) = size.zip(lasts).ok_or(Unsuitable::OverCap("reference"))?;
        references.push((size, lasts, if begin.sync { SYNC } else { 0 }));
    }
    let mut w = Writer::default();
    w.full(b"sidx", 1, 0, |w| {
        w.u32(track.id());
        w.u32(pair.header(track).timescale());
        w.u64(first.time);
        w.u64(between + offset);
        w.u16(0);
        w.u16(u16::try_from(references.len()).unwrap_or(u16::MAX));
        for (size, lasts, access) in &references {
            w.u32(*size);
            w.u32(*lasts);
            w.u32(*access);
        }
    });
    Ok(w.bytes)
}

/// Where one can begin, for players that look at the end of a file first.
fn tfra(w: &mut Writer, track: Track, places: &[(Fragment, u64)], start: u64) {
    let entries: Vec<_> = places.iter().filter(|(fragment, _)| fragment.sync).collect();
    w.full(b"tfra", 1, 0, |w| {
        w.u32(track.id());
        // Numbers of track fragment, run and sample take one byte each.
        w.u32(0);
        w.count(entries.len());
        for (fragment, offset) in entries {
            w.u64(fragment.time);
            w.u64(start + offset);
            w.raw(&[1, 1, 1]);
        }
    });
}
