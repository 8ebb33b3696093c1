//! `ftyp`: which players may try.

use crate::{Layout, Pair, Track, wire::Writer};

/// The first box of an output.
pub(crate) fn ftyp(layout: Layout, pair: &Pair) -> Vec<u8> {
    let mut w = Writer::default();
    w.boxed(b"ftyp", |w| {
        match layout {
            Layout::Hybrid | Layout::Faststart => w.raw(b"isom\0\0\x02\0isomiso2"),
            Layout::Fragmented => w.raw(b"iso5\0\0\x02\0isomiso5iso6"),
        }
        match &pair.header(Track::Video).track().codec {
            b"avc1" | b"avc3" => w.raw(b"avc1"),
            b"av01" => w.raw(b"av01"),
            _ => {}
        }
        w.raw(b"mp41");
    });
    w.bytes
}
