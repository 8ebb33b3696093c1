//! Reads the samples of one fragment from whatever bytes of it come by.

use std::ops::Range;

use super::{FragmentTable, parse_moof};
use crate::{
    head::Header,
    limits,
    unsuitable::{Result, Unsuitable},
    wire::{BoxHeader, Driver, Machine, Step, index, length},
};

/// A fragment that is being read. Feed it the stream as it passes, or only what it [`wants`](Scan::wants): the media
/// itself it never does.
#[derive(Debug)]
pub struct Scan {
    driver: Driver<Boxes>,
    index: usize,
}

#[derive(Debug)]
struct Boxes {
    header: Header,
    end: u64,
    table: FragmentTable,
    /// What the `mdat` boxes hold.
    media: Vec<Range<u64>>,
    boxes: u32,
}

impl Scan {
    /// Begins with fragment `index` of `header`; `None` when there is none.
    pub fn new(header: &Header, index: usize) -> Option<Self> {
        let range = header.range(index)?;
        let table = FragmentTable::default();
        let boxes = Boxes { header: header.clone(), end: range.end, table, media: Vec::new(), boxes: 0 };
        Some(Self { driver: Driver::new(boxes, range), index })
    }

    /// The fragment's number in its input.
    pub fn index(&self) -> usize {
        self.index
    }

    /// The bytes of the input that are needed next; `None` when the fragment is known.
    pub fn wants(&self) -> Option<Range<u64>> {
        self.driver.wants(limits::READ_AHEAD)
    }

    /// Takes bytes of the input, of which the first is at `offset`. Those that are not needed are ignored.
    pub fn feed(&mut self, offset: u64, data: &[u8]) -> Result<()> {
        self.driver.feed(offset, data)
    }

    /// The samples, when nothing is wanted any more.
    pub fn finish(self) -> Option<FragmentTable> {
        self.driver.is_done().then_some(self.driver.machine.table)
    }
}

impl Machine for Boxes {
    fn step(&mut self, at: u64, bytes: &[u8]) -> Result<Step> {
        if at == self.end {
            return within(&self.table, &self.media).map(|()| Step::Done);
        }
        let Some(head) = BoxHeader::parse(bytes)? else {
            return Ok(Step::More(if length(bytes) < 8 { 8 } else { BoxHeader::MAX }));
        };
        self.boxes += 1;
        if self.boxes > limits::MAX_HEAD_BOXES * 100 {
            return Err(Unsuitable::OverCap("boxes of a fragment"));
        }
        let size = head.size.unwrap_or(self.end - at);
        let next = at.checked_add(size).ok_or(Unsuitable::Sizes("a box ends after its parent"))?;
        match &head.kind {
            b"moof" if size > limits::MAX_MOOF => return Err(Unsuitable::OverCap("moof")),
            b"moof" if length(bytes) < size => return Ok(Step::More(size)),
            b"moof" => {
                let body = bytes.get(index(head.header)..).unwrap_or_default();
                parse_moof(self.header.track(), at, body, &mut self.table)?;
            }
            b"mdat" => self.media.push(at + head.header..next),
            b"moov" => return Err(Unsuitable::Sizes("a second moov")),
            _ => {}
        }
        Ok(Step::Goto(next))
    }
}

/// Every sample lies in an `mdat` of the fragment, so a table never points at anything else; and they do not share bytes, so a table is never
/// larger than a multiple of its media.
pub(super) fn within(table: &FragmentTable, media: &[Range<u64>]) -> Result<()> {
    let mut first = 0;
    let mut room: u64 = media.iter().map(|range| range.end - range.start).sum();
    for (start, end) in table.extents() {
        let end = end.ok_or(Unsuitable::Malformed("trun"))?;
        let holds = |range: &Range<u64>| range.start <= start && end <= range.end;
        // Chunks go forward almost always; only a step back searches from the start.
        let found = media.iter().skip(first).position(holds).map(|found| found + first);
        first =
            found.or_else(|| media.iter().position(holds)).ok_or(Unsuitable::Sizes("samples outside their mdat"))?;
        room = room.checked_sub(end - start).ok_or(Unsuitable::Sizes("samples that share bytes"))?;
    }
    Ok(())
}
