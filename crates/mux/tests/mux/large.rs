//! Files beyond four gigabytes, of which only the headers exist.

use std::ops::Range;

use sluice_mux::{Header, Hint, Layout, Pair, Piece, Plan, Probe, Scan, Tables, Track};

use crate::{
    build::{boxes, find, parts, put, word},
    drive::probe,
    media::{AAC, H264, INDEXED, INDEXED_SOUND, bytes},
};

/// The bytes of each fragment; what was not written is zero.
const LARGE: u64 = 1_500_000_000;

/// A file whose fragments are a moof, a huge mdat and nothing in it but its first samples.
struct Sparse {
    written: Vec<(u64, Vec<u8>)>,
    total: u64,
}

impl Sparse {
    fn video() -> Self {
        let parts = parts(&bytes(H264, INDEXED));
        let count = 4;
        let references: Vec<_> = (0..count)
            .map(|number| (false, usize::try_from(LARGE).expect("64 bits"), parts.durations[number]))
            .collect();
        let head = [parts.head.clone(), parts.sidx(parts.time, 0, &references)].concat();
        let mut at = head.len() as u64;
        let mut written = vec![(0, head)];
        for fragment in &parts.fragments[..count] {
            let mut fragment = fragment.clone();
            let mdat = boxes(&fragment)[1].start;
            put(&mut fragment, mdat, u32::try_from(LARGE).expect("fits") - u32::try_from(mdat).expect("small"));
            written.push((at, fragment));
            at += LARGE;
        }
        Self { written, total: at }
    }

    fn cut(&self, range: Range<u64>) -> Vec<u8> {
        let mut out = vec![0; usize::try_from(range.end - range.start).expect("small")];
        for (at, bytes) in &self.written {
            let (from, to) = (range.start.max(*at), range.end.min(at + bytes.len() as u64));
            if from < to {
                let index = |place: u64| usize::try_from(place).expect("small");
                out[index(from - range.start)..index(to - range.start)]
                    .copy_from_slice(&bytes[index(from - at)..index(to - at)]);
            }
        }
        out
    }

    fn header(&self) -> Header {
        let mut probe = Probe::new(self.total).expect("below the cap");
        while let Some(range) = probe.wants() {
            probe.feed(range.start, &self.cut(range.clone())).expect("a good file");
        }
        probe.finish().expect("a good file")
    }
}

#[test]
fn offsets_beyond_four_gigabytes() {
    let (video, audio) = (Sparse::video(), bytes(AAC, INDEXED_SOUND));
    let sound = probe(&audio.clone().into()).expect("suitable").0;
    let pair = Pair::new(video.header(), sound).expect("one of each");
    let cut = |track, range: Range<u64>| match track {
        Track::Video => video.cut(range),
        Track::Audio => {
            audio[usize::try_from(range.start).expect("small")..usize::try_from(range.end).expect("small")].to_vec()
        }
    };
    let mut tables = Tables::new(&pair);
    for (track, index) in tables.needs(Layout::Faststart) {
        let mut scan = Scan::new(pair.header(track), index).expect("a fragment");
        while let Some(range) = scan.wants() {
            scan.feed(range.start, &cut(track, range.clone())).expect("good");
        }
        tables.insert(track, index, scan.finish().expect("good")).expect("few samples");
    }
    for layout in [Layout::Hybrid, Layout::Faststart] {
        let plan = Plan::new(layout, &pair, &mut tables, Hint::default()).expect("a plan");
        assert!(plan.len() > 4 * LARGE);
        let read = |range: Range<u64>| -> Vec<u8> {
            let piece = |piece| match piece {
                Piece::Bytes(bytes) => bytes.to_vec(),
                Piece::Copy { track, range } => cut(track, range),
                Piece::Tail(range) => plan.tail(&tables).expect("all is known")[range].to_vec(),
                Piece::Patched(_) => unreachable!("not in this layout"),
            };
            plan.read(range).flat_map(piece).collect()
        };
        let moov = match layout {
            Layout::Hybrid => read(plan.len() - 20_000..plan.len()),
            _ => read(0..20_000),
        };
        // The picture's are the first.
        let co64 = find(&moov, b"co64");
        let count = word(&moov, co64 + 4);
        let offsets: Vec<u64> = (0..count as usize)
            .map(|number| u64::from_be_bytes(moov[co64 + 8 + number * 8..][..8].try_into().expect("eight bytes")))
            .collect();
        let chunks = (0..4).flat_map(|index| tables.get(Track::Video, index).expect("known").chunks.clone());
        let chunks: Vec<_> = chunks.collect();
        assert_eq!(chunks.len(), offsets.len(), "{layout:?}");
        for (chunk, offset) in chunks.iter().zip(&offsets) {
            assert_eq!(read(*offset..offset + 50), video.cut(chunk.offset..chunk.offset + 50), "{layout:?}");
        }
        assert!(offsets.last().is_some_and(|last| *last > u64::from(u32::MAX)), "{layout:?}");
    }
}
