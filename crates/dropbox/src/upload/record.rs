//! Checkpoints: what goes on record of an upload that is under way, and who may go on with it.
//!
//! A session may be used by two workers at once: by one that was thought dead and comes back, and by its successor. Both send the same
//! bytes to the same places, because a checkpoint holds for one fingerprint of the source only; the record refuses the older one, and the
//! content hash is proven at the end.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};
use sluice_domain::{Checkpoint, Failure, Length};
use sluice_transfer::{Access, Journal, Source};
use tokio::time::Instant;

use crate::content_hash::{BLOCK, Digest, Outer};

const VERSION: u32 = 1;
/// So many bytes may be safe without being on record: with the two appends that a single lane has under way, a kill costs 8 MiB.
const MOST_UNRECORDED: u64 = 4 * 1024 * 1024;
/// Fewer bytes wait so long for their record.
const PAUSE: Duration = Duration::from_millis(250);
/// Blocks beyond the first hole that are remembered: with them a checkpoint has some five kilobytes.
pub(super) const MOST_BEYOND: u64 = 64;

/// How a session takes bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    /// One append after the other.
    Sequential,
    /// Blocks in any order, side by side.
    Concurrent,
}

/// What a checkpoint says beside its offset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Note {
    version: u32,
    pub(super) kind: Kind,
    pub(super) session: String,
    /// The whole blocks that are hashed; of a concurrent session, those before the first hole.
    pub(super) hashed: Outer,
    /// Of a concurrent session: the blocks beyond the first hole, by number.
    pub(super) beyond: BTreeMap<u64, Digest>,
}

impl Note {
    pub(super) fn new(kind: Kind, session: &str, hashed: Outer, beyond: BTreeMap<u64, Digest>) -> Self {
        Self { version: VERSION, kind, session: session.to_owned(), hashed, beyond }
    }

    /// Does it make sense for a source of this length?
    fn fits(&self, offset: u64, length: Length) -> bool {
        let total = exact(length).unwrap_or(u64::MAX);
        let (hashed, whole_blocks) = (self.hashed.length(), total / BLOCK);
        let blocks = hashed / BLOCK;
        let of_kind = match self.kind {
            Kind::Sequential => self.beyond.is_empty(),
            Kind::Concurrent => exact(length).is_some() && offset == hashed,
        };
        of_kind
            && self.version == VERSION
            && !self.session.is_empty()
            && self.hashed.is_sound()
            && offset.max(hashed) <= total
            && self.beyond.len() as u64 <= MOST_BEYOND
            && self.beyond.keys().all(|block| (blocks..whole_blocks).contains(block))
    }
}

/// A session that can be gone on with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Resumed {
    /// Bytes from the start that were safe when this went on record.
    pub(super) offset: u64,
    pub(super) note: Note,
}

impl Resumed {
    /// What an earlier attempt left, if it is about the bytes of this source and can be understood.
    pub(super) fn from(checkpoint: &Checkpoint, source: &dyn Source) -> Option<Self> {
        // What passes once cannot be begun in the middle.
        let fingerprint = source.fingerprint().filter(|_| source.access() == Access::Random);
        if fingerprint != Some(&checkpoint.fingerprint) {
            tracing::debug!(checkpoint.offset, "The source is another one; the upload begins again");
            return None;
        }
        let note: Option<Note> = serde_json::from_str(&checkpoint.sink).ok();
        let note = note.filter(|note| note.fits(checkpoint.offset, source.length()));
        if note.is_none() {
            tracing::debug!(checkpoint.offset, "The checkpoint makes no sense; the upload begins again");
        }
        note.map(|note| Self { offset: checkpoint.offset, note })
    }
}

/// The length, when it is known to the byte.
pub(super) fn exact(length: Length) -> Option<u64> {
    match length {
        Length::Exact(total) => Some(total),
        Length::Estimate(_) | Length::Unknown => None,
    }
}

/// Puts checkpoints on record, not too many.
pub(super) struct Recorder<'a> {
    journal: &'a dyn Journal,
    fingerprint: Option<&'a str>,
    /// Bytes that were safe, in all, at the last record.
    recorded: u64,
    at: Option<Instant>,
}

impl<'a> Recorder<'a> {
    pub(super) fn new(journal: &'a dyn Journal, source: &'a dyn Source) -> Self {
        Self { journal, fingerprint: source.fingerprint(), recorded: 0, at: None }
    }

    /// May others go on with what goes on record here?
    pub(super) fn is_shared(&self) -> bool {
        self.fingerprint.is_some()
    }

    /// Is it time for a record, now that so many bytes are safe in all?
    pub(super) fn is_due(&self, safe: u64, now: Instant) -> bool {
        self.has_news(safe)
            && (safe.abs_diff(self.recorded) >= MOST_UNRECORDED || self.at.is_none_or(|at| now >= at + PAUSE))
    }

    /// Is there anything that is not on record?
    pub(super) fn has_news(&self, safe: u64) -> bool {
        self.fingerprint.is_some() && (safe != self.recorded || self.at.is_none() && safe > 0)
    }

    /// Puts it on record: `safe` bytes in all, of which the first `offset` have no hole.
    pub(super) async fn record(&mut self, safe: u64, offset: u64, note: &Note) -> Result<(), Failure> {
        let Some(fingerprint) = self.fingerprint else { return Ok(()) };
        let sink = serde_json::to_string(note).map_err(|error| Failure::internal(format!("checkpoint: {error}")))?;
        self.journal.checkpoint(&Checkpoint { fingerprint: fingerprint.to_owned(), offset, sink }).await?;
        (self.recorded, self.at) = (safe, Some(Instant::now()));
        Ok(())
    }

    /// The last record of an attempt that has failed: a fault here is not what people have to know.
    pub(super) async fn last_word(&mut self, safe: u64, offset: u64, note: &Note) {
        if let Err(failure) = self.record(safe, offset, note).await {
            tracing::debug!(failure.detail, "The last checkpoint is not on record");
        }
    }
}

#[cfg(test)]
mod tests;
