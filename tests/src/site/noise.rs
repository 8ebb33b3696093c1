//! Endless bytes that repeat nowhere in the same order, without memory and almost without work.

use std::sync::Arc;

use bytes::Bytes;
use rand::{RngCore as _, SeedableRng as _, rngs::StdRng};

/// Random bytes from which all is cut.
const TABLE: usize = 2 << 20;
/// How much is cut at once.
const BLOCK: u64 = 64 * 1024;

/// Noise of one seed. Block `n` is a cut of the table at a place that is drawn from `n`: blocks that change places are noticed.
#[derive(Debug, Clone)]
pub(super) struct Noise {
    seed: u64,
    table: Arc<Bytes>,
}

impl Noise {
    pub(super) fn new(seed: u64) -> Self {
        let mut table = vec![0; TABLE];
        StdRng::seed_from_u64(seed).fill_bytes(&mut table);
        Self { seed, table: Arc::new(table.into()) }
    }

    pub(super) fn seed(&self) -> u64 {
        self.seed
    }

    /// The block that holds the byte at `offset`, and where in it the byte is.
    pub(super) fn at(&self, offset: u64) -> (Bytes, u64) {
        let room = TABLE as u64 - BLOCK;
        let start = usize::try_from(mixed(self.seed ^ (offset / BLOCK)) % room).unwrap_or(0);
        let end = start + usize::try_from(BLOCK).unwrap_or(0);
        (self.table.slice(start..end), offset % BLOCK)
    }
}

/// The finaliser of `SplitMix64`: neighbours land far apart.
fn mixed(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}
