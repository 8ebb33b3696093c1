//! Two WebM files of any bytes: if they make a plan, its ranges are what it promised.
//!
//! The input begins with the length of the first file, in four bytes.

#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use sluice_mux::{
    Track, Unsuitable,
    webm::{Header, Piece, Plan, Probe},
};

fuzz_target!(|data: &[u8]| {
    let Some((length, rest)) = data.split_first_chunk::<4>() else { return };
    let length = (u32::from_be_bytes(*length) as usize).min(rest.len());
    let inputs = [Bytes::copy_from_slice(&rest[..length]), Bytes::copy_from_slice(&rest[length..])];
    let _ = all(&inputs);
});

fn all(inputs: &[Bytes; 2]) -> Result<(), Unsuitable> {
    let plan = Plan::new(&header(&inputs[0])?, &header(&inputs[1])?)?;
    let whole = read(inputs, &plan, 0..plan.len(), usize::MAX)?;
    assert_eq!(whole.len() as u64, plan.len());
    let (third, two) = (plan.len() / 3, plan.len() / 3 * 2);
    let middle = read(inputs, &plan, third..two, 61)?;
    assert!(middle == whole[third as usize..two as usize]);
    Ok(())
}

fn header(bytes: &Bytes) -> Result<Header, Unsuitable> {
    let mut probe = Probe::new(bytes.len() as u64)?;
    let mut requests = 0;
    while let Some(range) = probe.wants() {
        requests += 1;
        assert!(requests <= bytes.len() + 2, "a header without end");
        probe.feed(range.start, &bytes[range.start as usize..range.end as usize])?;
    }
    Ok(probe.finish().expect("nothing is wanted any more"))
}

/// A range, of which the inputs arrive in pieces of `step` bytes.
fn read(i: &[Bytes; 2], plan: &Plan, range: std::ops::Range<u64>, step: usize) -> Result<Vec<u8>, Unsuitable> {
    let mut out = Vec::new();
    for piece in plan.read(range) {
        let mut join = match piece {
            Piece::Bytes(bytes) => {
                out.extend_from_slice(&bytes);
                continue;
            }
            Piece::Group(join) => join,
        };
        let (before, mut parts) = (out.len(), Vec::new());
        while let Some((track, range)) = join.wants() {
            let (start, end) = (range.start as usize, range.end as usize);
            let bytes = i[usize::from(track == Track::Audio)].slice(start..end.min(start.saturating_add(step)));
            join.push(track, range.start, &bytes, &mut parts)?;
            parts.drain(..).for_each(|part: Bytes| out.extend_from_slice(&part));
        }
        assert_eq!((out.len() - before) as u64, join.len(), "a part of a group");
    }
    Ok(out)
}
