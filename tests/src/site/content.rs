//! Bytes that a path serves, up to any size without holding it: real parts, then filler produced on the fly.

use std::{
    collections::HashMap,
    path::Path,
    sync::{Arc, OnceLock},
};

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::noise::Noise;

/// What lies behind a path.
#[derive(Debug, Clone)]
pub struct Content {
    /// One behind the other, each with where it begins.
    parts: Arc<[(u64, Bytes)]>,
    /// Where the filler begins.
    filled_from: u64,
    filler: Filler,
    length: u64,
    etag: Arc<OnceLock<String>>,
}

#[derive(Debug, Clone)]
enum Filler {
    /// The same again and again.
    Repeated(Bytes),
    /// Another at every place.
    Noise(Noise),
}

/// Bytes of filler made at once.
const FILLER: usize = 64 * 1024;

impl Content {
    /// Exactly these bytes.
    pub fn new(bytes: impl Into<Bytes>) -> Self {
        Self::joined([bytes.into()])
    }

    /// These bytes, one behind the other, without copying them.
    pub fn joined(parts: impl IntoIterator<Item = Bytes>) -> Self {
        let mut length = 0;
        let parts: Arc<[_]> = parts
            .into_iter()
            .filter(|part| !part.is_empty())
            .map(|part| {
                let start = length;
                length += part.len() as u64;
                (start, part)
            })
            .collect();
        Self { parts, filled_from: length, filler: Filler::Repeated(Bytes::new()), length, etag: Arc::default() }
    }

    fn filled(self, length: u64, filler: Filler) -> Self {
        Self { length: length.max(self.filled_from), filler, etag: Arc::default(), ..self }
    }

    /// An MP4 that plays, grown to `length` bytes by one legal `free` box. Shorter than the film itself plus the
    /// 16 bytes of the box header it cannot get.
    pub fn padded_mp4(film: &Bytes, length: u64) -> Self {
        Self::grown(film, length, Filler::Repeated(vec![0; FILLER].into()))
    }

    /// The same with noise in the box, another for each `seed`: no piece of it can be taken for another.
    pub fn noisy_mp4(film: &Bytes, length: u64, seed: u64) -> Self {
        Self::grown(film, length, Filler::Noise(Noise::new(seed)))
    }

    fn grown(film: &Bytes, length: u64, filler: Filler) -> Self {
        let free = length.saturating_sub(film.len() as u64).max(16);
        // Size 1 announces a 64-bit size behind the type.
        let mut header = vec![0, 0, 0, 1];
        header.extend_from_slice(b"free");
        header.extend_from_slice(&free.to_be_bytes());
        Self::joined([film.clone(), header.into()]).filled(film.len() as u64 + free, filler)
    }

    /// A transport stream that plays, grown to about `length` bytes by null packets (PID 0x1FFF).
    pub fn padded_ts(segment: &Bytes, length: u64) -> Self {
        const PACKET: usize = 188;
        let mut null = [0xFF; PACKET];
        null[..4].copy_from_slice(&[0x47, 0x1F, 0xFF, 0x10]);
        let length = length.next_multiple_of(PACKET as u64).max(segment.len() as u64);
        Self::new(segment.clone()).filled(length, Filler::Repeated(null.repeat(FILLER / PACKET).into()))
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
        let (source, start) = match &self.filler {
            _ if offset < self.filled_from => {
                let behind = self.parts.partition_point(|(start, _)| *start <= offset);
                let (start, part) = &self.parts[behind.saturating_sub(1)];
                (part.clone(), offset - start)
            }
            Filler::Noise(noise) => noise.at(offset - self.filled_from),
            Filler::Repeated(filler) => (filler.clone(), (offset - self.filled_from) % filler.len() as u64),
        };
        let end = start.saturating_add(limit).min(source.len() as u64);
        source.slice(size(start)..size(end))
    }

    /// All of it, piece by piece.
    pub fn pieces(&self) -> impl Iterator<Item = Bytes> + '_ {
        let mut offset = 0;
        std::iter::from_fn(move || {
            let piece = (offset < self.length).then(|| self.at(offset, u64::MAX))?;
            offset += piece.len() as u64;
            Some(piece)
        })
    }

    /// SHA-256 of all of it, as lower-case hex.
    pub fn sha256(&self) -> String {
        let mut digest = Sha256::new();
        self.pieces().for_each(|piece| digest.update(piece));
        hex::encode(digest.finalize())
    }

    /// Writes all of it into a file.
    pub fn write(&self, path: &Path) -> Result<()> {
        use std::io::Write as _;
        let mut file = std::io::BufWriter::new(std::fs::File::create(path)?);
        self.pieces().try_for_each(|piece| file.write_all(&piece))?;
        Ok(file.flush()?)
    }

    /// An error that names the first place where the file at `path` differs.
    pub fn compare(&self, path: &Path) -> Result<()> {
        use std::io::Read as _;
        let mut file = std::fs::File::open(path).with_context(|| path.display().to_string())?;
        let found = file.metadata()?.len();
        ensure!(found == self.length, "{} bytes instead of {}", found, self.length);
        let (mut offset, mut read) = (0, vec![0; FILLER]);
        while offset < self.length {
            let piece = self.at(offset, FILLER as u64);
            let got = &mut read[..piece.len()];
            file.read_exact(got)?;
            if let Some(place) = piece.iter().zip(got.iter()).position(|(wanted, got)| wanted != got) {
                anyhow::bail!("another byte at {}", offset + place as u64);
            }
            offset += piece.len() as u64;
        }
        Ok(())
    }

    /// A strong validator. It names every byte without reading them all: what lies behind several places of a long film is read once.
    pub(super) fn etag(&self) -> String {
        let make = || {
            let mut digest = Sha256::new();
            let mut read = HashMap::new();
            for (_, part) in self.parts.iter() {
                digest.update(read.entry((part.as_ptr(), part.len())).or_insert_with(|| Sha256::digest(part)));
            }
            digest.update(self.length.to_be_bytes());
            if let Filler::Noise(noise) = &self.filler {
                digest.update(noise.seed().to_be_bytes());
            }
            format!("\"{}\"", &hex::encode(digest.finalize())[..20])
        };
        self.etag.get_or_init(make).clone()
    }
}

/// A place within a slice in memory is a size.
fn size(value: u64) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
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
    fn it_has_the_promised_length_and_is_the_same_at_every_step() {
        let film = Bytes::from_static(b"film");
        for content in [
            Content::padded_mp4(&film, 200_000),
            Content::padded_ts(&film, 200_000),
            Content::noisy_mp4(&film, 200_000, 1),
            Content::joined(["ab", "", "cde", "f"].map(Bytes::from)),
            Content::new("abc"),
        ] {
            let whole = all(&content, u64::MAX);
            assert_eq!(whole.len() as u64, content.len());
            assert_eq!(whole, all(&content, 977));
            assert_eq!(whole, all(&content, 1));
            assert_eq!(content.sha256(), hex::encode(Sha256::digest(&whole)));
        }
    }

    #[test]
    fn a_file_is_compared_to_the_byte() {
        let content = Content::noisy_mp4(&Bytes::from_static(b"film"), 300_000, 1);
        let file = tempfile::NamedTempFile::new().unwrap();
        content.write(file.path()).unwrap();
        content.compare(file.path()).unwrap();
        let other = Content::noisy_mp4(&Bytes::from_static(b"film"), 300_000, 2);
        assert!(other.compare(file.path()).unwrap_err().to_string().contains("another byte at 20"));
        assert_ne!(content.etag(), other.etag());
        let longer = Content::noisy_mp4(&Bytes::from_static(b"film"), 300_001, 1);
        assert!(longer.compare(file.path()).is_err());
    }
}
