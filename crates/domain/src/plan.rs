//! From what a link offers and what a person wants to one decision: which formats, which container, which route, how long, or why not.
//!
//! Pure: the same arguments always give the same plan. It refuses what is known to be over a limit; what is only estimated is left to the
//! watchdog, which counts.

mod again;
mod choice;
mod encoding;
mod sound;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use choice::Container;
use choice::{Choice, choices};
pub use encoding::Encoding;

use crate::{ByteSize, Codec, Failure, FailureKind, FileName, Limits, MediaInfo, Preset};

/// How the bytes travel from the site to the sink.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Route {
    /// One file of the site, streamed as it is.
    Direct,
    /// A picture and a sound, streamed and laid out as one file on the way.
    Interleave,
    /// Streams that go through ffmpeg on the way, which copies them into one container.
    Pipe,
    /// yt-dlp downloads into a private directory; the finished file is uploaded from there.
    Spool,
}

/// How many bytes there will be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(tag = "kind", content = "bytes", rename_all = "lowercase")]
pub enum Length {
    /// To the byte.
    Exact(u64),
    /// Roughly.
    Estimate(u64),
    /// Nobody knows.
    #[default]
    Unknown,
}

impl Length {
    /// The number, exact or rough.
    #[must_use]
    pub fn bytes(self) -> Option<u64> {
        match self {
            Self::Exact(bytes) | Self::Estimate(bytes) => Some(bytes),
            Self::Unknown => None,
        }
    }

    /// The word used in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Exact(_) => "exact",
            Self::Estimate(_) => "estimate",
            Self::Unknown => "unknown",
        }
    }
}

/// A decision that can be carried out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// How the bytes travel.
    pub route: Route,
    /// The extractor's format ids, picture first: one file, or a pair to be put together.
    pub formats: Vec<String>,
    /// The container of the result.
    pub container: Container,
    /// The file's name. Its extension may change when the site did not say what it serves.
    pub file_name: FileName,
    /// How long the result will be.
    pub length: Length,
    /// The result is the sound of the file alone, in a file for sound; as it is, unless `encode` says otherwise.
    pub sound_only: bool,
    /// What the sound is converted into.
    pub encode: Option<Encoding>,
    /// The site did not name the codecs that the preset promises: prove them on the finished file (picture, sound).
    pub prove_codecs: Option<(Codec, Codec)>,
}

/// Why there is no plan. It is a [`Failure`] like any other, with an explanation that says what would fit.
pub type Refusal = Failure;

/// Decides.
///
/// `free_space` is the account's free space, when it is known.
///
/// # Errors
/// A refusal: live, protected, nothing of that quality, over `limits.max_file_bytes`, or over the free space.
pub fn plan(info: &MediaInfo, preset: Preset, limits: &Limits, free_space: Option<ByteSize>) -> Result<Plan, Refusal> {
    if info.is_live {
        return Err(Failure::new(FailureKind::LiveNotFinished, "is_live"));
    }
    if info.formats.is_empty() {
        return Err(Failure::new(FailureKind::UnsupportedSite, "no formats"));
    }
    if info.formats.iter().all(|format| format.has_drm) {
        return Err(Failure::new(FailureKind::Drm, "every format is protected"));
    }
    let all = choices(info, preset);
    let room = room(limits.max_file_bytes, free_space);
    let chosen = if preset == Preset::Fit { fitting(&all, room).or(all.last()) } else { all.first() };
    let choice = chosen.ok_or_else(|| Failure::new(FailureKind::NoSuchFormat, format!("nothing for {preset}")))?;

    judge(ByteSize(choice.announced()), info, preset, limits, free_space)?;
    let proves_codecs = preset == Preset::Iphone && choice.unproven();
    Ok(Plan {
        route: choice.route(proves_codecs),
        formats: choice.formats.iter().map(|format| format.format_id.clone()).collect(),
        container: choice.container,
        file_name: FileName::from_title(&info.title, choice.extension()),
        length: choice.length(info.duration),
        sound_only: choice.sound_only,
        encode: choice.encode,
        prove_codecs: proves_codecs.then_some((Codec::H264, Codec::Aac)),
    })
}

/// Is there room for so much?
///
/// # Errors
/// A refusal: over `limits.max_file_bytes`, with what would fit, or over the free space.
pub fn judge(
    at_least: ByteSize,
    info: &MediaInfo,
    preset: Preset,
    limits: &Limits,
    free_space: Option<ByteSize>,
) -> Result<(), Refusal> {
    let cap = limits.max_file_bytes;
    if at_least > cap {
        return Err(Failure::too_large(at_least, cap, what_fits(info, preset, cap, free_space).as_deref()));
    }
    match free_space.filter(|free| at_least > *free) {
        Some(free) => Err(Failure::quota(at_least, free)),
        None => Ok(()),
    }
}

/// "720p would fit (2.2 GB).": the best other preset whose size is known to fit, in words.
#[must_use]
pub fn what_fits(info: &MediaInfo, refused: Preset, cap: ByteSize, free_space: Option<ByteSize>) -> Option<String> {
    /// From large to small; presets that name a quality, so that the sentence says something.
    const LADDER: [Preset; 5] = [Preset::P2160, Preset::P1080, Preset::P720, Preset::P480, Preset::Audio];
    let room = room(cap, free_space);
    let too_large = choices(info, refused).into_iter().next();
    let mut rungs = LADDER
        .into_iter()
        .filter_map(|preset| Some((preset, choices(info, preset).into_iter().next()?)))
        .filter(|(_, choice)| !too_large.as_ref().is_some_and(|refused| refused.is_same(choice)))
        .peekable();
    while let Some((preset, choice)) = rungs.next() {
        // Where the site has nothing between two qualities, the smaller name is the honest one.
        if rungs.peek().is_some_and(|(_, next)| next.is_same(&choice)) {
            continue;
        }
        // One per cent for the container, as sizes of pairs are sums.
        if let Some(length) = choice.length(info.duration).bytes().filter(|length| with_margin(*length) <= room) {
            return Some(format!("{} would fit ({}).", preset.label(), ByteSize(length)));
        }
    }
    None
}

fn room(cap: ByteSize, free_space: Option<ByteSize>) -> u64 {
    cap.min(free_space.unwrap_or(cap)).0
}

fn with_margin(bytes: u64) -> u64 {
    bytes.saturating_add(bytes / 100)
}

/// The best choice whose size fits; failing that, the best whose size nobody knows.
fn fitting<'a, 'i>(all: &'a [Choice<'i>], room: u64) -> Option<&'a Choice<'i>> {
    let known = all.iter().find(|choice| choice.length(None).bytes().is_some_and(|bytes| with_margin(bytes) <= room));
    known.or_else(|| all.iter().find(|choice| choice.length(None) == Length::Unknown))
}
