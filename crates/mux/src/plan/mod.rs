//! One output: its exact length, and where each byte of it comes from.

mod fingerprint;
mod fragmented;
mod patch;
mod read;
mod reserve;
mod trak;
mod whole;

use bytes::Bytes;

pub use patch::Patcher;
pub use read::{Piece, Pieces};

use crate::{
    Pair, Tables,
    order::{Segment, segments},
    unsuitable::{Result, Unsuitable},
    wire::length,
};

/// How an output is arranged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Layout {
    /// `ftyp`, one `mdat` with the fragments as they are, then a `moov` with full sample tables and `free` up to what was
    /// reserved. Needs the first fragment's samples of both inputs before the first byte.
    Hybrid,
    /// The same with the `moov` first and nothing reserved. Needs every fragment's samples before the first byte.
    Faststart,
    /// A merged `moov`, an index for each track, and the fragments, patched in a few places. Needs nothing.
    Fragmented,
}

/// What a site tells of a video and the file does not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Hint {
    /// Pictures per second at the most; makes the reserve of [`Layout::Hybrid`] large enough for variable rates.
    pub frames_per_second: Option<u32>,
}

/// An output that is known to the last byte, except for the tail of [`Layout::Hybrid`], of which the length is known.
#[derive(Debug)]
pub struct Plan {
    layout: Layout,
    pair: Pair,
    head: Bytes,
    segments: Vec<Segment>,
    media: u64,
    tail: Tail,
}

/// What follows the media.
#[derive(Debug)]
enum Tail {
    Made(Bytes),
    /// So many bytes, once the tables are known.
    Reserved(u64),
}

impl Plan {
    /// Plans an output. `tables` must know what [`Tables::needs`] names, and are held to the plan's reserve from now on.
    pub fn new(layout: Layout, pair: &Pair, tables: &mut Tables, hint: Hint) -> Result<Self> {
        let (segments, media) = segments(pair)?;
        let (head, tail) = match layout {
            Layout::Hybrid => {
                let reserve = reserve::reserve(pair, tables, hint)?;
                tables.set_room(reserve.tables)?;
                (whole::opening(pair, layout, media), Tail::Reserved(reserve.bytes))
            }
            Layout::Faststart => (whole::faststart(pair, &segments, media, tables)?, Tail::Made(Bytes::new())),
            Layout::Fragmented => {
                let (head, tail) = fragmented::around(pair, &segments, media)?;
                (head, Tail::Made(tail.into()))
            }
        };
        let plan = Self { layout, pair: pair.clone(), head: head.into(), segments, media, tail };
        plan.media_end().checked_add(plan.tail_len()).ok_or(Unsuitable::OverCap("output"))?;
        Ok(plan)
    }

    /// Bytes of the output, exactly.
    pub fn len(&self) -> u64 {
        self.media_end() + self.tail_len()
    }

    /// Never: an output has a header at least.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How the output is arranged.
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// The inputs.
    pub fn pair(&self) -> &Pair {
        &self.pair
    }

    /// What [`Piece::Tail`] is cut from; the tables must know every fragment.
    pub fn tail(&self, tables: &Tables) -> Result<Bytes> {
        match &self.tail {
            Tail::Made(bytes) => Ok(bytes.clone()),
            Tail::Reserved(reserve) => {
                whole::closing(&self.pair, &self.segments, self.media_start(), self.len(), tables, *reserve)
                    .map(Bytes::from)
            }
        }
    }

    fn media_start(&self) -> u64 {
        length(&self.head)
    }

    fn media_end(&self) -> u64 {
        self.media_start() + self.media
    }

    fn tail_len(&self) -> u64 {
        match &self.tail {
            Tail::Made(bytes) => length(bytes),
            Tail::Reserved(reserve) => *reserve,
        }
    }
}
