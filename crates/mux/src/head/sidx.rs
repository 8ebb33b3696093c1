//! Reads a `sidx` box.

use crate::{
    limits,
    unsuitable::{Result, Unsuitable},
    wire::Reader,
};

/// What a `sidx` refers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reference {
    /// Another `sidx` instead of media.
    pub(super) index: bool,
    pub(super) size: u64,
    /// In ticks of the `sidx`.
    pub(super) duration: u64,
    pub(super) sync: bool,
}

/// A `sidx`, as it stands in the file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Sidx {
    pub(super) timescale: u32,
    pub(super) time: u64,
    /// From the end of the box to the first reference.
    pub(super) first_offset: u64,
    pub(super) references: Vec<Reference>,
}

/// `body` is the box without its header.
pub(super) fn parse(body: &[u8]) -> Result<Sidx> {
    let mut r = Reader::new(body, "sidx");
    let (version, _) = r.full_box()?;
    r.u32()?;
    let timescale = r.u32()?;
    if timescale == 0 || timescale > limits::MAX_TIMESCALE {
        return Err(Unsuitable::Malformed("sidx"));
    }
    let time = r.by_version(version)?;
    let first_offset = r.by_version(version)?;
    r.u16()?;
    let count = r.u16()?;
    if r.left() < usize::from(count) * 12 {
        return Err(Unsuitable::Malformed("sidx"));
    }
    let references = (0..count).map(|_| reference(&mut r)).collect::<Result<_>>()?;
    Ok(Sidx { timescale, time, first_offset, references })
}

fn reference(r: &mut Reader<'_>) -> Result<Reference> {
    let (size, duration, access) = (r.u32()?, r.u32()?, r.u32()?);
    Ok(Reference {
        index: size >> 31 == 1,
        size: u64::from(size & 0x7fff_ffff),
        duration: u64::from(duration),
        sync: access >> 31 == 1,
    })
}
