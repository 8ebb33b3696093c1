//! The header of one input: what its track is, and where its fragments lie.

mod index;
mod moov;
mod probe;
mod reference;
mod sidx;
mod track;
mod walk;

use std::{ops::Range, sync::Arc};

pub use probe::Probe;
pub use track::Kind;
pub(crate) use track::{Edit, Track as TrackHead};

/// What [`Probe`] found out. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Header {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    track: TrackHead,
    fragments: Vec<Fragment>,
    total: u64,
    walked: Option<u64>,
}

/// A stretch of an input that is moved as a whole: what one `sidx` reference covers, or one `moof` with its media.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fragment {
    /// First byte.
    pub start: u64,
    /// Byte after the last.
    pub end: u64,
    /// When it begins, in ticks of the track. A `sidx` tells presentation time, a walk decode time.
    pub time: u64,
    /// How long it lasts, in ticks of the track.
    pub duration: u64,
    /// Whether it begins with a sample that needs no other.
    pub sync: bool,
}

impl Header {
    fn new(track: TrackHead, fragments: Vec<Fragment>, total: u64, walked: Option<u64>) -> Self {
        Self { inner: Arc::new(Inner { track, fragments, total, walked }) }
    }

    /// Picture or sound.
    pub fn kind(&self) -> Kind {
        self.inner.track.kind
    }

    /// The sample entry: `avc1`, `hvc1`, `vp09`, `av01`, `mp4a`, `Opus` and their like.
    pub fn codec(&self) -> String {
        self.inner.track.codec.escape_ascii().to_string()
    }

    /// Ticks per second.
    pub fn timescale(&self) -> u32 {
        self.inner.track.timescale
    }

    /// How long the media lasts, in ticks.
    pub fn duration(&self) -> u64 {
        self.inner.fragments.iter().map(|fragment| fragment.duration).sum()
    }

    /// Bytes of the whole input.
    pub fn total(&self) -> u64 {
        self.inner.total
    }

    /// The fragments, in order.
    pub fn fragments(&self) -> &[Fragment] {
        &self.inner.fragments
    }

    pub(crate) fn track(&self) -> &TrackHead {
        &self.inner.track
    }

    /// What the sample tables will cost, where every `moof` was read to find the fragments.
    pub(crate) fn walked(&self) -> Option<u64> {
        self.inner.walked
    }

    /// Where a fragment lies.
    pub(crate) fn range(&self, index: usize) -> Option<Range<u64>> {
        self.fragments().get(index).map(|fragment| fragment.start..fragment.end)
    }
}
