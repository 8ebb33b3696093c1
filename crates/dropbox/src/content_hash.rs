//! Dropbox's content hash: SHA-256 over the SHA-256 of each 4 MiB block.
//!
//! Source: Dropbox, "Content hash" (developers' reference).

use sha2::{Digest, Sha256};

/// 4 MiB.
const BLOCK: usize = 4 * 1024 * 1024;

/// Computes the hash of a stream, however it is cut.
#[derive(Debug, Clone, Default)]
pub struct ContentHasher {
    whole: Sha256,
    block: Sha256,
    /// Bytes in `block`, at most [`BLOCK`].
    in_block: usize,
    length: u64,
}

impl ContentHasher {
    /// Of nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The next bytes.
    pub fn update(&mut self, mut bytes: &[u8]) {
        self.length += bytes.len() as u64;
        while !bytes.is_empty() {
            if self.in_block == BLOCK {
                self.close_block();
            }
            let (now, later) = bytes.split_at(bytes.len().min(BLOCK - self.in_block));
            self.block.update(now);
            self.in_block += now.len();
            bytes = later;
        }
    }

    /// Bytes so far.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.length
    }

    /// The hash of everything so far: 64 lower-case hex digits.
    #[must_use]
    pub fn finish(mut self) -> String {
        if self.in_block > 0 {
            self.close_block();
        }
        hex::encode(self.whole.finalize())
    }

    fn close_block(&mut self) {
        self.whole.update(self.block.finalize_reset());
        self.in_block = 0;
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

    #[track_caller]
    fn check(content: &[u8], want: &str) {
        assert_eq!(content_hash(content), want);
        let mut pieces = ContentHasher::new();
        content.chunks(1_000_003).for_each(|piece| pieces.update(piece));
        assert_eq!(pieces.length(), content.len() as u64);
        assert_eq!(pieces.finish(), want, "in pieces");
    }

    /// Made with the hasher that Dropbox publishes for Python.
    #[test]
    fn official_vectors() {
        check(b"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        check(b"hello", "9595c9df90075148eb06860365df33584b75bff782a510c6cd4883a419833d50");
        check(&vec![0; BLOCK], "c7e946d101855255d919ef0c70718633adf77d3dfb3adeeecf5d0cb4e951be58");
        check(&vec![0; BLOCK + 1], "14a4d47f23a30177885d9820122f17d2d3a55fe63f7f5c27b95f689e0b2accd6");
        check(&vec![0x61; 10 << 20], "576f896dca27a476b9c9429b4cc02588f94d59603c16dfce30ae58066da2ad55");
    }
}
