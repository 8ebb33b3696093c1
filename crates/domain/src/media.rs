//! What the extractor says about a link: the part of yt-dlp's info JSON that decisions are made from.

use serde::{Deserialize, Serialize};

/// One piece of media with its formats, sorted by the extractor from worst to best.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct MediaInfo {
    /// The extractor's id of the piece, unique within `extractor`.
    pub id: String,
    /// The extractor's name.
    pub extractor: String,
    /// The title, as the site gives it: hostile text until it went through [`crate::FileName`].
    pub title: String,
    /// Length in seconds, when known.
    pub duration: Option<f64>,
    /// A picture, when there is one.
    pub thumbnail: Option<String>,
    /// The page, as the extractor names it.
    pub webpage_url: Option<String>,
    /// Is it being broadcast now?
    pub is_live: bool,
    /// What can be had.
    pub formats: Vec<Format>,
}

/// One format of a piece: a file or a stream with picture, sound or both.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Format {
    /// The extractor's id of the format: what `-f` takes.
    pub format_id: String,
    /// How it is fetched.
    pub protocol: Protocol,
    /// File extension without a dot.
    pub ext: String,
    /// The picture's codec; [`Codec::None`] for sound only.
    pub video: Codec,
    /// The sound's codec; [`Codec::None`] for picture only.
    pub audio: Codec,
    /// Pixels across.
    pub width: Option<u32>,
    /// Pixels down.
    pub height: Option<u32>,
    /// Frames per second.
    pub fps: Option<f64>,
    /// Kilobits per second, both streams together.
    pub tbr: Option<f64>,
    /// Exact size in bytes, as announced by the site. A lie is possible.
    pub filesize: Option<u64>,
    /// Rough size in bytes.
    pub filesize_approx: Option<u64>,
    /// Copy-protected?
    pub has_drm: bool,
    /// Can plain GETs with the headers that the extractor names bring it? Otherwise only the extractor itself knows how.
    pub plain_get: bool,
}

/// The family of a codec: all that a choice needs.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Codec {
    /// There is no such stream.
    None,
    /// The extractor does not say.
    #[default]
    Unknown,
    /// H.264 / AVC.
    H264,
    /// H.265 / HEVC.
    H265,
    /// VP8 or VP9.
    Vp9,
    /// AV1.
    Av1,
    /// AAC in any profile.
    Aac,
    /// Opus.
    Opus,
    /// Vorbis.
    Vorbis,
    /// MPEG layer 3.
    Mp3,
    /// Any other, by the extractor's name.
    Other(String),
}

impl Codec {
    /// The family that an RFC 6381 codec string (`avc1.64001f`, `mp4a.40.2`, `none`) belongs to.
    #[must_use]
    pub fn from_rfc6381(text: Option<&str>) -> Self {
        let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else { return Self::Unknown };
        let lower = text.to_ascii_lowercase();
        let family = lower.split('.').next().unwrap_or_default();
        match family {
            "none" => Self::None,
            "unknown" => Self::Unknown,
            "avc1" | "avc3" | "h264" | "x264" => Self::H264,
            "hvc1" | "hev1" | "h265" | "hevc" => Self::H265,
            "vp8" | "vp08" | "vp9" | "vp09" => Self::Vp9,
            "av01" | "av1" => Self::Av1,
            // mp4a.69 and mp4a.6b are MPEG layer 3 in an MP4 box.
            "mp4a" if lower.ends_with(".69") || lower.ends_with(".6b") => Self::Mp3,
            "mp4a" | "aac" => Self::Aac,
            "opus" => Self::Opus,
            "vorbis" => Self::Vorbis,
            "mp3" => Self::Mp3,
            _ => Self::Other(lower),
        }
    }

    /// Is there, or may there be, such a stream?
    #[must_use]
    pub fn is_present(&self) -> bool {
        *self != Self::None
    }
}

/// How a format is fetched.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    /// One file over http or https.
    Http,
    /// HLS segments.
    Hls,
    /// DASH segments.
    Dash,
    /// Anything else, by yt-dlp's name.
    Other(String),
    /// The extractor does not say.
    #[default]
    Unknown,
}

impl Protocol {
    /// The protocol by yt-dlp's name of it.
    #[must_use]
    pub fn from_yt_dlp(name: Option<&str>) -> Self {
        match name {
            None | Some("") => Self::Unknown,
            Some("http" | "https") => Self::Http,
            Some("m3u8" | "m3u8_native") => Self::Hls,
            Some("http_dash_segments") => Self::Dash,
            Some(other) => Self::Other(other.to_owned()),
        }
    }
}

impl Format {
    /// The number of lines that people name a format by: the smaller side, so that a portrait clip of 1080 x 1920 is "1080p".
    #[must_use]
    pub fn lines(&self) -> Option<u32> {
        match (self.width, self.height) {
            (Some(width), Some(height)) => Some(width.min(height)),
            (None, lines) | (lines, None) => lines,
        }
    }

    /// Do plain GETs bring it, of one file or of its segments one after the other?
    #[must_use]
    pub fn is_fetched_plainly(&self) -> bool {
        self.plain_get && matches!(self.protocol, Protocol::Http | Protocol::Dash)
    }

    /// Does it arrive in order, so that it can go on while it comes?
    #[must_use]
    pub fn is_streamable(&self) -> bool {
        matches!(self.protocol, Protocol::Http | Protocol::Hls | Protocol::Dash)
    }

    /// Picture and sound in one file, as far as is known.
    #[must_use]
    pub fn is_muxed(&self) -> bool {
        self.video.is_present() && self.audio.is_present()
    }

    /// Picture alone.
    #[must_use]
    pub fn is_video_only(&self) -> bool {
        self.video.is_present() && self.audio == Codec::None
    }

    /// Sound alone.
    #[must_use]
    pub fn is_audio_only(&self) -> bool {
        self.audio.is_present() && self.video == Codec::None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codecs_are_known_by_family() {
        let check = |text: &str, want: Codec| assert_eq!(Codec::from_rfc6381(Some(text)), want, "{text}");
        check("avc1.64001f", Codec::H264);
        check("vp09.00.41.08", Codec::Vp9);
        check("av01.0.08M.08", Codec::Av1);
        check("mp4a.40.2", Codec::Aac);
        check("mp4a.6B", Codec::Mp3);
        check("none", Codec::None);
        check("", Codec::Unknown);
        check("theora", Codec::Other("theora".into()));
        assert_eq!(Codec::from_rfc6381(None), Codec::Unknown);
    }

    #[test]
    fn portrait_counts_its_smaller_side() {
        let format = Format { width: Some(1080), height: Some(1920), ..Format::default() };
        assert_eq!(format.lines(), Some(1080));
    }
}
