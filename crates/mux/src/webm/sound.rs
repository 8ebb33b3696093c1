//! The sound of one group, in memory: found in its clusters, then put together for the output.

use super::{
    ebml::{Child, children},
    id,
    join::Source,
};
use crate::{
    Track, limits,
    unsuitable::{Result, Unsuitable},
    wire::index,
};

/// A block of sound, alone or with what belongs to it.
#[derive(Debug, Clone, Copy)]
struct Block {
    /// Milliseconds.
    time: i64,
    /// Where it begins and ends.
    start: usize,
    end: usize,
    /// Where its track's number and its time stand.
    stamp: usize,
}

/// Blocks of sound that wait for the pictures around them.
#[derive(Debug, Default)]
pub(super) struct Sound {
    bytes: Vec<u8>,
    blocks: Vec<Block>,
    /// The earliest of its clusters' times and its blocks'.
    time: Option<i64>,
}

/// The blocks in a row, and after each one's time where it ends.
pub(super) type Row = (Vec<u8>, Vec<(i64, usize)>);

impl Sound {
    /// From the clusters' bytes.
    pub(super) fn parse(bytes: Vec<u8>, source: &Source) -> Result<Self> {
        let (mut blocks, mut earliest) = (Vec::new(), None);
        for named in &source.clusters {
            let from = index(named.start - source.range.start);
            let stretch = bytes.get(from..index(named.end - source.range.start)).unwrap_or_default();
            for cluster in children(stretch, "Cluster") {
                let cluster = cluster?;
                let cue = (cluster.at == 0).then_some(named.time);
                if cluster.id == id::CLUSTER {
                    let begin = self::cluster(&cluster, source.number, cue, from, &mut blocks)?;
                    earliest = earliest.into_iter().chain([begin]).min();
                } else if cue.is_some() || !id::between_clusters(cluster.id) {
                    return Err(Unsuitable::Sizes("a cue is not at a cluster"));
                }
            }
        }
        let time = blocks.iter().map(|block: &Block| block.time).chain(earliest).min();
        Ok(Self { bytes, blocks, time })
    }

    /// Bytes of the blocks.
    pub(super) fn len(&self) -> usize {
        self.blocks.iter().map(|block| block.end - block.start).sum()
    }

    /// The earliest of its clusters' times and its blocks'.
    pub(super) fn time(&self) -> Option<i64> {
        self.time
    }

    /// The blocks for a cluster of that time.
    pub(super) fn stamped(mut self, time: i64) -> Result<Row> {
        let mut at = 0;
        let mut ends = Vec::with_capacity(self.blocks.len());
        for block in &self.blocks {
            let stamp = stamp(Track::Audio, block.time, time)?;
            if let Some(place) = self.bytes.get_mut(block.stamp..block.stamp + stamp.len()) {
                place.copy_from_slice(&stamp);
            }
            self.bytes.copy_within(block.start..block.end, at);
            at += block.end - block.start;
            ends.push((block.time, at));
        }
        self.bytes.truncate(at);
        Ok((self.bytes, ends))
    }
}

/// Finds the blocks of a cluster in a stretch that begins at `from`, and tells the cluster's time.
fn cluster(cluster: &Child<'_>, number: u8, cue: Option<u64>, from: usize, blocks: &mut Vec<Block>) -> Result<i64> {
    let mut time = None;
    for child in children(cluster.body, "Cluster") {
        let child = child?;
        let block = match child.id {
            id::TIMESTAMP => {
                once(&mut time, timestamp(child.uint("Timestamp")?, cue)?)?;
                continue;
            }
            id::SIMPLE_BLOCK => child,
            id::BLOCK_GROUP => inner(&child)?,
            id::ENCRYPTED_BLOCK => return Err(Unsuitable::Encrypted),
            other if id::between_blocks(other) => continue,
            _ => return Err(Unsuitable::Sizes("an element that is not one of clusters")),
        };
        if blocks.len() >= limits::MAX_GROUP_BLOCKS {
            return Err(Unsuitable::OverCap("blocks"));
        }
        let body = from + cluster.body_at;
        let start = body + child.at;
        // A block of a group is told from the group's body on.
        let stamp = body + block.body_at + if child.id == id::BLOCK_GROUP { child.body_at } else { 0 };
        let time = block_time(block.body, number, time)?;
        blocks.push(Block { time, start, end: start + child.whole.len(), stamp });
    }
    time.ok_or(Unsuitable::NoTime)
}

/// The only block of a group.
fn inner<'a>(group: &Child<'a>) -> Result<Child<'a>> {
    let mut found = None;
    for child in children(group.body, "BlockGroup") {
        let child = child?;
        match child.id {
            id::BLOCK => once(&mut found, child)?,
            id::ENCRYPTED_BLOCK => return Err(Unsuitable::Encrypted),
            _ => {}
        }
    }
    found.ok_or(Unsuitable::Malformed("BlockGroup"))
}

/// Bytes of a block that tell its track and its time.
pub(super) const STAMP: usize = 3;

/// What a block of a track begins with, in a cluster of a time.
pub(super) fn stamp(track: Track, time: i64, cluster: i64) -> Result<[u8; STAMP]> {
    let relative = i16::try_from(time - cluster).map_err(|_| Unsuitable::OverCap("time of a block in its cluster"))?;
    let [high, low] = relative.to_be_bytes();
    Ok([0x80 | if track == Track::Video { 1 } else { 2 }, high, low])
}

/// When a block is, from its first bytes; its cluster's time must have been told.
pub(super) fn block_time(body: &[u8], number: u8, cluster: Option<i64>) -> Result<i64> {
    let [track, high, low, _flags, ..] = *body else { return Err(Unsuitable::Malformed("Block")) };
    if track != 0x80 | number {
        return Err(Unsuitable::Sizes("a block of another track"));
    }
    let cluster = cluster.ok_or(Unsuitable::NoTime)?;
    Ok(cluster + i64::from(i16::from_be_bytes([high, low])))
}

/// A cluster's time. A cue is for a block in its cluster, so it cannot be farther away than a block can tell.
pub(super) fn timestamp(time: u64, cue: Option<u64>) -> Result<i64> {
    if time > limits::MAX_SECONDS * 1000 {
        return Err(Unsuitable::OverCap("time"));
    }
    if cue.is_some_and(|cue| cue.abs_diff(time) > 1 << 15) {
        return Err(Unsuitable::Sizes("a cluster is not at the time of its cue"));
    }
    Ok(i64::try_from(time).unwrap_or(i64::MAX))
}

/// Fills what must be there once.
pub(super) fn once<T>(place: &mut Option<T>, value: T) -> Result<()> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(Unsuitable::Malformed("Cluster")),
    }
}
