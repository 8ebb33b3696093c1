//! What the person wants of the source: one word.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A quality, as offered on the page and in the API. Nothing here transcodes video.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Preset {
    /// The best picture and sound that the site has, whatever the container.
    #[default]
    Best,
    /// At most 2160 lines, counted on the smaller side.
    #[serde(rename = "2160p")]
    P2160,
    /// At most 1080 lines.
    #[serde(rename = "1080p")]
    P1080,
    /// At most 720 lines.
    #[serde(rename = "720p")]
    P720,
    /// At most 480 lines.
    #[serde(rename = "480p")]
    P480,
    /// H.264 and AAC in MP4, chosen from what the site has: plays on every phone.
    Iphone,
    /// The best that fits the limit and the free space.
    Fit,
    /// The best sound, as the site has it.
    Audio,
    /// AAC sound: as the site has it, or converted where it has none.
    M4a,
    /// MP3 sound: as the site has it, or converted where it has none.
    Mp3,
    /// Opus sound: as the site has it, or converted where it has none.
    Opus,
}

/// A word that is no preset.
#[derive(Debug, Error, PartialEq, Eq)]
#[error(
    "There is no preset of that name. Choose one of: best, 2160p, 1080p, 720p, 480p, iphone, fit, audio, m4a, mp3, opus."
)]
pub struct BadPreset;

impl Preset {
    /// Every preset, in the order in which they are offered.
    pub const ALL: [Self; 11] = [
        Self::Best,
        Self::P2160,
        Self::P1080,
        Self::P720,
        Self::P480,
        Self::Iphone,
        Self::Fit,
        Self::Audio,
        Self::M4a,
        Self::Mp3,
        Self::Opus,
    ];

    /// The word used in forms, the API and Redis.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Best => "best",
            Self::P2160 => "2160p",
            Self::P1080 => "1080p",
            Self::P720 => "720p",
            Self::P480 => "480p",
            Self::Iphone => "iphone",
            Self::Fit => "fit",
            Self::Audio => "audio",
            Self::M4a => "m4a",
            Self::Mp3 => "mp3",
            Self::Opus => "opus",
        }
    }

    /// What the page calls it.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Best => "Best",
            Self::P2160 => "4K",
            Self::P1080 => "1080p",
            Self::P720 => "720p",
            Self::P480 => "480p",
            Self::Iphone => "iPhone",
            Self::Fit => "Best that fits",
            Self::Audio => "Audio",
            Self::M4a => "Audio (M4A)",
            Self::Mp3 => "Audio (MP3)",
            Self::Opus => "Audio (Opus)",
        }
    }

    /// Sound only?
    #[must_use]
    pub fn is_audio(self) -> bool {
        matches!(self, Self::Audio | Self::M4a | Self::Mp3 | Self::Opus)
    }

    /// The greatest number of lines, counted on the smaller side.
    #[must_use]
    pub fn max_lines(self) -> Option<u32> {
        match self {
            Self::P2160 => Some(2160),
            Self::P1080 => Some(1080),
            Self::P720 => Some(720),
            Self::P480 => Some(480),
            Self::Best | Self::Iphone | Self::Fit | Self::Audio | Self::M4a | Self::Mp3 | Self::Opus => None,
        }
    }
}

impl FromStr for Preset {
    type Err = BadPreset;

    fn from_str(text: &str) -> Result<Self, BadPreset> {
        let text = text.trim();
        Self::ALL.into_iter().find(|preset| preset.as_str().eq_ignore_ascii_case(text)).ok_or(BadPreset)
    }
}

impl fmt::Display for Preset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_has_one_word_everywhere() {
        for preset in Preset::ALL {
            assert_eq!(preset.as_str().parse(), Ok(preset));
            assert_eq!(serde_json::to_string(&preset).unwrap(), format!("\"{preset}\""));
        }
        assert_eq!("gif".parse::<Preset>(), Err(BadPreset));
    }
}
