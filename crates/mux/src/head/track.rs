//! What a `moov` tells about its one track.

use crate::wire::FourCc;

/// Picture or sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `vide`
    Video,
    /// `soun`
    Audio,
}

/// Values for samples that tell none of their own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Trex {
    pub(crate) duration: u32,
    pub(crate) size: u32,
    pub(crate) flags: u32,
}

/// A simple edit list: wait, then show from `media_time` on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Edit {
    /// In ticks of the movie.
    pub(crate) empty: u64,
    /// In ticks of the track.
    pub(crate) media_time: u64,
}

/// The track of an input, and the boxes of it that go into the output as they are.
#[derive(Debug)]
pub(crate) struct Track {
    pub(crate) kind: Kind,
    pub(crate) codec: FourCc,
    pub(crate) id: u32,
    pub(crate) timescale: u32,
    pub(crate) movie_timescale: u32,
    pub(crate) edit: Edit,
    pub(crate) trex: Trex,
    /// The whole `moov`; part of the fingerprint.
    pub(crate) moov: Vec<u8>,
    /// The whole `trak`.
    pub(crate) trak: Vec<u8>,
    /// The whole `trex`.
    pub(crate) trex_box: Vec<u8>,
    /// The whole `stsd`.
    pub(crate) stsd: Vec<u8>,
    /// The whole `hdlr`.
    pub(crate) hdlr: Vec<u8>,
    /// The end of `tkhd`, the same in both versions: layer, group, volume, matrix, width, height.
    pub(crate) look: [u8; 60],
    /// The packed language of `mdhd`.
    pub(crate) language: u16,
}
