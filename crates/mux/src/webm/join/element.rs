//! The pictures of a group, element by element.

use bytes::Bytes;

use super::{Cluster, Enough, Join};
use crate::{
    Track,
    unsuitable::{Result, Unsuitable},
    webm::{
        ebml::{Element, only},
        id,
        sound::{STAMP, block_time, once, stamp, timestamp},
        write::{length_of, void, void_header},
    },
    wire::{index, length},
};

impl Join {
    /// Looks at the element whose first bytes are in the buffer.
    pub(super) fn element(&mut self, out: &mut Vec<Bytes>) -> Result<Enough> {
        let element = match Element::parse(&self.buffer)? {
            Ok(element) => element,
            Err(more) => return Ok(Err(more)),
        };
        let end = element.end(self.at, self.parent())?;
        let header = index(element.header);
        if self.block_group.is_some() {
            return match element.id {
                id::BLOCK | id::ENCRYPTED_BLOCK => Err(Unsuitable::Malformed("BlockGroup")),
                _ => self.made_of_buffer(end, out),
            };
        }
        let Some(cluster) = &mut self.cluster else {
            let cue = self.named_here().map(|named| named.time);
            if element.id == id::CLUSTER {
                self.cluster = Some(Cluster { end, time: None, cue });
                if !self.alone() {
                    self.buffer = void(header);
                }
                return self.made_of_buffer(self.at + element.header, out);
            }
            if cue.is_some() || !id::between_clusters(element.id) {
                return Err(Unsuitable::Sizes("a cue is not at a cluster"));
            }
            return self.dropped(&element, end, out);
        };
        match element.id {
            id::ENCRYPTED_BLOCK => Err(Unsuitable::Encrypted),
            id::TIMESTAMP if length(&self.buffer) < end - self.at => Ok(Err(end - self.at)),
            id::TIMESTAMP => {
                let time = timestamp(only(&self.buffer)?.uint("Timestamp")?, cluster.cue)?;
                once(&mut cluster.time, time)?;
                if self.alone() {
                    self.time = time;
                } else {
                    self.buffer = void(self.buffer.len());
                }
                self.made_of_buffer(end, out)
            }
            id::SIMPLE_BLOCK => self.block(header, end, out),
            id::BLOCK_GROUP => match block_in(&self.buffer, header, end - self.at)? {
                Err(more) => Ok(Err(more)),
                Ok(place) => {
                    let done = self.block(place.header, self.at + place.end, out)?;
                    if done.is_ok() {
                        self.block_group = Some(end);
                        self.settle(out)?;
                    }
                    Ok(done)
                }
            },
            other if id::between_blocks(other) => self.dropped(&element, end, out),
            _ => Err(Unsuitable::Sizes("an element that is not one of clusters")),
        }
    }

    /// A block of which the body begins at `body` in the buffer, and ends at `end` in the input.
    fn block(&mut self, body: usize, end: u64, out: &mut Vec<Bytes>) -> Result<Enough> {
        let need = body + STAMP + 1;
        if self.at.saturating_add(length_of(need)) > end {
            return Err(Unsuitable::Malformed("Block"));
        }
        let Some(block) = self.buffer.get_mut(body..need) else { return Ok(Err(length_of(need))) };
        let cluster = self.cluster.as_ref().and_then(|cluster| cluster.time);
        let time = block_time(block, self.video.number, cluster)?;
        if let Some(place) = block.first_chunk_mut() {
            *place = stamp(Track::Video, time, self.time)?;
        }
        self.sound_before(Some(time), out);
        self.made_of_buffer(end, out)
    }

    /// An element that the output does without becomes a `Void` around its body.
    fn dropped(&mut self, element: &Element, end: u64, out: &mut Vec<Bytes>) -> Result<Enough> {
        self.buffer = void_header(index(element.header), element.size);
        self.made_of_buffer(end, out)
    }

    /// Whether there is no sound in the group: then nothing comes between, and the clusters stay.
    fn alone(&self) -> bool {
        self.audio.range.is_empty()
    }
}

/// Where the block of a group stands, from the group's start.
struct Place {
    /// Where its body begins.
    header: usize,
    end: u64,
}

/// The block of a group that begins in `buffer` and is `size` bytes long; or how many bytes it takes to know.
fn block_in(buffer: &[u8], header: usize, size: u64) -> Result<std::result::Result<Place, u64>> {
    let mut at = length_of(header);
    while at < size {
        let child = match Element::parse(buffer.get(index(at)..).unwrap_or_default())? {
            Ok(child) => child,
            Err(more) => return Ok(Err(at + more)),
        };
        let end = child.end(at, size)?;
        match child.id {
            id::BLOCK => return Ok(Ok(Place { header: index(at + child.header), end })),
            id::ENCRYPTED_BLOCK => return Err(Unsuitable::Encrypted),
            _ => {}
        }
        at = end;
        if at > length(buffer) {
            return Ok(Err(at));
        }
    }
    Err(Unsuitable::Malformed("BlockGroup"))
}
