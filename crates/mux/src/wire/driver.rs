//! Feeds a machine that reads boxes here and there in a file, from whatever pieces arrive.

use std::ops::Range;

use super::index;
use crate::{
    limits,
    unsuitable::{Result, Unsuitable},
};

/// What a machine does with the bytes at its place.
pub(crate) enum Step {
    /// Come back with this many bytes from the same place; more than there were.
    More(u64),
    /// Go on there, which may be behind.
    Goto(u64),
    /// Nothing more is wanted.
    Done,
}

/// Something that reads a file box by box.
pub(crate) trait Machine {
    /// Looks at the bytes at `at`; fewer than 8 only where the file ends.
    fn step(&mut self, at: u64, bytes: &[u8]) -> Result<Step>;
}

/// A machine, its place, and the bytes that it has there. Keeps no more than the machine asked for.
#[derive(Debug)]
pub(crate) struct Driver<M> {
    pub(crate) machine: M,
    at: u64,
    end: u64,
    need: u64,
    buffer: Vec<u8>,
    done: bool,
}

impl<M: Machine> Driver<M> {
    /// Reads from `range.start`, never past `range.end`.
    pub(crate) fn new(machine: M, range: Range<u64>) -> Self {
        let mut driver = Self { machine, at: 0, end: range.end, need: 0, buffer: Vec::new(), done: false };
        driver.go(range.start);
        driver
    }

    /// The bytes to feed next, at least `read_ahead` of them unless the end is near; `None` when done.
    pub(crate) fn wants(&self, read_ahead: u64) -> Option<Range<u64>> {
        let have = u64::try_from(self.buffer.len()).unwrap_or(u64::MAX);
        let start = self.at.saturating_add(have);
        let need = self.at.saturating_add(self.need);
        let end = need.max(start.saturating_add(read_ahead)).min(self.end);
        (!self.done).then_some(start..end)
    }

    /// Takes what the machine needs of the bytes at `offset`; bytes elsewhere are ignored.
    pub(crate) fn feed(&mut self, offset: u64, data: &[u8]) -> Result<()> {
        while !self.done {
            let have = u64::try_from(self.buffer.len()).unwrap_or(u64::MAX);
            let missing = self.need.saturating_sub(have);
            if missing > 0 {
                let Some(skip) = (self.at + have).checked_sub(offset) else { return Ok(()) };
                let Some(rest) = data.get(index(skip)..).filter(|rest| !rest.is_empty()) else { return Ok(()) };
                let taken = rest.get(..index(missing)).unwrap_or(rest);
                self.buffer.extend_from_slice(taken);
                if taken.len() < index(missing) {
                    return Ok(());
                }
            }
            match self.machine.step(self.at, &self.buffer)? {
                Step::Done => self.done = true,
                Step::Goto(at) if at > self.end => return Err(Unsuitable::Sizes("a box ends after its parent")),
                Step::Goto(at) => self.go(at),
                Step::More(count) if count <= self.need || self.at.saturating_add(count) > self.end => {
                    return Err(Unsuitable::Sizes("a box ends after its parent"));
                }
                Step::More(count) => self.need = count,
            }
        }
        self.buffer = Vec::new();
        Ok(())
    }

    pub(crate) fn is_done(&self) -> bool {
        self.done
    }

    fn go(&mut self, at: u64) {
        self.at = at;
        self.buffer.clear();
        // One large box must not keep its room for the rest of the walk.
        self.buffer.shrink_to(index(limits::FIRST_READ));
        self.need = self.end.saturating_sub(at).min(8);
    }
}
