//! Media fetched by ourselves: one file of the web, or the fragments of a static DASH, as a source that can be read from any offset.
//!
//! Answers may be cut, reset, stalled, refused, and addresses may expire: a stream goes on at the same byte of the same file, or ends with
//! a failure. It never gives a byte more, less or of another file. What it cannot do, it says with [`OpenError::Unsuitable`].

mod body;
mod cookies;
mod known;
mod lanes;
mod media;
mod pace;
mod parts;
mod patience;
mod place;
mod reading;
mod remote;
mod target;
mod trouble;
mod web;

use std::sync::Arc;

use sluice_domain::Failure;
use sluice_transfer::{Gate, Source};

pub(crate) use media::Media;
pub use media::Renew;
pub(crate) use web::Web;

use media::Addresses;
use parts::Parts;
use remote::Remote;
use target::Unreadable;

/// Why a format cannot be opened.
#[derive(Debug)]
pub(crate) enum OpenError {
    /// It is not of the kind that is fetched here: another route may do better.
    Unsuitable(String),
    /// It cannot be had now.
    Failed(Failure),
}

impl From<Failure> for OpenError {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl Web {
    /// Asks for the format's first byte, to learn its size, what it is known by, and whether it is served in ranges.
    pub(crate) async fn open(
        &self,
        media: &Arc<Media>,
        format_id: &str,
        gate: &Gate,
    ) -> Result<Arc<dyn Source>, OpenError> {
        let addresses = Addresses::of(media, format_id).map_err(|why| match why {
            Unreadable::Missing => OpenError::Failed(why.failure(format_id)),
            Unreadable::Unsuitable(_) => OpenError::Unsuitable(why.failure(format_id).detail),
        })?;
        let addresses = Arc::new(addresses);
        match addresses.now()?.1.fragments.as_ref().map(Vec::len) {
            None => Ok(Remote::open(self, addresses, gate).await?),
            Some(fragments) => Ok(Parts::open(self, &addresses, fragments, gate).await?),
        }
    }
}
