//! Writes one track's sample tables.

use super::SampleTable;
use crate::{head::TrackHead, wire::Writer};

/// Where the media begins in the output, and whether offsets need 64 bits.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Offsets {
    pub(crate) media: u64,
    pub(crate) wide: bool,
}

/// `stbl` with its header.
pub(super) fn write(w: &mut Writer, track: &TrackHead, table: &SampleTable, offsets: Offsets) {
    w.boxed(b"stbl", |w| {
        w.raw(&track.stsd);
        w.full(b"stts", 0, 0, |w| pairs(w, &table.durations));
        if table.lists_sync(track.kind) {
            w.full(b"stss", 0, 0, |w| {
                w.count(table.sync.len());
                table.sync.iter().for_each(|number| w.u32(*number));
            });
        }
        if table.shifts.iter().any(|(_, shift)| *shift != 0) {
            w.full(b"ctts", u8::from(table.negative_shifts), 0, |w| pairs(w, &table.shifts));
        }
        w.full(b"stsc", 0, 0, |w| {
            w.count(table.runs.len());
            for (first, samples) in &table.runs {
                w.u32(*first);
                w.u32(*samples);
                w.u32(1);
            }
        });
        w.full(b"stsz", 0, 0, |w| sizes(w, &table.sizes));
        let kind = if offsets.wide { b"co64" } else { b"stco" };
        w.full(kind, 0, 0, |w| {
            w.count(table.offsets.len());
            for offset in &table.offsets {
                w.by_version(u8::from(offsets.wide), offsets.media.saturating_add(*offset));
            }
        });
    });
}

fn pairs(w: &mut Writer, pairs: &[(u32, u32)]) {
    w.count(pairs.len());
    for (count, value) in pairs {
        w.u32(*count);
        w.u32(*value);
    }
}

fn sizes(w: &mut Writer, sizes: &[u32]) {
    match sizes {
        // Zero would mean that a table follows.
        [first, rest @ ..] if *first != 0 && rest.iter().all(|size| size == first) => {
            w.u32(*first);
            w.count(sizes.len());
        }
        _ => {
            w.u32(0);
            w.count(sizes.len());
            sizes.iter().for_each(|size| w.u32(*size));
        }
    }
}
