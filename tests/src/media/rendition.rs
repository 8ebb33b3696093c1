//! One stream in one file as adaptive sites serve it, with what a manifest must say about it.
//! Reads just the box and element headers a manifest needs; it is no parser for foreign files.

use std::ops::Range;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;

/// Video or audio alone, in a fragmented MP4 with a `sidx` or in a WebM with its Cues first.
#[derive(Debug, Clone)]
pub struct Rendition {
    /// The file.
    pub bytes: Bytes,
    /// `video/mp4`, `audio/webm`, …
    pub mime: &'static str,
    /// RFC 6381 codecs string, for example `avc1.64001f`.
    pub codecs: String,
    /// Height in pixels; 0 for audio.
    pub height: u32,
    /// Length in seconds.
    pub seconds: u32,
    /// Where the initialisation part lies: a manifest tells players to fetch it first.
    pub header: Range<usize>,
    /// Where the index (`sidx` or Cues) lies.
    pub index: Range<usize>,
}

impl Rendition {
    /// Bits per second over the whole file, rounded up.
    pub fn bits_per_second(&self) -> u64 {
        (self.bytes.len() as u64 * 8).div_ceil(u64::from(self.seconds.max(1)))
    }

    /// Width in pixels; 0 for audio.
    pub fn width(&self) -> u32 {
        super::encode::width(self.height)
    }

    pub(super) fn mp4(bytes: Bytes, height: u32, seconds: u32) -> Result<Self> {
        let index = top_level_box(&bytes, b"sidx")?;
        let codecs = match position(&bytes[..index.start], b"avcC") {
            // avcC: version, then profile, compatibility and level, which are the codecs string.
            Some(found) => format!("avc1.{}", hex::encode(&bytes[found + 5..found + 8])),
            None => "mp4a.40.2".to_owned(),
        };
        let mime = if height > 0 { "video/mp4" } else { "audio/mp4" };
        Ok(Self { mime, codecs, height, seconds, header: 0..index.start, index, bytes })
    }

    pub(super) fn webm(bytes: Bytes, height: u32, seconds: u32) -> Result<Self> {
        const CUES: &[u8] = &[0x1C, 0x53, 0xBB, 0x6B];
        const CLUSTER: &[u8] = &[0x1F, 0x43, 0xB6, 0x75];
        // The first Cluster ends the Cues: the muxer was told to put them first. The seek table before them names
        // both ids too, so the search begins behind the track list, at the last Cues id before the first frame.
        let cluster = position(&bytes, CLUSTER).context("no Cluster")?;
        let cues =
            bytes[..cluster].windows(4).rposition(|found| found == CUES).context("no Cues before the Cluster")?;
        let (mime, codecs) = if height > 0 { ("video/webm", "vp09.00.31.08") } else { ("audio/webm", "opus") };
        Ok(Self { mime, codecs: codecs.into(), height, seconds, header: 0..cues, index: cues..cluster, bytes })
    }
}

fn top_level_box(bytes: &[u8], kind: &[u8; 4]) -> Result<Range<usize>> {
    let mut start = 0;
    while let Some(header) = bytes.get(start..start + 8) {
        let size = u32::from_be_bytes([header[0], header[1], header[2], header[3]]) as usize;
        ensure!(size >= 8, "a box of {size} bytes at {start}");
        if &header[4..] == kind {
            return Ok(start..start + size);
        }
        start += size;
    }
    anyhow::bail!("no {} box", String::from_utf8_lossy(kind))
}

fn position(bytes: &[u8], pattern: &[u8]) -> Option<usize> {
    bytes.windows(pattern.len()).position(|found| found == pattern)
}
