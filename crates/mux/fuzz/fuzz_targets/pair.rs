//! Two files of any bytes: if they make a plan, its ranges are what it promised.
//!
//! The input begins with the length of the first file, in four bytes.

#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use sluice_mux::{Header, Hint, Layout, Pair, Piece, Plan, Probe, Scan, Tables, Track, Unsuitable};

fuzz_target!(|data: &[u8]| {
    let Some((length, rest)) = data.split_first_chunk::<4>() else { return };
    let length = (u32::from_be_bytes(*length) as usize).min(rest.len());
    let inputs = [Bytes::copy_from_slice(&rest[..length]), Bytes::copy_from_slice(&rest[length..])];
    let _ = all(&inputs);
});

fn of(inputs: &[Bytes; 2], track: Track, range: std::ops::Range<u64>) -> Bytes {
    inputs[usize::from(track == Track::Audio)].slice(range.start as usize..range.end as usize)
}

fn all(inputs: &[Bytes; 2]) -> Result<(), Unsuitable> {
    let pair = Pair::new(header(&inputs[0])?, header(&inputs[1])?)?;
    for layout in [Layout::Fragmented, Layout::Hybrid, Layout::Faststart] {
        let mut tables = Tables::new(&pair);
        for (track, index) in tables.needs(layout) {
            scan(inputs, &pair, &mut tables, track, index)?;
        }
        let plan = Plan::new(layout, &pair, &mut tables, Hint::default())?;
        let whole = read(inputs, &plan, &mut tables, 0..plan.len())?;
        assert_eq!(whole.len() as u64, plan.len());
        let (third, two) = (plan.len() / 3, plan.len() / 3 * 2);
        let middle = read(inputs, &plan, &mut tables, third..two)?;
        assert!(middle == whole[third as usize..two as usize]);
    }
    Ok(())
}

fn header(bytes: &Bytes) -> Result<Header, Unsuitable> {
    let mut probe = Probe::new(bytes.len() as u64)?;
    while let Some(range) = probe.wants() {
        probe.feed(range.start, &bytes[range.start as usize..range.end as usize])?;
    }
    Ok(probe.finish().expect("nothing is wanted any more"))
}

fn scan(i: &[Bytes; 2], pair: &Pair, tables: &mut Tables, track: Track, index: usize) -> Result<(), Unsuitable> {
    let mut scan = Scan::new(pair.header(track), index).expect("a fragment");
    while let Some(range) = scan.wants() {
        scan.feed(range.start, &of(i, track, range))?;
    }
    tables.insert(track, index, scan.finish().expect("nothing is wanted any more"))
}

fn read(i: &[Bytes; 2], plan: &Plan, tables: &mut Tables, range: std::ops::Range<u64>) -> Result<Vec<u8>, Unsuitable> {
    let mut out = Vec::new();
    for piece in plan.read(range) {
        match piece {
            Piece::Bytes(bytes) => out.extend_from_slice(&bytes),
            Piece::Copy { track, range } => {
                let bytes = of(i, track, range.clone());
                tables.pass(track, range.start, &bytes)?;
                out.extend_from_slice(&bytes);
            }
            Piece::Patched(mut patcher) => {
                let mut parts = Vec::new();
                while let Some(range) = patcher.wants() {
                    patcher.push(range.start, &of(i, patcher.track(), range), &mut parts)?;
                }
                parts.iter().for_each(|part| out.extend_from_slice(part));
            }
            Piece::Tail(range) => {
                for track in Track::BOTH {
                    for index in tables.missing(track).collect::<Vec<_>>() {
                        scan(i, plan.pair(), tables, track, index)?;
                    }
                }
                out.extend_from_slice(&plan.tail(tables)?[range]);
            }
        }
    }
    Ok(out)
}
