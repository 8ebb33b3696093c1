//! A `trak` of an input, changed in place for an output with other ids and another clock.

use super::patch::put;
use crate::{
    Track,
    head::TrackHead,
    unsuitable::{Result, Unsuitable},
    wire::{Child, FourCc, child, children},
    write::units,
};

/// `trak` with its header. Durations become zero: the fragments tell them.
pub(super) fn patched(track: &TrackHead, id: Track, movie: u32) -> Result<Vec<u8>> {
    let mut bytes = track.trak.clone();
    let header = child(&track.trak, b"trak", "trak")?.ok_or(Unsuitable::Malformed("trak"))?;
    for found in children(header.body, "trak") {
        let found = found?;
        let at = header.body_at + found.body_at;
        match &found.kind {
            b"tkhd" => {
                let wide = wide(&found);
                put(&mut bytes, at + if wide { 20 } else { 12 }, &id.id().to_be_bytes());
                zero(&mut bytes, at + if wide { 28 } else { 20 }, wide);
            }
            // Names tracks that are not there.
            b"tref" => put(&mut bytes, at - 4, b"free"),
            b"edts" => edits(&mut bytes, track, found.body, at, movie)?,
            b"mdia" => {
                if let Some(mdhd) = child(found.body, b"mdhd", "mdhd")? {
                    let wide = wide(&mdhd);
                    zero(&mut bytes, at + mdhd.body_at + if wide { 24 } else { 16 }, wide);
                }
            }
            _ => {}
        }
    }
    Ok(bytes)
}

/// `trex` with its header.
pub(super) fn trex(track: &TrackHead, id: Track) -> Vec<u8> {
    let mut bytes = track.trex_box.clone();
    put(&mut bytes, 12, &id.id().to_be_bytes());
    bytes
}

fn wide(found: &Child<'_>) -> bool {
    found.body.first().is_some_and(|version| *version != 0)
}

fn zero(bytes: &mut [u8], at: usize, wide: bool) {
    put(bytes, at, if wide { &[0; 8] } else { &[0; 4] });
}

/// Durations of edits are in ticks of the movie, which are others now.
fn edits(bytes: &mut [u8], track: &TrackHead, body: &[u8], at: usize, movie: u32) -> Result<()> {
    const ELST: &FourCc = b"elst";
    let Some(elst) = child(body, ELST, "elst")? else { return Ok(()) };
    let wide = wide(&elst);
    let size = if wide { 20 } else { 12 };
    for (number, entry) in elst.body.get(8..).unwrap_or_default().chunks_exact(size).enumerate() {
        let place = at + elst.body_at + 8 + number * size;
        let rescaled = |old: u64| units(old, track.movie_timescale, movie).0;
        match (wide, entry.first_chunk::<8>(), entry.first_chunk::<4>()) {
            (true, Some(old), _) => put(bytes, place, &rescaled(u64::from_be_bytes(*old)).to_be_bytes()),
            (false, _, Some(old)) => {
                let new = rescaled(u64::from(u32::from_be_bytes(*old)));
                put(bytes, place, &u32::try_from(new).map_err(|_| Unsuitable::EditList)?.to_be_bytes());
            }
            _ => {}
        }
    }
    Ok(())
}
