//! Dropbox's content hash: SHA-256 over the SHA-256 of each 4 MiB block.
//!
//! Its two halves can be used apart: [`Blocks`] hashes blocks wherever they lie, [`Outer`] takes their digests in order and can be
//! put on record between two of them. Source: Dropbox, "Content hash" (developers' reference).

mod outer;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

pub(crate) use self::outer::Outer;

/// Blocks are 4 MiB inside Dropbox.
pub(crate) const BLOCK: u64 = 4 * 1024 * 1024;

/// The SHA-256 of a block. On record it is 64 hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Digest([u8; 32]);

impl TryFrom<String> for Digest {
    type Error = hex::FromHexError;

    fn try_from(text: String) -> Result<Self, hex::FromHexError> {
        let mut digest = [0; 32];
        hex::decode_to_slice(text, &mut digest)?;
        Ok(Self(digest))
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        hex::encode(digest.0)
    }
}

/// Hashes block after block, beginning where a block begins.
#[derive(Debug)]
pub(crate) struct Blocks {
    /// Digests of whole blocks that nobody has taken yet.
    ready: Vec<Digest>,
    block: Sha256,
    in_block: u64,
    /// Where the next byte belongs.
    position: u64,
}

impl Blocks {
    pub(crate) fn from(start: u64) -> Self {
        Self { ready: Vec::new(), block: Sha256::new(), in_block: 0, position: start }
    }

    pub(crate) fn update(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let room = usize::try_from(BLOCK - self.in_block).unwrap_or(usize::MAX);
            let (now, later) = bytes.split_at(bytes.len().min(room));
            self.block.update(now);
            self.in_block += now.len() as u64;
            self.position += now.len() as u64;
            if self.in_block == BLOCK {
                self.in_block = 0;
                self.ready.push(Digest(self.block.finalize_reset().into()));
            }
            bytes = later;
        }
    }

    /// Where the next byte belongs.
    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    /// The digests of the whole blocks since the last time.
    pub(crate) fn take(&mut self) -> Vec<Digest> {
        std::mem::take(&mut self.ready)
    }

    /// The digest of the block that is not whole, if one has begun.
    pub(crate) fn rest(&self) -> Option<Digest> {
        (self.in_block > 0).then(|| Digest(self.block.clone().finalize().into()))
    }
}

/// Computes the hash of a stream, however it is cut.
#[derive(Debug)]
pub struct ContentHasher {
    outer: Outer,
    blocks: Blocks,
}

impl Default for ContentHasher {
    fn default() -> Self {
        Self::new()
    }
}

impl ContentHasher {
    /// Of nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::after(Outer::new())
    }

    /// Of what comes after these blocks.
    pub(crate) fn after(outer: Outer) -> Self {
        let blocks = Blocks::from(outer.length());
        Self { outer, blocks }
    }

    /// The next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.blocks.update(bytes);
        self.blocks.take().into_iter().for_each(|digest| self.outer.push(digest));
    }

    /// Bytes so far.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.blocks.position()
    }

    /// Of the whole blocks so far.
    pub(crate) fn whole_blocks(&self) -> &Outer {
        &self.outer
    }

    /// The hash of everything so far: 64 lower-case hex digits.
    #[must_use]
    pub fn finish(&self) -> String {
        self.outer.clone().finish(self.blocks.rest())
    }
}

/// The content hash of bytes in memory.
#[must_use]
pub fn content_hash(bytes: &[u8]) -> String {
    let mut hasher = ContentHasher::new();
    hasher.update(bytes);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: usize = 4 << 20;

    #[track_caller]
    fn check(content: &[u8], want: &str) {
        assert_eq!(content_hash(content), want);
        let mut pieces = ContentHasher::new();
        for piece in content.chunks(1_000_003) {
            pieces.update(piece);
            // Put on record and taken up at the last boundary, with the bytes since then once more.
            let record = serde_json::to_string(pieces.whole_blocks()).unwrap();
            assert!(record.len() < 300, "{record}");
            let length = usize::try_from(pieces.length()).unwrap();
            pieces = ContentHasher::after(serde_json::from_str(&record).unwrap());
            pieces.update(&content[usize::try_from(pieces.length()).unwrap()..length]);
        }
        assert_eq!(pieces.length(), content.len() as u64);
        assert_eq!(pieces.finish(), want, "in pieces");
    }

    /// Made with the hasher that Dropbox publishes for Python.
    #[test]
    fn official_vectors() {
        check(b"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        check(b"hello", "9595c9df90075148eb06860365df33584b75bff782a510c6cd4883a419833d50");
        check(&vec![0; WHOLE], "c7e946d101855255d919ef0c70718633adf77d3dfb3adeeecf5d0cb4e951be58");
        check(&vec![0; WHOLE + 1], "14a4d47f23a30177885d9820122f17d2d3a55fe63f7f5c27b95f689e0b2accd6");
        check(&vec![0x61; 10 << 20], "576f896dca27a476b9c9429b4cc02588f94d59603c16dfce30ae58066da2ad55");
    }

    #[test]
    fn blocks_are_hashed_wherever_they_lie() {
        let content: Vec<u8> = (0..250).cycle().take(WHOLE * 2 + 7).collect();
        let mut outer = Outer::new();
        for part in content.chunks(WHOLE) {
            let mut blocks = Blocks::from(outer.length());
            blocks.update(part);
            blocks.take().into_iter().for_each(|digest| outer.push(digest));
            if let Some(rest) = blocks.rest() {
                assert_eq!(outer.clone().finish(Some(rest)), content_hash(&content));
            }
        }
        assert_eq!(outer.length(), 2 * BLOCK);
    }
}
