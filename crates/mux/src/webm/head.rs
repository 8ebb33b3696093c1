//! What stands in a file before its media: which document it is, its clock, its track.

use super::{
    ebml::{Child, children},
    id, write,
};
use crate::{
    Kind, limits,
    unsuitable::{Result, Unsuitable},
};

/// Nanoseconds of a tick: what everybody writes, and the only clock that is taken here.
const MILLISECOND: u64 = 1_000_000;
/// Codecs that were tried.
const CODECS: [(Kind, &str); 5] = [
    (Kind::Video, "V_VP8"),
    (Kind::Video, "V_VP9"),
    (Kind::Video, "V_AV1"),
    (Kind::Audio, "A_OPUS"),
    (Kind::Audio, "A_VORBIS"),
];

/// The one track of an input.
#[derive(Debug)]
pub(super) struct TrackHead {
    pub(super) kind: Kind,
    pub(super) codec: &'static str,
    /// As blocks tell it.
    pub(super) number: u8,
    /// The elements of its entry that go into the output as they are: all but its number and its id.
    pub(super) entry: Vec<u8>,
}

/// Refuses what is no WebM, by the body of the first element.
pub(super) fn document(body: &[u8]) -> Result<()> {
    for child in children(body, "EBML") {
        let child = child?;
        let good = match child.id {
            id::DOC_TYPE => child.body.strip_suffix(b"\0").unwrap_or(child.body) == b"webm",
            id::EBML_READ_VERSION => child.uint("EBML")? <= 1,
            id::EBML_MAX_ID_LENGTH => child.uint("EBML")? <= 4,
            id::EBML_MAX_SIZE_LENGTH => child.uint("EBML")? <= 8,
            id::DOC_TYPE_READ_VERSION => child.uint("EBML")? <= 4,
            _ => true,
        };
        if !good {
            return Err(Unsuitable::NotWebm);
        }
    }
    Ok(())
}

/// Where `SeekHead` says that the `Cues` are, from the start of the segment's body.
pub(super) fn cues_place(body: &[u8]) -> Result<Option<u64>> {
    let what = "SeekHead";
    for seek in children(body, what) {
        let seek = seek?;
        if seek.id != id::SEEK {
            continue;
        }
        let (mut cues, mut place) = (false, None);
        for child in children(seek.body, what) {
            let child = child?;
            match child.id {
                id::SEEK_ID => cues = child.body == id::CUES.to_be_bytes(),
                id::SEEK_POSITION => place = Some(child.uint(what)?),
                _ => {}
            }
        }
        if cues {
            return Ok(place);
        }
    }
    Ok(None)
}

/// Milliseconds that the file says it lasts. Refuses other clocks.
pub(super) fn info(body: &[u8]) -> Result<Option<f64>> {
    let what = "Info";
    let mut duration = None;
    for child in children(body, what) {
        let child = child?;
        match child.id {
            id::TIMESTAMP_SCALE if child.uint(what)? != MILLISECOND => return Err(Unsuitable::Clock),
            id::DURATION => duration = Some(child.float(what)?),
            _ => {}
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "a week of milliseconds is exact")]
    let longest = (limits::MAX_SECONDS * 1000) as f64;
    if duration.is_some_and(|duration| !(0.0..=longest).contains(&duration)) {
        return Err(Unsuitable::OverCap("duration"));
    }
    Ok(duration)
}

/// The one entry of `Tracks`.
pub(super) fn tracks(body: &[u8]) -> Result<TrackHead> {
    let mut entries = Vec::new();
    for child in children(body, "Tracks") {
        let child = child?;
        if child.id == id::TRACK_ENTRY {
            entries.push(child);
        }
    }
    match entries.as_slice() {
        [entry] => track(entry),
        _ => Err(Unsuitable::Tracks(entries.len())),
    }
}

fn track(entry: &Child<'_>) -> Result<TrackHead> {
    let what = "TrackEntry";
    let (mut number, mut kind, mut codec) = (None, None, None);
    let mut kept = Vec::new();
    for child in children(entry.body, what) {
        let child = child?;
        match child.id {
            id::TRACK_NUMBER => number = Some(child.uint(what)?),
            id::TRACK_TYPE => kind = Some(child.uint(what)?),
            id::CODEC_ID => codec = Some(child.body.strip_suffix(b"\0").unwrap_or(child.body)),
            id::CONTENT_ENCODINGS => return Err(Unsuitable::Encrypted),
            // Times that are not what blocks say, and pictures that are made from several tracks.
            id::TRACK_TIMESTAMP_SCALE if child.float(what)?.to_bits() != 1.0_f64.to_bits() => {
                return Err(Unsuitable::Clock);
            }
            id::TRACK_OFFSET | id::TRACK_OPERATION => return Err(Unsuitable::Clock),
            _ => {}
        }
        if !matches!(child.id, id::TRACK_NUMBER | id::TRACK_UID | id::VOID | id::CRC_32) {
            kept.extend_from_slice(child.whole);
        }
    }
    let kind = match kind {
        Some(1) => Kind::Video,
        Some(2) => Kind::Audio,
        _ => return Err(Unsuitable::Kinds),
    };
    let codec = codec.ok_or(Unsuitable::Malformed(what))?;
    let known = CODECS.iter().find(|(of, name)| *of == kind && name.as_bytes() == codec);
    let (_, codec) = known.ok_or_else(|| {
        let shown: Vec<u8> = codec.iter().copied().take(32).collect();
        Unsuitable::SampleEntry(shown.escape_ascii().to_string())
    })?;
    // Numbers that take one byte in a block: then a block keeps its size.
    let number = number.and_then(|number| u8::try_from(number).ok()).filter(|number| (1..127).contains(number));
    Ok(TrackHead { kind, codec, number: number.ok_or(Unsuitable::Malformed("TrackNumber"))?, entry: kept })
}

impl TrackHead {
    /// The entry for the output.
    pub(super) fn entry(&self, number: u32) -> Vec<u8> {
        let number = u64::from(number);
        write::master(
            id::TRACK_ENTRY,
            &[write::uint(id::TRACK_NUMBER, number), write::uint(id::TRACK_UID, number), self.entry.clone()],
        )
    }
}
