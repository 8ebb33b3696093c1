//! Reads a `moov` with exactly one track whose samples are all in fragments.

use super::track::{Edit, Kind, Track, Trex};
use crate::{
    limits,
    unsuitable::{Result, Unsuitable},
    wire::{Child, FourCc, Reader, child, children},
};

/// Codecs whose samples need nothing but their sample entry. (The sample entries of DRM begin with `enc`.)
const VIDEO: [&FourCc; 6] = [b"avc1", b"avc3", b"hvc1", b"hev1", b"vp09", b"av01"];
const AUDIO: [&FourCc; 2] = [b"mp4a", b"Opus"];

/// `whole` is the box with its header, `body` without.
pub(super) fn parse(whole: &[u8], body: &[u8]) -> Result<Track> {
    let traks = children(body, "moov").filter(|found| found.as_ref().map_or(true, |child| child.kind == *b"trak"));
    let traks = traks.collect::<Result<Vec<_>>>()?;
    let Some(mvex) = child(body, b"mvex", "moov")? else { return Err(Unsuitable::NotFragmented) };
    let [trak] = traks.as_slice() else { return Err(Unsuitable::Tracks(traks.len())) };
    let movie_timescale = timescale(&need(body, b"mvhd", "mvhd")?, "mvhd")?.0;
    let tkhd = tkhd(need(trak.body, b"tkhd", "tkhd")?.body)?;
    let mdia = need(trak.body, b"mdia", "mdia")?;
    let (timescale, language) = timescale(&need(mdia.body, b"mdhd", "mdhd")?, "mdhd")?;
    let hdlr = need(mdia.body, b"hdlr", "hdlr")?;
    let minf = need(mdia.body, b"minf", "minf")?;
    let stbl = need(minf.body, b"stbl", "stbl")?;
    let stsd = need(stbl.body, b"stsd", "stsd")?;
    let (kind, codec) = codec(hdlr.body, stsd.body)?;
    empty(stbl.body)?;
    let (trex_box, trex) = trex(mvex.body, tkhd.0)?;
    Ok(Track {
        kind,
        codec,
        id: tkhd.0,
        timescale,
        movie_timescale,
        edit: edit(trak.body)?,
        trex,
        moov: whole.to_vec(),
        trak: trak.whole.to_vec(),
        trex_box,
        stsd: stsd.whole.to_vec(),
        hdlr: hdlr.whole.to_vec(),
        look: tkhd.1,
        language,
    })
}

fn need<'a>(body: &'a [u8], kind: &FourCc, what: &'static str) -> Result<Child<'a>> {
    child(body, kind, what)?.ok_or(Unsuitable::Malformed(what))
}

/// Ticks per second, and the word that follows the duration: a language in `mdhd`.
fn timescale(found: &Child<'_>, what: &'static str) -> Result<(u32, u16)> {
    let mut r = Reader::new(found.body, what);
    let (version, _) = r.full_box()?;
    r.by_version(version)?;
    r.by_version(version)?;
    let timescale = r.u32()?;
    r.by_version(version)?;
    let language = r.u16()?;
    match timescale {
        0 => Err(Unsuitable::Malformed(what)),
        1..=limits::MAX_TIMESCALE => Ok((timescale, language)),
        _ => Err(Unsuitable::OverCap("timescale")),
    }
}

fn tkhd(body: &[u8]) -> Result<(u32, [u8; 60])> {
    let mut r = Reader::new(body, "tkhd");
    let (version, _) = r.full_box()?;
    r.by_version(version)?;
    r.by_version(version)?;
    let id = r.u32()?;
    r.u32()?;
    r.by_version(version)?;
    Ok((id, r.array()?))
}

fn codec(hdlr: &[u8], stsd: &[u8]) -> Result<(Kind, FourCc)> {
    let mut r = Reader::new(hdlr, "hdlr");
    r.u64()?;
    let handler: FourCc = r.array()?;
    let mut r = Reader::new(stsd, "stsd");
    r.full_box()?;
    if r.u32()? != 1 {
        return Err(Unsuitable::Malformed("stsd"));
    }
    let rest = r.take(r.left())?;
    let mut entries = children(rest, "stsd");
    let (Some(entry), None) = (entries.next(), entries.next()) else { return Err(Unsuitable::Malformed("stsd")) };
    let entry = entry?;
    let mut r = Reader::new(entry.body, "stsd");
    r.take(6)?;
    // The data reference that we write is the only one: "in this file".
    if r.u16()? != 1 {
        return Err(Unsuitable::Malformed("stsd"));
    }
    let known = |codecs: &[&FourCc]| codecs.contains(&&entry.kind);
    match &handler {
        _ if entry.kind.starts_with(b"enc") => Err(Unsuitable::Encrypted),
        b"vide" if known(&VIDEO) => Ok((Kind::Video, entry.kind)),
        b"soun" if known(&AUDIO) => Ok((Kind::Audio, entry.kind)),
        _ => Err(Unsuitable::SampleEntry(entry.kind.escape_ascii().to_string())),
    }
}

/// Samples in the `moov` itself would be left behind.
fn empty(stbl: &[u8]) -> Result<()> {
    for found in children(stbl, "stbl") {
        let found = found?;
        let mut r = Reader::new(found.body, "stbl");
        let count = match &found.kind {
            b"stsz" | b"stz2" => {
                r.u64()?;
                r.u32()?
            }
            b"stts" | b"stsc" | b"stco" | b"co64" | b"ctts" => {
                r.u32()?;
                r.u32()?
            }
            _ => 0,
        };
        if count != 0 {
            return Err(Unsuitable::NotFragmented);
        }
    }
    Ok(())
}

fn trex(mvex: &[u8], id: u32) -> Result<(Vec<u8>, Trex)> {
    for found in children(mvex, "mvex") {
        let found = found?;
        if found.kind != *b"trex" {
            continue;
        }
        let mut r = Reader::new(found.body, "trex");
        r.full_box()?;
        if r.u32()? != id {
            continue;
        }
        if r.u32()? != 1 {
            return Err(Unsuitable::Malformed("trex"));
        }
        let trex = Trex { duration: r.u32()?, size: r.u32()?, flags: r.u32()? };
        return Ok((found.whole.to_vec(), trex));
    }
    Err(Unsuitable::Malformed("mvex"))
}

/// The length of an edit is not looked at: in fragmented files it is zero or what the first fragment held, and players
/// go by the fragments.
fn edit(trak: &[u8]) -> Result<Edit> {
    let Some(edts) = child(trak, b"edts", "edts")? else { return Ok(Edit::default()) };
    let Some(elst) = child(edts.body, b"elst", "elst")? else { return Ok(Edit::default()) };
    let mut r = Reader::new(elst.body, "elst");
    let (version, _) = r.full_box()?;
    let count = r.u32()?;
    let mut edit = Edit::default();
    for number in 1..=count.min(3) {
        let duration = r.by_version(version)?;
        let time = r.by_version(version)?;
        let none = if version == 0 { u64::from(u32::MAX) } else { u64::MAX };
        let normal_speed = r.u32()? == 0x0001_0000;
        match (number, count) {
            (1, 2) if time == none && normal_speed => edit.empty = duration,
            (1, 1) | (2, 2) if time < none / 2 && normal_speed => edit.media_time = time,
            _ => return Err(Unsuitable::EditList),
        }
    }
    Ok(edit)
}
