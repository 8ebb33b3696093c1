//! The index of a file: when its clusters begin, and where.

use super::{
    ebml::{Child, children},
    id,
    probe::Bounds,
};
use crate::{
    limits,
    unsuitable::{Result, Unsuitable},
};

/// A point that players go to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cue {
    /// Milliseconds.
    pub(super) time: u64,
    /// In the file.
    pub(super) cluster: u64,
}

/// The cues of the one track, in the order of both times and places.
pub(super) fn cues(body: &[u8], bounds: Bounds, number: u8) -> Result<Vec<Cue>> {
    let mut cues: Vec<Cue> = Vec::new();
    for child in children(body, "Cues") {
        let child = child?;
        if child.id != id::CUE_POINT {
            continue;
        }
        if cues.len() >= limits::MAX_CUES {
            return Err(Unsuitable::OverCap("cues"));
        }
        let cue = point(&child, bounds, number)?;
        if cues.last().is_some_and(|last| last.time > cue.time || last.cluster > cue.cluster) {
            return Err(Unsuitable::Backwards);
        }
        cues.push(cue);
    }
    if cues.is_empty() { Err(Unsuitable::NoCues) } else { Ok(cues) }
}

fn point(point: &Child<'_>, bounds: Bounds, number: u8) -> Result<Cue> {
    let what = "CuePoint";
    let (mut time, mut track, mut place) = (None, None, None);
    for child in children(point.body, what) {
        let child = child?;
        match child.id {
            id::CUE_TIME => time = Some(child.uint(what)?),
            id::CUE_TRACK_POSITIONS if place.is_some() => return Err(Unsuitable::Malformed(what)),
            id::CUE_TRACK_POSITIONS => {
                for child in children(child.body, what) {
                    let child = child?;
                    match child.id {
                        id::CUE_TRACK => track = Some(child.uint(what)?),
                        id::CUE_CLUSTER_POSITION => place = Some(child.uint(what)?),
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    let (Some(time), Some(place)) = (time, place) else { return Err(Unsuitable::Malformed(what)) };
    if track != Some(u64::from(number)) {
        return Err(Unsuitable::Malformed(what));
    }
    if time > limits::MAX_SECONDS * 1000 {
        return Err(Unsuitable::OverCap("time"));
    }
    let cluster = bounds.start.checked_add(place).filter(|cluster| *cluster < bounds.end);
    Ok(Cue { time, cluster: cluster.ok_or(Unsuitable::Sizes("a cue points outside the file"))? })
}
