//! The beginning of a group: one header in place of several.

use bytes::Bytes;

use super::{Cluster, Enough, Join, Stage, Waiting};
use crate::{
    unsuitable::{Result, Unsuitable},
    webm::{
        ebml::{Element, only},
        id,
        sound::timestamp,
        write::{length_of, name, size, size_width, uint, uint_width, void},
    },
    wire::{index, length},
};

impl Join {
    /// Reads the first cluster up to its time, and then writes the header of the cluster that is made.
    pub(super) fn opening(&mut self, out: &mut Vec<Bytes>) -> Result<Enough> {
        let cluster = match Element::parse(&self.buffer)? {
            Ok(cluster) if cluster.id == id::CLUSTER => cluster,
            Ok(_) => return Err(Unsuitable::Sizes("a cue is not at a cluster")),
            Err(more) => return Ok(Err(more)),
        };
        let end = cluster.end(self.at, self.parent())?;
        let mut place = cluster.header;
        loop {
            let rest = self.buffer.get(index(place)..).unwrap_or_default();
            if self.at + place == end {
                return Err(Unsuitable::NoTime);
            }
            let child = match Element::parse(rest)? {
                Ok(child) => child,
                Err(more) => return Ok(Err(place + more)),
            };
            match child.id {
                id::SIMPLE_BLOCK | id::BLOCK_GROUP => return Err(Unsuitable::NoTime),
                id::ENCRYPTED_BLOCK => return Err(Unsuitable::Encrypted),
                id::TIMESTAMP => {}
                other if id::between_blocks(other) => {}
                _ => return Err(Unsuitable::Sizes("an element that is not one of clusters")),
            }
            let whole = child.end(self.at + place, end)? - self.at - place;
            if length(rest) < whole {
                return Ok(Err(place + whole));
            }
            place += whole;
            if child.id == id::TIMESTAMP {
                let time = only(rest.get(..index(whole)).unwrap_or_default())?.uint("Timestamp")?;
                let time = timestamp(time, self.named_here().map(|named| named.time))?;
                self.cluster = Some(Cluster { end, time: Some(time), cue: None });
                self.buffer.clear();
                self.at += place;
                self.open(place, Some(time), out)?;
                self.settle(out)?;
                return Ok(Ok(()));
            }
        }
    }

    /// Writes the cluster's header, and a `Void` for what it replaces: `freed` bytes of the pictures, whose cluster is at
    /// `time`, and all of the sound but its blocks.
    pub(super) fn open(&mut self, freed: u64, time: Option<i64>, out: &mut Vec<Bytes>) -> Result<()> {
        let Stage::Opening(sound) = &mut self.stage else { return Ok(()) };
        let sound = std::mem::take(sound);
        // No later than any of them: a larger number could take more room.
        self.time = sound.time().into_iter().chain(time).min().ok_or(Unsuitable::NoTime)?;
        let timestamp = u64::try_from(self.time).map_err(|_| Unsuitable::Backwards)?;
        let freed = freed + (self.audio.range.end - self.audio.range.start) - length_of(sound.len());
        let fixed = 4 + 2 + uint_width(timestamp);
        let room = index(freed).checked_sub(fixed).ok_or(Unsuitable::Sizes("no room for a header"))?;
        // The size of what follows it depends on how long it is itself.
        let body = |width: usize| self.size - 4 - length_of(width);
        let width = (1..=8).find(|width| size_width(body(*width)) <= *width).unwrap_or(8);
        // No Void has one byte.
        let width = if room == width + 1 { room } else { width };
        let rest = room.checked_sub(width).ok_or(Unsuitable::Sizes("no room for a header"))?;
        let header = [name(id::CLUSTER), size(body(width), width), uint(id::TIMESTAMP, timestamp), void(rest)].concat();
        let (bytes, blocks) = sound.stamped(self.time)?;
        self.stage = Stage::Open(Waiting { bytes: bytes.into(), blocks, next: 0 });
        self.give(&header.into(), out);
        Ok(())
    }
}
