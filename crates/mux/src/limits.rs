//! The caps. Everything that foreign bytes can make larger stops here.

/// Bytes of one input.
pub const MAX_INPUT: u64 = 1 << 42;
/// Bytes of a `moov`.
pub const MAX_MOOV: u64 = 4 << 20;
/// Bytes of one `sidx`.
pub const MAX_SIDX: u64 = 16 << 20;
/// Bytes of one `moof`.
pub const MAX_MOOF: u64 = 16 << 20;
/// Boxes before the media begins.
pub const MAX_HEAD_BOXES: u32 = 1_000;
/// `sidx` boxes of one input.
pub const MAX_INDEXES: u32 = 20_000;
/// How deep `sidx` boxes may refer to each other.
pub const MAX_INDEX_DEPTH: u8 = 4;
/// Boxes in the media of one input, and so the requests that a walk can cost.
pub const MAX_MEDIA_BOXES: u32 = 500_000;
/// Fragments of one input.
pub const MAX_FRAGMENTS: usize = 1_000_000;
/// Bytes of one fragment; what a `sidx` can say, and what a 32-bit `mdat` can hold.
pub const MAX_FRAGMENT: u64 = (1 << 31) - 1;
/// Samples of one fragment.
pub const MAX_FRAGMENT_SAMPLES: usize = 1 << 20;
/// Samples of one input: three days of 30 pictures a second.
pub const MAX_SAMPLES: u64 = 1 << 23;
/// Bytes of one sample; the bit above it carries a flag in [`crate::Sample`].
pub const MAX_SAMPLE: u32 = (1 << 31) - 1;
/// Ticks per second.
pub const MAX_TIMESCALE: u32 = 1_000_000_000;
/// Seconds of one input, and of any point in time: a week.
pub const MAX_SECONDS: u64 = 7 * 24 * 3600;
/// Bytes of the sample tables of an output.
pub const MAX_TABLES: u64 = 256 << 20;
/// Bytes that are asked for first.
pub const FIRST_READ: u64 = 64 << 10;
/// Bytes that are asked for where a box is expected: most fragments' `moof` and the next header fit.
pub const READ_AHEAD: u64 = 4 << 10;
