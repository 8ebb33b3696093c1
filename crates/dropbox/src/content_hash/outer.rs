//! SHA-256 over the digests of blocks, with a state that can be put on record.
//!
//! sha2 keeps the state of its hashers to itself, but not the compression function. As the input comes in pieces of 32 bytes and the
//! function takes 64, all there is to remember is eight words and, after an odd number of digests, one digest.

use serde::{Deserialize, Serialize};
use sha2::{compress256, digest::generic_array::GenericArray};

use super::{BLOCK, Digest};

/// FIPS 180-4, 5.3.3.
const BEGINNING: [u32; 8] =
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];

/// The content hash of so many whole blocks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Outer {
    blocks: u64,
    words: [u32; 8],
    /// The last digest, when their number is odd.
    half: Option<Digest>,
}

impl Outer {
    pub(crate) fn new() -> Self {
        Self { blocks: 0, words: BEGINNING, half: None }
    }

    /// Bytes in the blocks.
    pub(crate) fn length(&self) -> u64 {
        self.blocks.saturating_mul(BLOCK)
    }

    /// The next block.
    pub(crate) fn push(&mut self, digest: Digest) {
        self.blocks += 1;
        match self.half.take() {
            Some(half) => self.compress(half.0, digest.0),
            None => self.half = Some(digest),
        }
    }

    /// With the digest of the last block, if it is not whole: 64 lower-case hex digits.
    pub(crate) fn finish(mut self, rest: Option<Digest>) -> String {
        if let Some(rest) = rest {
            self.push(rest);
        }
        // The padding: a one, zeros, and the length in bits. 256 bits per digest.
        let mut end = [0; 32];
        let bits = self.blocks.wrapping_mul(256).to_be_bytes();
        end[24..].copy_from_slice(&bits);
        let mut one = [0; 32];
        one[0] = 0x80;
        match self.half.take() {
            Some(half) => {
                end[0] = 0x80;
                self.compress(half.0, end);
            }
            None => self.compress(one, end),
        }
        hex::encode(self.words.map(u32::to_be_bytes).concat())
    }

    /// Could these be words that [`Outer::push`] left behind?
    pub(crate) fn is_sound(&self) -> bool {
        self.half.is_some() != self.blocks.is_multiple_of(2) && (self.blocks > 1 || self.words == BEGINNING)
    }

    fn compress(&mut self, first: [u8; 32], second: [u8; 32]) {
        let mut block = GenericArray::default();
        block[..32].copy_from_slice(&first);
        block[32..].copy_from_slice(&second);
        compress256(&mut self.words, &[block]);
    }
}

#[cfg(test)]
mod tests {
    use sha2::{Digest as _, Sha256};

    use super::*;

    #[test]
    fn it_is_sha256_of_the_digests() {
        let (mut ours, mut theirs) = (Outer::new(), Sha256::new());
        for byte in 0..40 {
            assert_eq!(ours.clone().finish(None), hex::encode(theirs.clone().finalize()), "{byte} digests");
            assert!(ours.is_sound());
            ours.push(Digest([byte; 32]));
            theirs.update([byte; 32]);
        }
        assert_eq!(ours.length(), 40 * BLOCK);
    }

    #[test]
    fn a_state_that_cannot_be_is_recognised() {
        let check = |blocks, half| assert!(!Outer { blocks, words: [7; 8], half }.is_sound(), "{blocks}");
        check(0, None);
        check(1, Some(Digest([0; 32])));
        check(3, None);
        check(2, Some(Digest([0; 32])));
    }
}
