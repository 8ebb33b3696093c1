//! Why a pair of inputs cannot be interleaved here. Every variant means: take another route. None means: try again.

/// The reason, by cause.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unsuitable {
    /// The first box is none that begins an MP4 file; for WebM there is [`crate::webm`].
    #[error("not an MP4 file")]
    NotMp4,
    /// Not a WebM document that can be read by what is known of WebM today.
    #[error("not a WebM file")]
    NotWebm,
    /// A WebM file of which nothing tells where its clusters are.
    #[error("no cues")]
    NoCues,
    /// A clock other than that of milliseconds, or a track that does not go by it.
    #[error("the clock is not one of milliseconds")]
    Clock,
    /// All samples are in the `moov`, or there is nothing after it. A WebM file without clusters.
    #[error("not fragmented")]
    NotFragmented,
    /// The sample entry is an encrypted one.
    #[error("encrypted")]
    Encrypted,
    /// Not exactly one track, or a `moof` with several track fragments.
    #[error("{0} tracks where one is expected")]
    Tracks(usize),
    /// A codec that was never tried, by its sample entry, or by its name in WebM.
    #[error("unknown codec {0:?}")]
    SampleEntry(String),
    /// Two videos, or two sounds.
    #[error("not one video and one sound")]
    Kinds,
    /// An edit list that does more than delay the start and cut the beginning.
    #[error("edit list is not a simple one")]
    EditList,
    /// A track fragment without `tfdt`.
    #[error("a fragment does not tell its time")]
    NoTime,
    /// A box that does not hold what it must, by its name.
    #[error("malformed {0}")]
    Malformed(&'static str),
    /// Sizes, offsets or counts that contradict each other.
    #[error("sizes do not add up: {0}")]
    Sizes(&'static str),
    /// Decode times run backwards.
    #[error("time runs backwards")]
    Backwards,
    /// More than a cap of [`crate::limits`] allows.
    #[error("too large: {0}")]
    OverCap(&'static str),
    /// The sample tables could outgrow what was reserved for them: more frames than the first fragment let expect.
    #[error("sample tables of {needed} bytes could exceed the reserve of {reserve}")]
    Reserve {
        /// Bytes that the tables may need so far.
        needed: u64,
        /// Bytes that were reserved.
        reserve: u64,
    },
    /// A layout was asked for without the fragments' tables that it needs.
    #[error("tables of fragments are missing")]
    TablesMissing,
    /// Saved tables that do not belong to these inputs.
    #[error("saved tables do not fit")]
    Saved,
}

/// What everything here returns.
pub(crate) type Result<T> = std::result::Result<T, Unsuitable>;
