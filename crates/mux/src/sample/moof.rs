//! Reads a `moof` with one track fragment.

use super::{Chunk, FragmentTable, Sample};
use crate::{
    head::TrackHead,
    limits,
    unsuitable::{Result, Unsuitable},
    wire::{Reader, child, children, index},
};

const NON_SYNC: u32 = 0x0001_0000;

/// Adds the samples of the `moof` at `at` to `table`; `body` is without the header.
pub(crate) fn parse(track: &TrackHead, at: u64, body: &[u8], table: &mut FragmentTable) -> Result<()> {
    let trafs = children(body, "moof").filter(|found| found.as_ref().map_or(true, |child| child.kind == *b"traf"));
    let trafs = trafs.take(limits::MAX_FRAGMENT_SAMPLES).collect::<Result<Vec<_>>>()?;
    let [traf] = trafs.as_slice() else { return Err(Unsuitable::Tracks(trafs.len())) };
    let tfhd = child(traf.body, b"tfhd", "tfhd")?.ok_or(Unsuitable::Malformed("tfhd"))?;
    let mut run = Run::new(track, at, tfhd.body)?;
    run.time = tfdt(child(traf.body, b"tfdt", "tfdt")?.ok_or(Unsuitable::NoTime)?.body)?;
    if run.time > u64::from(track.timescale) * limits::MAX_SECONDS {
        return Err(Unsuitable::OverCap("time"));
    }
    for found in children(traf.body, "traf") {
        let found = found?;
        if found.kind == *b"trun" {
            run.add(found.body, table)?;
        }
    }
    Ok(())
}

fn tfdt(body: &[u8]) -> Result<u64> {
    let mut r = Reader::new(body, "tfdt");
    let (version, _) = r.full_box()?;
    r.by_version(version)
}

/// The state between the `trun` boxes of a `traf`.
struct Run {
    /// What offsets are relative to.
    base: u64,
    /// Where the next samples lie if nothing else is said.
    next: u64,
    /// When the next sample is decoded.
    time: u64,
    /// Where and when the last `trun` of this `moof` ended.
    joint: Option<(u64, u64)>,
    duration: u32,
    size: u32,
    flags: u32,
}

impl Run {
    fn new(track: &TrackHead, moof: u64, tfhd: &[u8]) -> Result<Self> {
        let mut r = Reader::new(tfhd, "tfhd");
        let (_, flags) = r.full_box()?;
        if r.u32()? != track.id {
            return Err(Unsuitable::Malformed("tfhd"));
        }
        // Without an explicit base, the first track fragment's is the moof with and without "default base is moof".
        let base = if flags & 0x1 == 0 { moof } else { r.u64()? };
        if flags & 0x2 != 0 && r.u32()? != 1 {
            return Err(Unsuitable::Malformed("tfhd"));
        }
        let mut or = |flag, default| if flags & flag == 0 { Ok(default) } else { r.u32() };
        let duration = or(0x8, track.trex.duration)?;
        let size = or(0x10, track.trex.size)?;
        let flags = or(0x20, track.trex.flags)?;
        Ok(Self { base, next: base, time: 0, joint: None, duration, size, flags })
    }

    fn add(&mut self, body: &[u8], table: &mut FragmentTable) -> Result<()> {
        let mut r = Reader::new(body, "trun");
        let (_, flags) = r.full_box()?;
        let count = r.u32()?;
        let has = |flag: u32| flags & flag != 0;
        if has(0x1) {
            let offset = r.u32()?.cast_signed();
            self.next = self.base.checked_add_signed(i64::from(offset)).ok_or(Unsuitable::Malformed("trun"))?;
        }
        let first_flags = if has(0x4) { Some(r.u32()?) } else { None };
        let fields = [0x100, 0x200, 0x400, 0x800].iter().filter(|flag| has(**flag)).count();
        let wanted = index(u64::from(count));
        if wanted.checked_mul(fields * 4).is_none_or(|bytes| bytes > r.left()) {
            return Err(Unsuitable::Malformed("trun"));
        }
        if wanted > limits::MAX_FRAGMENT_SAMPLES.saturating_sub(table.samples.len()) {
            return Err(Unsuitable::OverCap("samples of a fragment"));
        }
        let (start, time) = (self.next, self.time);
        table.samples.reserve(wanted);
        for number in 0..count {
            let duration = if has(0x100) { r.u32()? } else { self.duration };
            let size = if has(0x200) { r.u32()? } else { self.size };
            let own = if has(0x400) { r.u32()? } else { self.flags };
            let flags = first_flags.filter(|_| number == 0).unwrap_or(own);
            // Version 0 has it unsigned; values above the half were meant to be negative.
            let shift = if has(0x800) { r.u32()?.cast_signed() } else { 0 };
            if size > limits::MAX_SAMPLE {
                return Err(Unsuitable::OverCap("sample"));
            }
            // Samples that take no room in the file could be as many as one likes: tables of gigabytes for a few bytes.
            if size == 0 {
                return Err(Unsuitable::Sizes("a sample without bytes"));
            }
            table.samples.push(Sample::new(size, flags & NON_SYNC == 0, duration, shift));
            self.next = self.next.checked_add(u64::from(size)).ok_or(Unsuitable::Malformed("trun"))?;
            self.time += u64::from(duration);
        }
        // Chunks cost bytes in the output, so those that touch become one.
        let touching = self.joint == Some((start, time));
        match table.chunks.last_mut() {
            _ if count == 0 => {}
            Some(last) if touching => last.samples += count,
            _ => table.chunks.push(Chunk { offset: start, time, samples: count }),
        }
        self.joint = Some((self.next, self.time));
        Ok(())
    }
}
