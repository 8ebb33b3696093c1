//! Media fetched by ourselves: one file of the web, or the fragments of a static DASH, as a source that can be read from any offset; a film in
//! segments (HLS) as one that passes once.
//!
//! Answers may be cut, reset, stalled, refused, and addresses may expire: a stream goes on at the same byte of the same file, or ends with
//! a failure. It never gives a byte more, less or of another file. What it cannot do, it says with [`OpenError::Unsuitable`].

mod body;
mod cookies;
mod hls;
mod known;
mod lanes;
mod media;
mod pace;
mod parts;
mod patience;
mod place;
mod reading;
mod remote;
mod small;
mod target;
mod trouble;
mod web;

use std::sync::Arc;

use sluice_domain::Failure;
use sluice_transfer::{Gate, Source};

pub(crate) use hls::Film;
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
        let addresses = Arc::new(addresses(media, format_id)?);
        let target = addresses.now()?.1;
        match target.fragments.as_ref().map(Vec::len) {
            None if target.is_playlist => Err(OpenError::Unsuitable("a playlist".to_owned())),
            None => Ok(Remote::open(self, addresses, gate).await?),
            Some(fragments) => Ok(Parts::open(self, &addresses, fragments, gate).await?),
        }
    }

    /// Fetches the format's playlist, and asks for the first part of the film.
    pub(crate) async fn open_film(&self, media: &Arc<Media>, format_id: &str, gate: &Gate) -> Result<Film, OpenError> {
        let addresses = addresses(media, format_id)?;
        if !addresses.now()?.1.is_playlist {
            return Err(OpenError::Unsuitable("no playlist".to_owned()));
        }
        Film::open(self, media, addresses, gate).await
    }
}

fn addresses(media: &Arc<Media>, format_id: &str) -> Result<Addresses, OpenError> {
    Addresses::of(media, format_id).map_err(|why| match why {
        Unreadable::Missing => OpenError::Failed(why.failure(format_id)),
        Unreadable::Unsuitable(_) => OpenError::Unsuitable(why.failure(format_id).detail),
    })
}

#[cfg(test)]
mod tests;
