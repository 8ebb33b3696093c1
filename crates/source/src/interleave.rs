//! The route of a picture and a sound that come as two files: both are streamed and laid out as one, on the way, by [`sluice_mux`].
//!
//! The layout is known from the two headers, so the length is exact before any media is fetched, and every byte of the output is a
//! function of its offset: the result can be read from anywhere, by any process, as often as needed.

mod inputs;
mod mp4;
mod probe;
mod webm;

use std::{ops::Range, sync::Arc};

use sluice_domain::Failure;
use sluice_mux::{Hint, Layout, Unsuitable};
use sluice_transfer::Source;

pub(crate) use inputs::Inputs;
use mp4::Mp4;
use webm::Webm;

/// Why a pair is not interleaved here.
#[derive(Debug)]
pub(crate) enum Refused {
    /// Not by this route; another one may serve.
    Unsuitable(Unsuitable),
    /// It cannot be read now.
    Failed(Failure),
}

impl From<Unsuitable> for Refused {
    fn from(why: Unsuitable) -> Self {
        Self::Unsuitable(why)
    }
}

impl From<Failure> for Refused {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl Refused {
    /// What it means in the middle of a stream.
    fn torn(self) -> Failure {
        match self {
            Self::Failed(failure) => failure,
            Self::Unsuitable(why) => torn(&why),
        }
    }
}

/// Reads the headers of two fragmented MP4 files and plans the output.
///
/// # Errors
/// [`Refused::Unsuitable`] when the inputs are not of a kind that can be laid out to the byte.
pub(crate) async fn open_mp4(inputs: Inputs, layout: Layout, hint: Hint) -> Result<Arc<dyn Source>, Refused> {
    Ok(Arc::new(Mp4::open(inputs, layout, hint).await?))
}

/// Reads the headers of two WebM files and plans the output.
///
/// # Errors
/// As [`open_mp4`].
pub(crate) async fn open_webm(inputs: Inputs) -> Result<Arc<dyn Source>, Refused> {
    Ok(Arc::new(Webm::open(inputs).await?))
}

/// What the output is known by, when both inputs are known by something.
fn fingerprint(inputs: &Inputs, of: impl FnOnce([&str; 2]) -> [u8; 32]) -> Option<String> {
    Some(hex::encode(of([inputs.video.fingerprint()?, inputs.audio.fingerprint()?])))
}

/// The range that is asked for.
fn bounds(from: u64, to: Option<u64>, total: u64) -> Result<Range<u64>, Failure> {
    let to = to.unwrap_or(total);
    if from <= to && to <= total {
        Ok(from..to)
    } else {
        Err(Failure::internal(format!("bytes {from} to {to} of {total}")))
    }
}

/// A stream that turned out to be other than its header said cannot be gone on with; the next attempt takes another route.
fn torn(why: &Unsuitable) -> Failure {
    Failure::internal(format!("interleave: {why}")).transient()
}

#[cfg(test)]
mod tests;
