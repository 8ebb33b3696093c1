//! The two inputs that become one output.

use crate::{Header, Kind, Unsuitable, unsuitable::Result};

/// One of the two inputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Track {
    /// The picture; track 1 of the output.
    Video,
    /// The sound; track 2 of the output.
    Audio,
}

impl Track {
    /// Both, in the order of the output.
    pub const BOTH: [Self; 2] = [Self::Video, Self::Audio];

    /// Its id in the output.
    pub(crate) fn id(self) -> u32 {
        match self {
            Self::Video => 1,
            Self::Audio => 2,
        }
    }
}

/// A picture and a sound. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Pair {
    video: Header,
    audio: Header,
}

impl Pair {
    /// Refuses two of a kind.
    pub fn new(video: Header, audio: Header) -> Result<Self> {
        if (video.kind(), audio.kind()) != (Kind::Video, Kind::Audio) {
            return Err(Unsuitable::Kinds);
        }
        Ok(Self { video, audio })
    }

    /// The header of one.
    pub fn header(&self, track: Track) -> &Header {
        match track {
            Track::Video => &self.video,
            Track::Audio => &self.audio,
        }
    }
}
