//! How many bytes of sample tables a fragment can cost at most. The reserve is estimated with the same function that checks it.

use super::FragmentTable;
use crate::head::Kind;

/// The bytes for the samples, and those for the chunks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cost {
    /// Grows with the samples: sizes, and where durations, shifts or sync samples change.
    pub(crate) samples: u64,
    /// Grows with the runs of samples: an offset, a count, a gap in time.
    pub(crate) chunks: u64,
}

impl Cost {
    pub(crate) fn total(self) -> u64 {
        self.samples + self.chunks
    }
}

/// An upper bound: runs that go on from one fragment to the next are counted in both.
pub(crate) fn cost(kind: Kind, table: &FragmentTable) -> Cost {
    let pairs = || table.samples.iter().zip(table.samples.iter().skip(1));
    let count = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
    let samples = count(table.samples.len());
    let durations = count(pairs().filter(|(a, b)| a.duration != b.duration).count());
    let shifts = count(pairs().filter(|(a, b)| a.shift != b.shift).count());
    // Sound has no table of sync samples.
    let sync = match kind {
        Kind::Video => count(table.samples.iter().filter(|sample| sample.is_sync()).count()),
        Kind::Audio => 0,
    };
    // A chunk: 8 for its offset, 12 for a change of its length, and its last sample's duration may be its own (16).
    let chunks = count(table.chunks.len()) * (8 + 12 + 16) + 16;
    Cost { samples: 4 * samples + 8 * durations + 8 * shifts + 4 * sync, chunks }
}
