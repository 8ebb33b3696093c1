//! Bytes that a path serves, up to any size without holding it: a real head, then filler produced on the fly.

use bytes::Bytes;

/// What lies behind a path.
#[derive(Debug, Clone)]
pub struct Content {
    head: Bytes,
    filler: Bytes,
    length: u64,
}

/// Bytes of filler made at once.
const FILLER: usize = 64 * 1024;

impl Content {
    /// Exactly these bytes.
    pub fn new(bytes: impl Into<Bytes>) -> Self {
        let head = bytes.into();
        Self { length: head.len() as u64, head, filler: Bytes::new() }
    }

    /// An MP4 that plays, grown to `length` bytes by one legal `free` box. Shorter than the film itself plus the
    /// 16 bytes of the box header it cannot get.
    pub fn padded_mp4(film: &Bytes, length: u64) -> Self {
        let free = length.saturating_sub(film.len() as u64).max(16);
        let mut head = film.to_vec();
        // Size 1 announces a 64-bit size behind the type.
        head.extend_from_slice(&[0, 0, 0, 1]);
        head.extend_from_slice(b"free");
        head.extend_from_slice(&free.to_be_bytes());
        Self { length: film.len() as u64 + free, head: head.into(), filler: vec![0; FILLER].into() }
    }

    /// A transport stream that plays, grown to about `length` bytes by null packets (PID 0x1FFF).
    pub fn padded_ts(segment: &Bytes, length: u64) -> Self {
        const PACKET: usize = 188;
        let mut null = [0xFF; PACKET];
        null[..4].copy_from_slice(&[0x47, 0x1F, 0xFF, 0x10]);
        let length = length.next_multiple_of(PACKET as u64).max(segment.len() as u64);
        Self { length, head: segment.clone(), filler: null.repeat(FILLER / PACKET).into() }
    }

    /// Length in bytes.
    pub fn len(&self) -> u64 {
        self.length
    }

    /// Whether there is not one byte.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// At least one and at most `limit` bytes from `offset` on, which must lie inside; shares memory, copies nothing.
    pub(super) fn at(&self, offset: u64, limit: u64) -> Bytes {
        let limit = limit.min(self.length.saturating_sub(offset));
        let head = self.head.len() as u64;
        let (source, start) = if offset < head {
            (&self.head, offset)
        } else {
            (&self.filler, (offset - head) % self.filler.len() as u64)
        };
        let end = start.saturating_add(limit).min(source.len() as u64);
        // Both lie within a slice in memory, so they are sizes.
        let size = |value: u64| usize::try_from(value).unwrap_or(usize::MAX);
        source.slice(size(start)..size(end))
    }

    /// A strong validator.
    pub(super) fn etag(&self) -> String {
        use sha2::{Digest, Sha256};
        let mut digest = Sha256::new();
        digest.update(&self.head);
        digest.update(self.length.to_be_bytes());
        format!("\"{}\"", &hex::encode(digest.finalize())[..20])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(content: &Content, step: u64) -> Vec<u8> {
        let mut bytes = Vec::new();
        while (bytes.len() as u64) < content.len() {
            bytes.extend_from_slice(&content.at(bytes.len() as u64, step));
        }
        bytes
    }

    #[test]
    fn padding_has_the_promised_length_and_is_the_same_at_every_step() {
        let film = Bytes::from_static(b"film");
        for content in [Content::padded_mp4(&film, 200_000), Content::padded_ts(&film, 200_000), Content::new("abc")] {
            let whole = all(&content, u64::MAX);
            assert_eq!(whole.len() as u64, content.len());
            assert_eq!(whole, all(&content, 977));
        }
    }
}
