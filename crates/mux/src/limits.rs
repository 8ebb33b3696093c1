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
/// Bytes of one element before the media of a WebM file, except its cues.
pub const MAX_HEAD_ELEMENT: u64 = 1 << 20;
/// Bytes of the cues of one input.
pub const MAX_CUES_BYTES: u64 = 16 << 20;
/// Cues of one input.
pub const MAX_CUES: usize = 500_000;
/// Bytes from one cluster that the cues name to the next.
pub const MAX_CLUSTER: u64 = 256 << 20;
/// Milliseconds from one cluster that the cues name to the next: what a block can tell from its cluster's start.
pub const MAX_CLUSTER_TIME: u64 = 32_767;
/// Milliseconds that clusters are added to a group for; a block tells its time in a group in 16 bits.
pub const GROUP_TIME: u64 = 30_000;
/// Bytes up to which clusters are added to a group: who begins to read in a group reads it from its start.
pub const GROUP_BYTES: u64 = 64 << 20;
/// Bytes of sound in one group, which are kept in memory while its pictures pass.
pub const MAX_GROUP_SOUND: u64 = 4 << 20;
/// Blocks of sound in one group.
pub const MAX_GROUP_BLOCKS: usize = 1 << 16;
/// Bytes that are kept while it is not known yet when a cluster or a block is.
pub const MAX_PENDING: u64 = 64 << 10;
