//! A long film made of a short one: its fragments again and again, each time later. It costs no encoding, no disk and next to no memory,
//! as all passes share the samples.
//!
//! Works on what [`super::encode`] makes and on nothing else: one track, one index at the start, times in 64 bits, equal sample durations.

use std::ops::Range;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;

/// The box headers of one fragment that change from pass to pass.
struct Fragment {
    moof: Range<usize>,
    mdat: Range<usize>,
    /// Where in the file the number of the fragment lies.
    number_at: usize,
    /// Where its decode time lies.
    time_at: usize,
    time: u64,
    /// Duration of its samples.
    ticks: u64,
}

/// The file `film` with its fragments `times` times, in parts that share its memory.
pub(super) fn stretched(film: &Bytes, times: u32) -> Result<Vec<Bytes>> {
    let boxes = top_level(film)?;
    let index = boxes.iter().find(|(kind, _)| kind == b"sidx").context("no index")?.1.clone();
    let mut fragments = Vec::new();
    for pair in boxes.windows(2).filter(|pair| &pair[0].0 == b"moof") {
        fragments.push(fragment(film, pair[0].1.clone(), pair[1].1.clone())?);
    }
    let last = fragments.last().context("no fragment")?;
    let pass = last.time + last.ticks;
    let mut parts = vec![film.slice(..index.start), long_index(&film[index], times)?];
    let mut number = 0;
    for turn in 0..times {
        for fragment in &fragments {
            number += 1;
            let mut moof = film[fragment.moof.clone()].to_vec();
            put(&mut moof, fragment.number_at - fragment.moof.start, &u32::to_be_bytes(number));
            let time = fragment.time + pass * u64::from(turn);
            put(&mut moof, fragment.time_at - fragment.moof.start, &time.to_be_bytes());
            parts.extend([moof.into(), film.slice(fragment.mdat.clone())]);
        }
    }
    Ok(parts)
}

fn top_level(film: &[u8]) -> Result<Vec<([u8; 4], Range<usize>)>> {
    let (mut boxes, mut start) = (Vec::new(), 0);
    while start < film.len() {
        let size = number(film, start)? as usize;
        let kind = film.get(start + 4..start + 8).context("half a box")?;
        ensure!(size >= 8 && start + size <= film.len(), "a box of {size} bytes at {start}");
        boxes.push((kind.try_into()?, start..start + size));
        start += size;
    }
    Ok(boxes)
}

fn fragment(film: &[u8], moof: Range<usize>, mdat: Range<usize>) -> Result<Fragment> {
    /// `tfhd`: a default sample duration and nothing before it but the track's id.
    const DURATION: u32 = 0x08;
    const PLACE: u32 = 0x03;
    // Behind the type comes one byte of version and three of flags.
    let inside = |kind: &[u8]| {
        let found = film[moof.clone()].windows(4).position(|window| window == kind);
        found.map(|place| moof.start + place + 4).with_context(|| format!("no {}", String::from_utf8_lossy(kind)))
    };
    let (mfhd, tfhd, tfdt, trun) = (inside(b"mfhd")?, inside(b"tfhd")?, inside(b"tfdt")?, inside(b"trun")?);
    let flags = number(film, tfhd)?;
    ensure!(flags & DURATION != 0 && flags & PLACE == 0, "another kind of tfhd: {flags:x}");
    ensure!(number(film, trun)? & 0x100 == 0, "samples of several durations");
    ensure!(film[tfdt] == 1, "times in 32 bits");
    let time = u64::from(number(film, tfdt + 4)?) << 32 | u64::from(number(film, tfdt + 8)?);
    let ticks = u64::from(number(film, trun + 4)?) * u64::from(number(film, tfhd + 8)?);
    Ok(Fragment { moof, mdat, number_at: mfhd + 4, time_at: tfdt + 4, time, ticks })
}

/// A `sidx` (version 1, one level) with its references so many times.
fn long_index(index: &[u8], times: u32) -> Result<Bytes> {
    /// Size, type, version and flags, reference id, timescale, two 64-bit times, reserved, count.
    const FIXED: usize = 40;
    ensure!(index.len() > FIXED && index[8] == 1, "another kind of sidx");
    let references = index[FIXED..].repeat(times as usize);
    let mut long = [&index[..FIXED], &references].concat();
    let size = u32::try_from(long.len())?;
    put(&mut long, 0, &size.to_be_bytes());
    put(&mut long, FIXED - 2, &u16::try_from(references.len() / 12)?.to_be_bytes());
    Ok(long.into())
}

fn number(bytes: &[u8], at: usize) -> Result<u32> {
    let found = bytes.get(at..at + 4).context("the file ends too early")?;
    Ok(u32::from_be_bytes(found.try_into()?))
}

fn put(bytes: &mut [u8], at: usize, value: &[u8]) {
    bytes[at..at + value.len()].copy_from_slice(value);
}
