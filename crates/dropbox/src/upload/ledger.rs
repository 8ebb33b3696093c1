//! Which blocks of a file are safe in a concurrent session, and which are on their way.
//!
//! Dropbox does not tell, so this is all that anybody knows. A block is safe together with its digest: whoever goes on from a checkpoint
//! need not read it again.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

use super::record::MOST_BEYOND;
use crate::content_hash::{BLOCK, Digest, Outer};

/// The books of one session. Blocks have numbers from zero.
#[derive(Debug)]
pub(super) struct Ledger {
    /// Whole blocks in the file.
    blocks: u64,
    /// The blocks before the first hole.
    safe: Outer,
    /// Safe blocks beyond it.
    beyond: BTreeMap<u64, Digest>,
    on_their_way: BTreeSet<u64>,
}

impl Ledger {
    pub(super) fn new(total: u64, safe: Outer, beyond: BTreeMap<u64, Digest>) -> Self {
        let mut ledger = Self { blocks: total / BLOCK, safe, beyond, on_their_way: BTreeSet::new() };
        ledger.close_ranks();
        ledger
    }

    /// The next blocks to send, at most so many. Never far beyond the first hole: what is remembered there has to stay little.
    pub(super) fn next(&mut self, most: u64) -> Option<Range<u64>> {
        let hole = self.hole();
        let end = self.blocks.min(hole + MOST_BEYOND);
        let is_free = |block: &u64| !self.beyond.contains_key(block) && !self.on_their_way.contains(block);
        let first = (hole..end).find(is_free)?;
        let after = (first..end.min(first + most)).find(|block| !is_free(block)).unwrap_or(end.min(first + most));
        self.on_their_way.extend(first..after);
        Some(first..after)
    }

    /// These were acknowledged.
    pub(super) fn arrived(&mut self, blocks: Range<u64>, digests: Vec<Digest>) {
        self.given_up(&blocks);
        self.beyond.extend(blocks.zip(digests));
        self.close_ranks();
    }

    /// These will have to be sent in another way.
    pub(super) fn given_up(&mut self, blocks: &Range<u64>) {
        self.on_their_way.retain(|block| !blocks.contains(block));
    }

    /// Is the block that begins at this offset being sent?
    pub(super) fn is_on_its_way(&self, offset: u64) -> bool {
        self.on_their_way.contains(&(offset / BLOCK))
    }

    /// Bytes before the first hole.
    pub(super) fn offset(&self) -> u64 {
        self.safe.length()
    }

    /// Bytes that are safe, wherever they are.
    pub(super) fn safe_bytes(&self) -> u64 {
        self.offset() + self.beyond.len() as u64 * BLOCK
    }

    /// The blocks before the first hole.
    pub(super) fn safe(&self) -> &Outer {
        &self.safe
    }

    pub(super) fn beyond(&self) -> &BTreeMap<u64, Digest> {
        &self.beyond
    }

    fn hole(&self) -> u64 {
        self.safe.length() / BLOCK
    }

    fn close_ranks(&mut self) {
        while let Some(digest) = self.beyond.remove(&self.hole()) {
            self.safe.push(digest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(block: u64) -> Digest {
        Digest::try_from(format!("{block:064x}")).unwrap()
    }

    fn arrive(ledger: &mut Ledger, blocks: Range<u64>) {
        ledger.arrived(blocks.clone(), blocks.map(digest).collect());
    }

    fn hashed(blocks: u64) -> Outer {
        let mut outer = Outer::new();
        (0..blocks).for_each(|block| outer.push(digest(block)));
        outer
    }

    #[test]
    fn blocks_are_hashed_in_order_however_they_arrive() {
        let mut ledger = Ledger::new(10 * BLOCK + 1, Outer::new(), BTreeMap::new());
        let lanes: Vec<_> = std::iter::from_fn(|| ledger.next(4)).collect();
        assert_eq!(lanes, [0..4, 4..8, 8..10]);
        for (lane, offset, safe) in [(2, 0, 2), (0, 4, 6), (1, 10, 10)] {
            arrive(&mut ledger, lanes[lane].clone());
            assert_eq!((ledger.offset(), ledger.safe_bytes()), (offset * BLOCK, safe * BLOCK));
        }
        assert_eq!((ledger.safe(), ledger.beyond().len()), (&hashed(10), 0));
        assert_eq!(ledger.next(4), None);
    }

    #[test]
    fn holes_are_filled_first() {
        let beyond = [3, 4, 7].map(|block| (block, digest(block))).into();
        let mut ledger = Ledger::new(20 * BLOCK, hashed(2), beyond);
        assert_eq!((ledger.offset(), ledger.safe_bytes()), (2 * BLOCK, 5 * BLOCK));
        assert_eq!((ledger.next(4), ledger.next(4), ledger.next(4)), (Some(2..3), Some(5..7), Some(8..12)));
        ledger.given_up(&(5..7));
        assert_eq!((ledger.next(1), ledger.next(4)), (Some(5..6), Some(6..7)));
        arrive(&mut ledger, 2..3);
        assert_eq!(ledger.offset(), 5 * BLOCK);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut ledger = Ledger::new(1000 * BLOCK, Outer::new(), BTreeMap::new());
        let stuck = ledger.next(4).unwrap();
        while let Some(blocks) = ledger.next(4) {
            arrive(&mut ledger, blocks);
        }
        assert!(ledger.beyond().len() as u64 <= MOST_BEYOND);
        arrive(&mut ledger, stuck);
        assert_eq!((ledger.offset(), ledger.next(9)), (MOST_BEYOND * BLOCK, Some(MOST_BEYOND..MOST_BEYOND + 9)));
    }

    #[test]
    fn a_small_file_has_no_whole_block() {
        assert_eq!(Ledger::new(BLOCK - 1, Outer::new(), BTreeMap::new()).next(4), None);
    }
}
