//! Reads an input's header from as few bytes as it takes.

use std::ops::Range;

use super::{Fragment, Header, TrackHead, index::Index, moov, walk::Walk};
use crate::{
    limits,
    unsuitable::{Result, Unsuitable},
    wire::{BoxHeader, Driver, Machine, Step, index, length},
};

/// An input whose header is being read. Feed it what it [`wants`](Probe::wants) until that is `None`.
#[derive(Debug)]
pub struct Probe {
    driver: Driver<Machinery>,
    read_ahead: u64,
}

#[derive(Debug)]
struct Machinery {
    total: u64,
    track: Option<TrackHead>,
    stage: Stage,
    /// Where the media begins, as far as it is known.
    media: u64,
    boxes: u32,
    walked: Option<u64>,
    fragments: Vec<Fragment>,
}

#[derive(Debug)]
enum Stage {
    /// Up to the first `moof`.
    Head(Option<Index>),
    /// At a `sidx` that another refers to.
    Nested(Index),
    /// After the last fragment that the index knows.
    After(Vec<Fragment>),
    Walk(Walk),
}

impl Probe {
    /// For an input of `total` bytes.
    pub fn new(total: u64) -> Result<Self> {
        if total > limits::MAX_INPUT {
            return Err(Unsuitable::OverCap("input"));
        }
        let (stage, fragments) = (Stage::Head(None), Vec::new());
        let machine = Machinery { total, track: None, stage, media: 0, boxes: 0, walked: None, fragments };
        Ok(Self { driver: Driver::new(machine, 0..total), read_ahead: limits::FIRST_READ })
    }

    /// The bytes that are needed next, read ahead where that saves requests; `None` when the header is known.
    pub fn wants(&self) -> Option<Range<u64>> {
        self.driver.wants(self.read_ahead)
    }

    /// Whether the fragments are being found by walking, at one request for each: who has no time for that gives up here.
    pub fn is_walking(&self) -> bool {
        matches!(self.driver.machine.stage, Stage::Walk(_))
    }

    /// Takes bytes of the input, of which the first is at `offset`. Those that are not needed are ignored.
    pub fn feed(&mut self, offset: u64, data: &[u8]) -> Result<()> {
        self.driver.feed(offset, data)?;
        self.read_ahead = limits::READ_AHEAD;
        Ok(())
    }

    /// The header, when nothing is wanted any more.
    pub fn finish(self) -> Option<Header> {
        let done = self.driver.is_done();
        let Machinery { track, fragments, total, walked, .. } = self.driver.machine;
        track.filter(|_| done).map(|track| Header::new(track, fragments, total, walked))
    }
}

impl Machine for Machinery {
    fn step(&mut self, at: u64, bytes: &[u8]) -> Result<Step> {
        match std::mem::replace(&mut self.stage, Stage::Head(None)) {
            Stage::Head(index) => self.head(index, at, bytes),
            Stage::Nested(index) => self.nested(index, at, bytes),
            Stage::After(fragments) => self.after(fragments, at, bytes),
            Stage::Walk(walk) => self.walk(walk, at, bytes),
        }
    }
}

impl Machinery {
    /// The whole box at `at`, or how many bytes more it takes.
    fn whole<'a>(
        &self,
        at: u64,
        bytes: &'a [u8],
        cap: u64,
        what: &'static str,
    ) -> Result<std::result::Result<Whole<'a>, u64>> {
        let Some(head) = BoxHeader::parse(bytes)? else { return Ok(Err(header_need(bytes))) };
        let size = head.size.unwrap_or(self.total - at);
        if size > cap {
            return Err(Unsuitable::OverCap(what));
        }
        if length(bytes) < size {
            return Ok(Err(size));
        }
        Ok(Ok(Whole { head, end: at + size, body: bytes.get(index(head.header)..).unwrap_or_default() }))
    }

    fn head(&mut self, found: Option<Index>, at: u64, bytes: &[u8]) -> Result<Step> {
        if at == self.total {
            return Err(if at == 0 { Unsuitable::NotMp4 } else { Unsuitable::NotFragmented });
        }
        if found.as_ref().is_some_and(|index| index.first() == at) {
            return found.map_or(Ok(Step::Done), |index| self.expand(index));
        }
        let Some(head) = BoxHeader::parse(bytes)? else {
            self.stage = Stage::Head(found);
            return Ok(Step::More(header_need(bytes)));
        };
        self.boxes += 1;
        if at == 0 && !head.kind.iter().all(|letter| letter.is_ascii_graphic() || *letter == b' ') {
            return Err(Unsuitable::NotMp4);
        }
        if self.boxes > limits::MAX_HEAD_BOXES {
            return Err(Unsuitable::OverCap("boxes before the media"));
        }
        match (&head.kind, &self.track) {
            (b"moov", Some(_)) => Err(Unsuitable::Sizes("a second moov")),
            (b"moov", None) => match self.whole(at, bytes, limits::MAX_MOOV, "moov")? {
                Err(more) => self.more(found, more),
                Ok(whole) => {
                    self.track = Some(moov::parse(bytes, whole.body)?);
                    self.skip(None, whole.end, true)
                }
            },
            (b"sidx", Some(track)) => {
                let timescale = track.timescale;
                match self.whole(at, bytes, limits::MAX_SIDX, "sidx")? {
                    Err(more) => self.more(found, more),
                    Ok(whole) => {
                        // An index that makes no sense is no index.
                        let index = found.or_else(|| Index::new(whole.body, whole.end, timescale).ok());
                        self.skip(index, whole.end, true)
                    }
                }
            }
            (b"moof", Some(_)) => self.start_walk(),
            (b"moof" | b"mdat", _) => Err(Unsuitable::NotFragmented),
            (_, _) => {
                let end = head.size.map_or(Some(self.total), |size| at.checked_add(size));
                let end = end.filter(|end| *end <= self.total).ok_or(Unsuitable::Sizes("a box ends after the file"))?;
                self.skip(found, end, matches!(&head.kind, b"ftyp" | b"free" | b"skip" | b"ssix"))
            }
        }
    }

    fn more(&mut self, found: Option<Index>, count: u64) -> Result<Step> {
        self.boxes -= 1;
        self.stage = Stage::Head(found);
        Ok(Step::More(count))
    }

    /// To the next box; `head` when the last one certainly belongs to no fragment.
    fn skip(&mut self, found: Option<Index>, end: u64, head: bool) -> Result<Step> {
        if head {
            self.media = end;
        }
        self.stage = Stage::Head(found);
        Ok(Step::Goto(end))
    }

    fn start_walk(&mut self) -> Result<Step> {
        self.stage = Stage::Walk(Walk::default());
        Ok(Step::Goto(self.media))
    }

    /// Goes to the next `sidx` that is referred to, or to what follows the last fragment.
    fn expand(&mut self, mut found: Index) -> Result<Step> {
        let place = match found.next() {
            Ok(Some(place)) => place,
            Ok(None) => match found.finish() {
                Ok((fragments, end)) if end <= self.total => {
                    self.stage = Stage::After(fragments);
                    return Ok(Step::Goto(end));
                }
                _ => return self.start_walk(),
            },
            Err(_) => return self.start_walk(),
        };
        if place.saturating_add(8) > self.total {
            return self.start_walk();
        }
        self.stage = Stage::Nested(found);
        Ok(Step::Goto(place))
    }

    fn nested(&mut self, mut found: Index, at: u64, bytes: &[u8]) -> Result<Step> {
        let Ok(whole) = self.whole(at, bytes, limits::MAX_SIDX, "sidx") else { return self.start_walk() };
        match whole {
            Err(more) if at.saturating_add(more) > self.total => self.start_walk(),
            Err(more) => {
                self.stage = Stage::Nested(found);
                Ok(Step::More(more))
            }
            Ok(whole) if whole.head.kind == *b"sidx" && found.nested(whole.body, at, whole.end).is_ok() => {
                self.expand(found)
            }
            Ok(_) => self.start_walk(),
        }
    }

    /// An index is believed when nothing follows but what is no media.
    fn after(&mut self, fragments: Vec<Fragment>, at: u64, bytes: &[u8]) -> Result<Step> {
        if at == self.total {
            self.fragments = fragments;
            return self.done();
        }
        let head = match BoxHeader::parse(bytes) {
            Ok(Some(head)) => head,
            Ok(None) if at + header_need(bytes) <= self.total => {
                self.stage = Stage::After(fragments);
                return Ok(Step::More(header_need(bytes)));
            }
            _ => return self.start_walk(),
        };
        let end = head.size.map_or(Some(self.total), |size| at.checked_add(size)).filter(|end| *end <= self.total);
        match (&head.kind, end) {
            (b"mfra" | b"free" | b"skip", Some(end)) => {
                self.boxes += 1;
                if self.boxes > limits::MAX_HEAD_BOXES {
                    return Err(Unsuitable::OverCap("boxes after the media"));
                }
                self.stage = Stage::After(fragments);
                Ok(Step::Goto(end))
            }
            _ => self.start_walk(),
        }
    }

    fn walk(&mut self, mut walk: Walk, at: u64, bytes: &[u8]) -> Result<Step> {
        let Some(track) = &self.track else { return Err(Unsuitable::NotFragmented) };
        let step = walk.step(track, at, self.total, bytes)?;
        if !matches!(step, Step::Done) {
            self.stage = Stage::Walk(walk);
            return Ok(step);
        }
        (self.walked, self.fragments) = (Some(walk.cost), walk.fragments);
        self.done()
    }

    fn done(&self) -> Result<Step> {
        let ticks = self.fragments.iter().fold(0_u64, |sum, fragment| sum.saturating_add(fragment.duration));
        let timescale = self.track.as_ref().map_or(0, |track| track.timescale);
        match ticks {
            0 => Err(Unsuitable::NotFragmented),
            _ if ticks > u64::from(timescale) * limits::MAX_SECONDS => Err(Unsuitable::OverCap("duration")),
            _ => Ok(Step::Done),
        }
    }
}

/// A box of which all bytes are there.
struct Whole<'a> {
    head: BoxHeader,
    end: u64,
    body: &'a [u8],
}

fn header_need(bytes: &[u8]) -> u64 {
    if length(bytes) < 8 { 8 } else { BoxHeader::MAX }
}
