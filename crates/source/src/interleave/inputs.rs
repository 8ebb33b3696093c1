//! The two inputs, and how they are read.

use std::{ops::Range, sync::Arc};

use bytes::Bytes;
use futures::TryStreamExt;
use sluice_domain::Failure;
use sluice_mux::Track;
use sluice_transfer::{ByteStream, Source};

/// The picture and the sound.
#[derive(Clone)]
pub(crate) struct Inputs {
    pub(crate) video: Arc<dyn Source>,
    pub(crate) audio: Arc<dyn Source>,
}

impl Inputs {
    pub(super) fn get(&self, track: Track) -> &Arc<dyn Source> {
        match track {
            Track::Video => &self.video,
            Track::Audio => &self.audio,
        }
    }

    /// A short range, whole.
    pub(super) async fn read(&self, track: Track, range: Range<u64>) -> Result<Bytes, Failure> {
        let (from, wanted) = (range.start, range.end - range.start);
        let pieces: Vec<Bytes> = self.get(track).open(from, Some(range.end)).await?.try_collect().await?;
        let bytes: Bytes = if let [one] = &pieces[..] { one.clone() } else { pieces.concat().into() };
        if bytes.len() as u64 == wanted {
            Ok(bytes)
        } else {
            Err(Failure::internal(format!("{} bytes where {wanted} were asked for", bytes.len())))
        }
    }
}

/// Reads both from front to back, each by one stream that stays open as long as nothing is left out.
#[derive(Default)]
pub(super) struct Readers {
    video: Option<Reader>,
    audio: Option<Reader>,
}

/// An open input.
struct Reader {
    stream: ByteStream,
    /// Bytes that came and are not yet given.
    pending: Bytes,
    /// Offset of the first of them.
    position: u64,
}

impl Readers {
    /// Some bytes from the beginning of this range, at least one. `end` is asked when the input has to be opened: how far will it be read?
    pub(super) async fn next(
        &mut self,
        inputs: &Inputs,
        track: Track,
        range: Range<u64>,
        end: impl FnOnce() -> Option<u64>,
    ) -> Result<Bytes, Failure> {
        let place = match track {
            Track::Video => &mut self.video,
            Track::Audio => &mut self.audio,
        };
        let reader = match place {
            Some(reader) if reader.position == range.start => reader,
            _ => {
                let stream = inputs.get(track).open(range.start, end()).await?;
                place.insert(Reader { stream, pending: Bytes::new(), position: range.start })
            }
        };
        while reader.pending.is_empty() {
            let next = reader.stream.try_next().await?;
            reader.pending = next.ok_or_else(|| Failure::internal("an input has fewer bytes than its length"))?;
        }
        let most = usize::try_from(range.end - range.start).unwrap_or(usize::MAX);
        let bytes = reader.pending.split_to(most.min(reader.pending.len()));
        reader.position += bytes.len() as u64;
        Ok(bytes)
    }
}
