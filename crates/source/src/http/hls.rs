//! A film in segments (HLS), over and recorded: its playlist's parts one after another are its bytes.
//!
//! A part that is a whole file is asked for as a whole, as everybody asks; ranges of a file are read like any file in ranges. Addresses that
//! expire are renewed with the playlist, which must tell of the same film then.

mod listing;
mod playlist;
mod segment;

use std::{
    ops::Range,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use bytes::Bytes;
use futures::{TryStreamExt as _, stream};
use sluice_domain::{Failure, FailureKind, Length};
use sluice_transfer::{Access, ByteStream, Gate, Source};

use super::{
    OpenError,
    media::{Addresses, Media},
    place::{Place, Probe},
    reading::Reading,
    web::Web,
};
pub(super) use listing::Listing;
pub(super) use playlist::Playlist;
use segment::Segment;

/// A film in segments. It passes once.
pub(crate) struct Film {
    parts: Arc<Parts>,
    /// The first part, which was asked for to see whether the site gives it.
    first: Mutex<Option<ByteStream>>,
}

struct Parts {
    web: Web,
    addresses: Arc<Addresses>,
    /// As it was at first: the same parts as in all that come after it.
    playlist: Arc<Playlist>,
    gate: Gate,
}

impl Film {
    pub(super) async fn open(
        web: &Web,
        media: &Arc<Media>,
        of_playlist: Addresses,
        gate: &Gate,
    ) -> Result<Self, OpenError> {
        let format_id = of_playlist.format_id.clone();
        let listing = Listing::new(Place::new(web, &Arc::new(of_playlist), None), gate);
        let addresses = Arc::new(Addresses::listed(media, &format_id, listing).await?);
        let playlist = addresses.now()?.1.playlist.clone();
        let playlist = playlist.ok_or_else(|| Failure::internal("a listing without a playlist"))?;
        let parts = Arc::new(Parts { web: web.clone(), addresses, playlist, gate: gate.clone() });
        let first = Mutex::new(Some(parts.open(0).await?));
        Ok(Self { parts, first })
    }

    /// How long it is at least, in seconds, where its playlist tells.
    pub(crate) fn seconds(&self) -> Option<f64> {
        self.parts.playlist.seconds()
    }
}

#[async_trait]
impl Source for Film {
    fn length(&self) -> Length {
        Length::Unknown
    }

    fn access(&self) -> Access {
        Access::Forward { window: 0 }
    }

    async fn open(&self, from: u64, to: Option<u64>) -> Result<ByteStream, Failure> {
        let first = self.first.lock().unwrap_or_else(PoisonError::into_inner).take();
        if from > 0 || first.is_none() {
            return Err(Failure::new(FailureKind::Network, "a film in segments passes once").transient());
        }
        let rest = 1..self.parts.playlist.parts().len();
        let walk = Walk { parts: self.parts.clone(), part: first, rest, left: to };
        Ok(Box::pin(stream::try_unfold(walk, async |mut walk| Ok(walk.next().await?.map(|bytes| (bytes, walk))))))
    }
}

impl Parts {
    async fn open(&self, index: usize) -> Result<ByteStream, Failure> {
        let place = Place::new(&self.web, &self.addresses, Some(index));
        let place = if index == 0 { place } else { place.believed() };
        let part = self.playlist.parts().get(index);
        let Some(Range { start, end }) = part.and_then(|part| part.range.clone()) else {
            return Ok(Segment::open(place, &self.gate).await?.stream());
        };
        let refused = |why| Err(Failure::new(FailureKind::Network, format!("a range of a film: {why}")));
        match place.probe(&self.gate).await? {
            Probe::Ranges(known) if end <= known.total => {
                let (place, known) = (Arc::new(place), Arc::new(known));
                Ok(Reading::new(&place, &known, start, end, true, &self.gate).stream())
            }
            Probe::Ranges(_) => refused("the file ends earlier"),
            Probe::Whole(_) => refused("the site serves none"),
        }
    }
}

/// From one part to the next.
struct Walk {
    parts: Arc<Parts>,
    part: Option<ByteStream>,
    rest: Range<usize>,
    /// What may still be given.
    left: Option<u64>,
}

impl Walk {
    async fn next(&mut self) -> Result<Option<Bytes>, Failure> {
        while self.left != Some(0) {
            if let Some(part) = &mut self.part
                && let Some(mut bytes) = part.try_next().await?
            {
                if let Some(left) = &mut self.left {
                    bytes.truncate(usize::try_from(*left).unwrap_or(usize::MAX));
                    *left -= bytes.len() as u64;
                }
                return Ok(Some(bytes));
            }
            let Some(index) = self.rest.next() else { return Ok(None) };
            self.part = Some(self.parts.open(index).await?);
        }
        Ok(None)
    }
}
