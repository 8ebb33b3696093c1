//! One pass over a range of the output. Each input is read by one stream that stays open from fragment to fragment.

use std::{ops::Range, sync::Arc};

use bytes::Bytes;
use futures::TryStreamExt;
use sluice_domain::Failure;
use sluice_mux::{Piece, Track};
use sluice_transfer::ByteStream;

use super::{Inner, torn};

/// A reader on its way.
pub(super) struct Reading {
    inner: Arc<Inner>,
    at: u64,
    to: u64,
    video: Option<Input>,
    audio: Option<Input>,
}

/// An open input.
struct Input {
    stream: ByteStream,
    /// Bytes that came and are not yet given.
    pending: Bytes,
    /// Offset of the first of them.
    position: u64,
}

impl Reading {
    pub(super) fn new(inner: Arc<Inner>, from: u64, to: u64) -> Self {
        Self { inner, at: from, to, video: None, audio: None }
    }

    /// The next bytes.
    pub(super) async fn next(mut self) -> Result<Option<(Bytes, Self)>, Failure> {
        let Some(piece) = self.inner.plan.read(self.at..self.to).next() else { return Ok(None) };
        let bytes = match piece {
            Piece::Bytes(bytes) => bytes,
            Piece::Copy { track, range } => self.copy(track, range).await?,
            Piece::Tail(range) => self.inner.tail().await?.slice(range),
            Piece::Patched(_) => return Err(Failure::internal("this layout changes no fragments")),
        };
        self.at += bytes.len() as u64;
        Ok(Some((bytes, self)))
    }

    /// Some bytes from the beginning of this range of an input, at least one.
    async fn copy(&mut self, track: Track, range: Range<u64>) -> Result<Bytes, Failure> {
        let kept = match track {
            Track::Video => self.video.take(),
            Track::Audio => self.audio.take(),
        };
        let mut input = match kept {
            Some(input) if input.position == range.start => input,
            _ => open(&self.inner, self.at..self.to, track, range.start).await?,
        };
        while input.pending.is_empty() {
            let next = input.stream.try_next().await?;
            input.pending = next.ok_or_else(|| Failure::internal("an input has fewer bytes than its length"))?;
        }
        let most = usize::try_from(range.end - range.start).unwrap_or(usize::MAX);
        let bytes = input.pending.split_to(most.min(input.pending.len()));
        input.position += bytes.len() as u64;
        self.inner.tables().pass(track, range.start, &bytes).map_err(|why| torn(&why))?;
        match track {
            Track::Video => self.video = Some(input),
            Track::Audio => self.audio = Some(input),
        }
        Ok(bytes)
    }
}

/// Opens an input at `from`, up to what a range of the output needs of it.
async fn open(inner: &Inner, output: Range<u64>, track: Track, from: u64) -> Result<Input, Failure> {
    let to = (output.end < inner.plan.len()).then(|| end_of(inner, output, track)).flatten();
    let stream = inner.inputs.get(track).open(from, to).await?;
    Ok(Input { stream, pending: Bytes::new(), position: from })
}

/// Where the part of an input ends that this range of the output has.
fn end_of(inner: &Inner, output: Range<u64>, wanted: Track) -> Option<u64> {
    let ends = inner.plan.read(output).filter_map(|piece| match piece {
        Piece::Copy { track, range } if track == wanted => Some(range.end),
        _ => None,
    });
    ends.last()
}
