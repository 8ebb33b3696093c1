//! The source from its first byte to its last, piece by piece, and the content hash of it all.
//!
//! What was sent and what was hashed need not be equally far: an earlier attempt, or a late request of one, may have sent more than this
//! process has seen. The difference is read again for the hash alone; and what is hashed already is not hashed twice.

use sluice_domain::{Failure, Length};
use sluice_transfer::Source;

use super::tap::{Piece, Tap, lied};
use crate::{ContentHasher, content_hash::Outer};

/// A source on its way into a session that takes one append after the other.
pub(super) struct Feed<'s> {
    tap: Tap<'s, ContentHasher>,
}

impl<'s> Feed<'s> {
    pub(super) fn new(source: &'s dyn Source) -> Self {
        Self::after(source, Outer::new())
    }

    /// These blocks have been hashed before.
    pub(super) fn after(source: &'s dyn Source, hashed: Outer) -> Self {
        Self { tap: Tap::new(source, ContentHasher::after(hashed)) }
    }

    pub(super) fn source(&self) -> &'s dyn Source {
        self.tap.source()
    }

    /// The next piece from this offset, at most so many bytes; `None` when the source has proven to end here.
    pub(super) async fn piece(&self, offset: u64, most: u64) -> Result<Option<Piece<ContentHasher>>, Failure> {
        let length = self.tap.source().length();
        if self.tap.lock().end == Some(offset) {
            return Ok(None);
        }
        let hashed = self.tap.lock().hasher.length();
        if hashed < offset {
            self.tap.stand_at(hashed, None).await?;
            self.tap.pass(offset).await?;
        } else if offset > 0 && length == Length::Exact(offset) && self.tap.must_open(offset) {
            // All has been read, by whomever: there is nothing to open.
            return Ok(None);
        }
        self.tap.stand_at(offset, None).await?;
        // A request begins when there is something to send.
        let more = self.tap.more().await?;
        let (most, exact) = match (length, more) {
            (Length::Exact(total), true) if offset >= total => return Err(lied(total, "more")),
            (Length::Exact(total), false) if offset < total => return Err(lied(total, "fewer")),
            (_, false) => return Ok(None),
            (Length::Exact(total), true) => (most.min(total - offset), true),
            (Length::Estimate(_) | Length::Unknown, true) => (most, false),
        };
        Ok(Some(self.tap.piece(most, exact)))
    }

    /// The call with the last piece is over: its body gets no more. Tells how far the bytes went that were handed out.
    pub(super) fn close(&self) -> u64 {
        self.tap.close()
    }

    /// What went wrong with the source itself, if anything did.
    pub(super) fn failure(&self) -> Option<Failure> {
        self.tap.failure()
    }

    /// Bytes before this offset are safe.
    pub(super) fn release(&self, offset: u64) {
        self.tap.release(offset);
    }

    /// Of everything that was read.
    pub(super) fn content_hash(&self) -> String {
        self.tap.lock().hasher.finish()
    }

    /// Of the whole blocks that were read.
    pub(super) fn hashed(&self) -> Outer {
        self.tap.lock().hasher.whole_blocks().clone()
    }
}

#[cfg(test)]
mod tests;
