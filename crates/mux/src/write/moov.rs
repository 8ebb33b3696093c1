//! Writes a `moov` with full sample tables.

use super::{Edits, Offsets, SampleTable, movie_timescale, stbl};
use crate::{Kind, Pair, Track, head::TrackHead, wire::Writer};

/// The unit matrix of `mvhd`.
const MATRIX: [u32; 9] = [0x0001_0000, 0, 0, 0, 0x0001_0000, 0, 0, 0, 0x4000_0000];

/// `moov` with its header; `tables` are those of picture and sound.
pub(crate) fn with_tables(pair: &Pair, tables: &[SampleTable; 2], offsets: Offsets) -> Vec<u8> {
    let [video, audio] = tables;
    let both = [(Track::Video, video), (Track::Audio, audio)];
    let both = both.map(|(id, table)| {
        let track = pair.header(id).track();
        (id.id(), track, table, Edits::new(track, table.first()))
    });
    let [(.., video), (.., audio)] = &both;
    let movie = movie_timescale(video, audio);
    let shown = both.iter().map(|(_, _, table, edits)| edits.shown(movie, table.end())).max().unwrap_or_default();
    let mut w = Writer::default();
    w.boxed(b"moov", |w| {
        mvhd(w, movie, shown);
        for (id, track, table, edits) in &both {
            w.boxed(b"trak", |w| {
                tkhd(w, track, *id, edits.shown(movie, table.end()));
                edits.write(w, movie, table.end());
                mdia(w, track, table, offsets);
            });
        }
    });
    w.bytes
}

/// `mvhd` of a file with two tracks; `duration` in ticks of `timescale`.
pub(crate) fn mvhd(w: &mut Writer, timescale: u32, duration: u64) {
    let version = version(duration);
    w.full(b"mvhd", version, 0, |w| {
        w.by_version(version, 0);
        w.by_version(version, 0);
        w.u32(timescale);
        w.by_version(version, duration);
        // Speed 1, volume 1, reserved.
        w.u32(0x0001_0000);
        w.u16(0x0100);
        w.raw(&[0; 10]);
        MATRIX.iter().for_each(|cell| w.u32(*cell));
        w.raw(&[0; 24]);
        // The next free track id.
        w.u32(3);
    });
}

fn tkhd(w: &mut Writer, track: &TrackHead, id: u32, duration: u64) {
    let version = version(duration);
    // Enabled, in the movie.
    w.full(b"tkhd", version, 3, |w| {
        w.by_version(version, 0);
        w.by_version(version, 0);
        w.u32(id);
        w.u32(0);
        w.by_version(version, duration);
        w.raw(&track.look);
    });
}

fn mdia(w: &mut Writer, track: &TrackHead, table: &SampleTable, offsets: Offsets) {
    let version = version(table.duration());
    w.boxed(b"mdia", |w| {
        w.full(b"mdhd", version, 0, |w| {
            w.by_version(version, 0);
            w.by_version(version, 0);
            w.u32(track.timescale);
            w.by_version(version, table.duration());
            w.u16(track.language);
            w.u16(0);
        });
        w.raw(&track.hdlr);
        w.boxed(b"minf", |w| {
            match track.kind {
                Kind::Video => w.full(b"vmhd", 0, 1, |w| w.raw(&[0; 8])),
                Kind::Audio => w.full(b"smhd", 0, 0, |w| w.raw(&[0; 4])),
            }
            w.boxed(b"dinf", |w| {
                w.full(b"dref", 0, 0, |w| {
                    w.u32(1);
                    // In this very file.
                    w.full(b"url ", 0, 1, |_| {});
                });
            });
            stbl::write(w, track, table, offsets);
        });
    });
}

/// 64-bit fields only where they are needed: some players know no others.
fn version(duration: u64) -> u8 {
    u8::from(duration > u64::from(u32::MAX))
}
