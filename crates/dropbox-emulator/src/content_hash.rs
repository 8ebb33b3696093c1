//! Dropbox's content hash, computed as the bytes pass: SHA-256 over the SHA-256 digests of 4 MiB blocks.
//!
//! <https://www.dropbox.com/developers/reference/content-hash>. Refuses to hold blocks: only the two running digests.

use std::io::Read as _;
use std::path::Path;

use sha2::{Digest as _, Sha256};

/// Block size of the hash, and the unit of concurrent upload sessions: 4 MiB.
pub(crate) const BLOCK: usize = 4 * 1024 * 1024;

/// A content hash in the making. Cloning it is how an append can be undone.
#[derive(Clone, Default)]
pub(crate) struct ContentHash {
    digests: Sha256,
    block: Sha256,
    filled: usize,
}

impl ContentHash {
    pub(crate) fn update(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(BLOCK - self.filled));
            self.block.update(now);
            self.filled += now.len();
            if self.filled == BLOCK {
                self.digests.update(self.block.finalize_reset());
                self.filled = 0;
            }
            bytes = later;
        }
    }

    /// Lower-case hex.
    pub(crate) fn finish(mut self) -> String {
        if self.filled > 0 {
            self.digests.update(self.block.finalize());
        }
        hex::encode(self.digests.finalize())
    }

    /// Hashes a file, 1 MiB at a time. Blocks the thread.
    pub(crate) fn of_file(path: &Path) -> std::io::Result<String> {
        let mut file = std::fs::File::open(path)?;
        let mut hash = Self::default();
        let mut buffer = vec![0_u8; 1024 * 1024];
        loop {
            match file.read(&mut buffer)? {
                0 => return Ok(hash.finish()),
                read => hash.update(&buffer[..read]),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Vectors of Dropbox's own hasher; the pieces must not matter.
    fn check(content: &[u8], expected: &str) {
        for piece in [1_000_003, BLOCK, BLOCK + 1] {
            let mut hash = ContentHash::default();
            content.chunks(piece).for_each(|bytes| hash.update(bytes));
            assert_eq!(hash.finish(), expected, "{} bytes in pieces of {piece}", content.len());
        }
    }

    #[test]
    fn known_hashes() {
        check(b"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        check(b"hello", "9595c9df90075148eb06860365df33584b75bff782a510c6cd4883a419833d50");
        check(&vec![0; BLOCK], "c7e946d101855255d919ef0c70718633adf77d3dfb3adeeecf5d0cb4e951be58");
        check(&vec![0; BLOCK + 1], "14a4d47f23a30177885d9820122f17d2d3a55fe63f7f5c27b95f689e0b2accd6");
        check(&vec![0x61; 10 * 1024 * 1024], "576f896dca27a476b9c9429b4cc02588f94d59603c16dfce30ae58066da2ad55");
    }
}
