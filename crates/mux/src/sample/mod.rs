//! Samples: what a `moof` tells of them, and how they are collected.

mod cost;
mod moof;
mod pack;
mod scan;
mod tables;

pub(crate) use cost::cost;
pub(crate) use moof::parse as parse_moof;
pub use scan::Scan;
pub use tables::Tables;

/// One sample, in 12 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    /// The size in bytes, and above it a bit that says whether the sample needs no other.
    size_and_sync: u32,
    /// In ticks of the track.
    pub duration: u32,
    /// From decoding to presentation, in ticks of the track.
    pub shift: i32,
}

impl Sample {
    const SYNC: u32 = 1 << 31;

    pub(crate) fn new(size: u32, sync: bool, duration: u32, shift: i32) -> Self {
        Self { size_and_sync: (size & !Self::SYNC) | if sync { Self::SYNC } else { 0 }, duration, shift }
    }

    /// In bytes.
    pub fn size(self) -> u32 {
        self.size_and_sync & !Self::SYNC
    }

    /// Whether the sample needs no other to be decoded.
    pub fn is_sync(self) -> bool {
        self.size_and_sync & Self::SYNC != 0
    }
}

/// Samples that lie side by side, in time and in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chunk {
    /// Where the first begins in the input.
    pub offset: u64,
    /// When the first is decoded, in ticks of the track.
    pub time: u64,
    /// How many there are.
    pub samples: u32,
}

/// The samples of one fragment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FragmentTable {
    /// In the order of the file.
    pub chunks: Vec<Chunk>,
    /// The samples of all chunks.
    pub samples: Vec<Sample>,
}

impl FragmentTable {
    /// How long the samples last together, in ticks.
    pub(crate) fn duration(&self) -> u64 {
        self.samples.iter().map(|sample| u64::from(sample.duration)).sum()
    }

    /// Where the samples of each chunk end; `None` where the sizes overflow.
    pub(crate) fn extents(&self) -> impl Iterator<Item = (u64, Option<u64>)> {
        let mut samples = self.samples.iter();
        self.chunks.iter().map(move |chunk| {
            let count = usize::try_from(chunk.samples).unwrap_or(usize::MAX);
            let bytes: u64 = samples.by_ref().take(count).map(|sample| u64::from(sample.size())).sum();
            (chunk.offset, chunk.offset.checked_add(bytes))
        })
    }
}
