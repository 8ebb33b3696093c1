//! The part of a stream that is kept: what was read of it and may be read again.

use std::collections::VecDeque;

use bytes::{Buf, Bytes};
use sluice_domain::Failure;

/// Chunks in a row. They take up as much as they have bytes, as far as they own no more memory than that.
#[derive(Default)]
pub(crate) struct Stretch {
    chunks: VecDeque<Bytes>,
    /// Where the first chunk begins: all before it is released.
    pub(crate) from: u64,
    /// Where the last one ends, in bytes from the start of the stream.
    pub(crate) to: u64,
}

impl Stretch {
    /// One more chunk.
    pub(crate) fn push(&mut self, chunk: Bytes) {
        self.to += chunk.len() as u64;
        if !chunk.is_empty() {
            self.chunks.push_back(chunk);
        }
    }

    /// Can somebody begin to read at this offset?
    pub(crate) fn reaches(&self, offset: u64) -> Result<(), Failure> {
        let (first, last) = (self.from, self.to);
        if (first..=last).contains(&offset) {
            Ok(())
        } else {
            Err(Failure::internal(format!("byte {offset} of a stream of which {first} to {last} are kept")))
        }
    }

    /// Lets go of what lies before this offset.
    pub(crate) fn release(&mut self, offset: u64) {
        let mut left = offset.min(self.to).saturating_sub(self.from);
        self.from += left;
        while left > 0 {
            let Some(first) = self.chunks.front_mut() else { break };
            let here = usize::try_from(left).unwrap_or(usize::MAX).min(first.len());
            first.advance(here);
            left -= here as u64;
            if first.is_empty() {
                self.chunks.pop_front();
            }
        }
    }

    /// What is kept from this offset on, up to the end of its chunk.
    fn at(&self, offset: u64) -> Option<Bytes> {
        let mut begins = self.from;
        for chunk in &self.chunks {
            let ends = begins + chunk.len() as u64;
            if offset < ends {
                let skip = usize::try_from(offset.checked_sub(begins)?).ok()?;
                return Some(chunk.slice(skip..));
            }
            begins = ends;
        }
        None
    }

    /// What whoever reads at this offset gets of a stream that has ended so, or has not: a chunk, `Some(None)` at the end, a failure; `None` while that
    /// has yet to come.
    pub(crate) fn known(
        &self,
        offset: u64,
        end: Option<&Result<(), Failure>>,
    ) -> Option<Option<Result<Bytes, Failure>>> {
        if let Some(chunk) = self.at(offset) {
            return Some(Some(Ok(chunk)));
        }
        if offset < self.from {
            let released = Failure::internal(format!("byte {offset} was released before it was read"));
            return Some(Some(Err(released)));
        }
        end.map(|end| end.clone().err().map(Err))
    }

    /// Nothing is kept any more.
    pub(crate) fn clear(&mut self) {
        self.chunks.clear();
        self.from = self.to;
    }

    /// How many bytes are kept.
    pub(crate) fn len(&self) -> u64 {
        self.to - self.from
    }
}

impl std::fmt::Debug for Stretch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stretch").field("from", &self.from).field("to", &self.to).finish_non_exhaustive()
    }
}
