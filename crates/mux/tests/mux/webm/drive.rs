//! Plays the engine: fetches what is wanted from memory.

use std::ops::Range;

use bytes::Bytes;
use sluice_mux::{
    Unsuitable,
    webm::{Header, Piece, Plan, Probe},
};

use crate::drive::{Inputs, cut};

/// The header of an input, and how many requests it took.
pub(super) fn probe(bytes: &Bytes) -> Result<(Header, usize), Unsuitable> {
    let mut probe = Probe::new(bytes.len() as u64)?;
    let mut requests = 0;
    while let Some(range) = probe.wants() {
        requests += 1;
        assert!(requests < 2000, "a header without end");
        probe.feed(range.start, &cut(bytes, range))?;
    }
    Ok((probe.finish().expect("nothing is wanted any more"), requests))
}

pub(super) fn plan(inputs: &Inputs) -> Result<Plan, Unsuitable> {
    Plan::new(&probe(&inputs.video)?.0, &probe(&inputs.audio)?.0)
}

/// A range of the output, of which the inputs arrive in pieces of `step` bytes.
pub(super) fn read(inputs: &Inputs, plan: &Plan, range: Range<u64>, step: u64) -> Result<Vec<u8>, Unsuitable> {
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
            let whole = join.range(track);
            assert!(range.start < range.end && whole.start <= range.start && range.end <= whole.end);
            let range = range.start..range.end.min(range.start + step);
            join.push(track, range.start, &inputs.cut(track, range), &mut parts)?;
            parts.drain(..).for_each(|part: Bytes| out.extend_from_slice(&part));
        }
        assert_eq!((out.len() - before) as u64, join.len(), "a part of a group");
    }
    Ok(out)
}
