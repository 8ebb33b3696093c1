//! What sound is converted into, where the site has it in no form that was asked for.

use serde::{Deserialize, Serialize};

use crate::Codec;

/// A codec with the bit rate that it is given. No picture is ever converted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Encoding {
    /// MPEG layer 3 of a constant rate: only so does a stream that nobody goes back in tell how long it is.
    Mp3,
    /// AAC.
    Aac,
    /// Opus.
    Opus,
}

impl Encoding {
    /// What it is known by.
    #[must_use]
    pub fn codec(self) -> Codec {
        match self {
            Self::Mp3 => Codec::Mp3,
            Self::Aac => Codec::Aac,
            Self::Opus => Codec::Opus,
        }
    }

    /// Bits a second: constant for MP3, on average for the others.
    #[must_use]
    pub fn bits_per_second(self) -> u32 {
        match self {
            Self::Mp3 => 192_000,
            Self::Aac => 160_000,
            Self::Opus => 128_000,
        }
    }

    /// The extension of its files, without a dot.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Self::Mp3 => "mp3",
            Self::Aac => "m4a",
            Self::Opus => "opus",
        }
    }

    /// Roughly how many bytes so much sound comes to.
    #[must_use]
    pub fn bytes_of(self, seconds: f64) -> Option<u64> {
        let bytes = f64::from(self.bits_per_second()) / 8.0 * seconds;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "checked to be positive and far below 2^53"
        )]
        (bytes > 0.0 && bytes < 9e15).then_some(bytes as u64)
    }
}
