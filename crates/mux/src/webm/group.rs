//! Which clusters of the two inputs become one cluster of the output.

use std::ops::Range;

use super::Header;
use crate::{
    Track, limits,
    unsuitable::{Result, Unsuitable},
};

/// Clusters that become one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Group {
    /// From the start of the first group to its first byte.
    pub(super) offset: u64,
    /// Bytes.
    pub(super) size: u64,
    /// Clusters of the picture and of the sound.
    pub(super) clusters: [Range<usize>; 2],
}

/// All groups, which take all clusters in order, and the bytes of them together.
pub(super) fn groups(inputs: [&Header; 2]) -> Result<(Vec<Group>, u64)> {
    let mut lanes = inputs.map(Lane::new);
    let (mut groups, mut offset) = (Vec::new(), 0_u64);
    while let Some(first) = first(&lanes) {
        gather(&mut lanes, first)?;
        let size = lanes[0].bytes() + lanes[1].bytes();
        groups.push(Group { offset, size, clusters: [lanes[0].taken.clone(), lanes[1].taken.clone()] });
        offset = offset.checked_add(size).ok_or(Unsuitable::OverCap("output"))?;
        for lane in &mut lanes {
            lane.taken = lane.taken.end..lane.taken.end;
        }
    }
    Ok((groups, offset))
}

/// The input whose next cluster begins first; the picture's when both do.
fn first(lanes: &[Lane<'_>; 2]) -> Option<Track> {
    match (lanes[0].next(), lanes[1].next()) {
        (Some(video), Some(audio)) if audio < video => Some(Track::Audio),
        (Some(_), _) => Some(Track::Video),
        (None, Some(_)) => Some(Track::Audio),
        (None, None) => None,
    }
}

/// Takes the first cluster, then one after the other of whichever input lags behind, until both have got equally far, as
/// nearly as clusters allow: never farther behind each other than half of a cluster. So the group is about as long as the
/// longest cluster in it, whosever that is.
fn gather(lanes: &mut [Lane<'_>; 2], first: Track) -> Result<()> {
    let [video, audio] = lanes;
    let begin = match first {
        Track::Video => video.take(),
        Track::Audio => audio.take(),
    };
    loop {
        let (lags, other) =
            if video.reached() < audio.reached() { (&mut *video, &*audio) } else { (&mut *audio, &*video) };
        let Some(start) = lags.next() else { break };
        let goal = other.reached();
        let end = lags.header.time(lags.taken.end + 1);
        let inside = match (lags.taken.is_empty(), other.taken.is_empty()) {
            (true, _) => start < goal,
            (false, true) => false,
            (false, false) => u64::midpoint(start, end) < goal,
        };
        let bytes = lags.bytes() + other.bytes() + lags.next_bytes();
        if !inside || end.saturating_sub(begin) > limits::GROUP_TIME || bytes > limits::GROUP_BYTES {
            break;
        }
        if lags.is_sound && lags.bytes() + lags.next_bytes() > limits::MAX_GROUP_SOUND {
            break;
        }
        lags.take();
    }
    if audio.bytes() > limits::MAX_GROUP_SOUND {
        return Err(Unsuitable::OverCap("cluster of sound"));
    }
    Ok(())
}

/// One input, and its clusters that are in the group that is being made.
struct Lane<'a> {
    header: &'a Header,
    is_sound: bool,
    taken: Range<usize>,
}

impl<'a> Lane<'a> {
    fn new(header: &'a Header) -> Self {
        Self { header, is_sound: header.kind() == crate::Kind::Audio, taken: 0..0 }
    }

    /// When its next cluster begins, if there is one.
    fn next(&self) -> Option<u64> {
        self.header.clusters().get(self.taken.end).map(|cluster| cluster.time)
    }

    /// Up to when everything was taken.
    fn reached(&self) -> u64 {
        self.header.time(self.taken.end)
    }

    /// Takes the next cluster, and tells when that begins.
    fn take(&mut self) -> u64 {
        let begin = self.reached();
        self.taken.end += 1;
        begin
    }

    fn bytes(&self) -> u64 {
        let range = self.header.range(&self.taken);
        range.end - range.start
    }

    fn next_bytes(&self) -> u64 {
        let range = self.header.range(&(self.taken.end..self.taken.end + 1));
        range.end - range.start
    }
}
