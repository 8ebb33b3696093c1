//! Reads an input's header from as few bytes as it takes.

use std::ops::Range;

use super::{
    Header,
    cues::{Cue, cues},
    ebml::Element,
    head::{TrackHead, cues_place, document, info, tracks},
    id,
};
use crate::{
    limits,
    unsuitable::{Result, Unsuitable},
    wire::{Driver, Machine, Step, index},
};

/// An input whose header is being read. Feed it what it [`wants`](Probe::wants) until that is `None`.
#[derive(Debug)]
pub struct Probe {
    driver: Driver<Machinery>,
    fed: bool,
}

/// Where the segment's body begins and ends.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    pub(super) start: u64,
    pub(super) end: u64,
}

#[derive(Debug)]
struct Machinery {
    total: u64,
    stage: Stage,
    elements: u32,
    info: Option<Option<f64>>,
    track: Option<TrackHead>,
    cues_place: Option<u64>,
    cues: Option<Vec<Cue>>,
    header: Option<Header>,
}

#[derive(Debug, Clone, Copy)]
enum Stage {
    Document,
    Segment,
    /// Up to the first cluster.
    Head(Bounds),
    /// At the cues that stand behind the clusters, of which the first is there.
    Cues(Bounds, u64),
}

impl Probe {
    /// For an input of `total` bytes.
    pub fn new(total: u64) -> Result<Self> {
        if total > limits::MAX_INPUT {
            return Err(Unsuitable::OverCap("input"));
        }
        let (info, track, cues_place, cues, header) = (None, None, None, None, None);
        let machine = Machinery { total, stage: Stage::Document, elements: 0, info, track, cues_place, cues, header };
        Ok(Self { driver: Driver::new(machine, 0..total), fed: false })
    }

    /// The bytes that are needed next, read ahead where that saves requests; `None` when the header is known.
    pub fn wants(&self) -> Option<Range<u64>> {
        let at_cues = matches!(self.driver.machine.stage, Stage::Cues(..));
        self.driver.wants(if at_cues || !self.fed { limits::FIRST_READ } else { limits::READ_AHEAD })
    }

    /// Takes bytes of the input, of which the first is at `offset`. Those that are not needed are ignored.
    pub fn feed(&mut self, offset: u64, data: &[u8]) -> Result<()> {
        self.driver.feed(offset, data)?;
        self.fed = true;
        Ok(())
    }

    /// The header, when nothing is wanted any more.
    pub fn finish(self) -> Option<Header> {
        self.driver.machine.header
    }
}

impl Machine for Machinery {
    fn step(&mut self, at: u64, bytes: &[u8]) -> Result<Step> {
        match self.stage {
            Stage::Document => self.document(bytes),
            Stage::Segment => self.segment(at, bytes),
            Stage::Head(bounds) => self.head(bounds, at, bytes),
            Stage::Cues(bounds, first) => self.cues_behind(bounds, first, bytes),
        }
    }
}

impl Machinery {
    fn document(&mut self, bytes: &[u8]) -> Result<Step> {
        let element = match Element::parse(bytes) {
            Ok(Ok(element)) if element.id == id::EBML => element,
            Ok(Err(more)) if more <= self.total => return Ok(Step::More(more)),
            _ => return Err(Unsuitable::NotWebm),
        };
        let body = match whole(&element, bytes, limits::MAX_HEAD_ELEMENT, "EBML")? {
            Ok(body) => body,
            Err(more) => return Ok(Step::More(more)),
        };
        document(body)?;
        self.stage = Stage::Segment;
        Ok(Step::Goto(element.header + element.size))
    }

    fn segment(&mut self, at: u64, bytes: &[u8]) -> Result<Step> {
        let element = match Element::parse(bytes)? {
            Ok(element) => element,
            Err(more) => return Ok(Step::More(more)),
        };
        if element.id == id::VOID {
            return self.skip(at, &element);
        }
        // What came after the segment would be lost: another one, for all that is known.
        if element.id != id::SEGMENT || element.end(at, self.total)? != self.total {
            return Err(Unsuitable::Sizes("a segment that is not the file"));
        }
        let start = at + element.header;
        self.stage = Stage::Head(Bounds { start, end: self.total });
        Ok(Step::Goto(start))
    }

    fn head(&mut self, bounds: Bounds, at: u64, bytes: &[u8]) -> Result<Step> {
        let element = match Element::parse(bytes)? {
            Ok(element) => element,
            Err(_) if at == bounds.end => return Err(Unsuitable::NotFragmented),
            Err(more) => return Ok(Step::More(more)),
        };
        let cap = match element.id {
            id::CLUSTER => return self.first_cluster(bounds, at),
            id::CUES => limits::MAX_CUES_BYTES,
            id::SEEK_HEAD | id::INFO | id::TRACKS => limits::MAX_HEAD_ELEMENT,
            _ => return self.skip(at, &element),
        };
        let body = match whole(&element, bytes, cap, "an element before the media")? {
            Ok(body) => body,
            Err(more) => return Ok(Step::More(more)),
        };
        match element.id {
            id::SEEK_HEAD => self.cues_place = self.cues_place.or(cues_place(body)?),
            id::INFO => once(&mut self.info, info(body)?)?,
            id::TRACKS => once(&mut self.track, tracks(body)?)?,
            _ => {
                let number = self.track.as_ref().ok_or(Unsuitable::Sizes("cues before their track"))?.number;
                once(&mut self.cues, cues(body, bounds, number)?)?;
            }
        }
        self.skip(at, &element)
    }

    fn skip(&mut self, at: u64, element: &Element) -> Result<Step> {
        self.elements += 1;
        if self.elements > limits::MAX_HEAD_BOXES {
            return Err(Unsuitable::OverCap("elements before the media"));
        }
        Ok(Step::Goto(element.end(at, self.total)?))
    }

    fn first_cluster(&mut self, bounds: Bounds, at: u64) -> Result<Step> {
        if self.info.is_none() || self.track.is_none() {
            return Err(Unsuitable::Sizes("media before its description"));
        }
        if self.cues.is_some() {
            return self.done(at);
        }
        let place = self.cues_place.and_then(|place| bounds.start.checked_add(place));
        let place = place.filter(|place| (at..bounds.end).contains(place)).ok_or(Unsuitable::NoCues)?;
        self.stage = Stage::Cues(bounds, at);
        Ok(Step::Goto(place))
    }

    fn cues_behind(&mut self, bounds: Bounds, first: u64, bytes: &[u8]) -> Result<Step> {
        let element = match Element::parse(bytes)? {
            Ok(element) if element.id == id::CUES => element,
            Ok(_) => return Err(Unsuitable::NoCues),
            Err(more) => return Ok(Step::More(more)),
        };
        let body = match whole(&element, bytes, limits::MAX_CUES_BYTES, "cues")? {
            Ok(body) => body,
            Err(more) => return Ok(Step::More(more)),
        };
        let number = self.track.as_ref().map_or(0, |track| track.number);
        self.cues = Some(cues(body, bounds, number)?);
        self.done(first)
    }

    /// The cues must begin with the first cluster: what is before the first one would be lost.
    fn done(&mut self, first: u64) -> Result<Step> {
        let (Some(track), Some(cues)) = (self.track.take(), self.cues.take()) else { return Err(Unsuitable::NoCues) };
        if cues.first().is_none_or(|cue| cue.cluster != first) {
            return Err(Unsuitable::Sizes("the first cue is not at the first cluster"));
        }
        self.header = Some(Header::new(track, self.info.flatten(), cues, self.total)?);
        Ok(Step::Done)
    }
}

/// The body of an element that `bytes` begin with, or how many bytes the whole takes.
fn whole<'a>(
    element: &Element,
    bytes: &'a [u8],
    cap: u64,
    what: &'static str,
) -> Result<std::result::Result<&'a [u8], u64>> {
    if element.size > cap {
        return Err(Unsuitable::OverCap(what));
    }
    let size = element.header + element.size;
    Ok(bytes.get(index(element.header)..index(size)).ok_or(size))
}

fn once<T>(place: &mut Option<T>, value: T) -> Result<()> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(Unsuitable::Sizes("a second Info, Tracks or Cues")),
    }
}
