//! The addresses of one piece of media, which can be renewed when they expire.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use serde_json::{Map, Value};
use sluice_domain::{Failure, FailureKind};
use url::Url;

use super::{
    OpenError,
    hls::Listing,
    target::{Target, Unreadable},
};
use crate::Extraction;

/// Whoever can look at the link again.
#[async_trait]
pub trait Renew: Send + Sync {
    /// Looks at the link again.
    ///
    /// # Errors
    /// As extraction does.
    async fn renew(&self) -> Result<Extraction, Failure>;
}

/// One piece of media, shared by all its formats: when the addresses of one expire, those of all are renewed, once.
pub(crate) struct Media {
    renew: Arc<dyn Renew>,
    current: Mutex<Current>,
    /// Held while somebody looks again: the others wait and use what that finds.
    renewing: tokio::sync::Mutex<u32>,
}

#[derive(Clone)]
struct Current {
    /// Counts the renewals that succeeded.
    generation: u32,
    json: Arc<str>,
}

impl Media {
    /// More would mean that the site takes addresses back as fast as it gives them.
    const MOST_RENEWALS: u32 = 3;

    pub(crate) fn new(extraction: &Extraction, renew: Arc<dyn Renew>) -> Self {
        let current = Current { generation: 0, json: extraction.json.clone() };
        Self { renew, current: Mutex::new(current), renewing: tokio::sync::Mutex::new(0) }
    }

    fn current(&self) -> Current {
        self.current.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Renews what was found under this generation, unless somebody has done so.
    async fn renew(&self, seen: u32) -> Result<(), Failure> {
        let mut tries = self.renewing.lock().await;
        if self.current().generation != seen {
            return Ok(());
        }
        if *tries == Self::MOST_RENEWALS {
            return Err(Failure::new(FailureKind::SiteBusy, "the addresses expire again and again"));
        }
        *tries += 1;
        tracing::debug!(renewal = *tries, "The addresses of a piece of media are renewed");
        let json = self.renew.renew().await?.json;
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = Current { generation: seen + 1, json };
        Ok(())
    }
}

/// The addresses of one format, as far as they are known now.
pub(super) struct Addresses {
    media: Arc<Media>,
    pub(super) format_id: String,
    read: Mutex<Read>,
    /// What tells them, where that is not the info JSON.
    listing: Option<Listing>,
}

#[derive(Clone)]
pub(super) struct Read {
    pub(super) generation: u32,
    pub(super) target: Arc<Target>,
}

impl Addresses {
    pub(super) fn of(media: &Arc<Media>, format_id: &str) -> Result<Self, Unreadable> {
        let read = Mutex::new(read(&media.current(), format_id)?);
        Ok(Self { media: media.clone(), format_id: format_id.to_owned(), read, listing: None })
    }

    /// Those of the segments of a film.
    pub(super) async fn listed(media: &Arc<Media>, format_id: &str, listing: Listing) -> Result<Self, OpenError> {
        let read = Mutex::new(listing.read().await?);
        Ok(Self { media: media.clone(), format_id: format_id.to_owned(), read, listing: Some(listing) })
    }

    /// The newest target and its generation.
    pub(super) fn now(&self) -> Result<(u32, Arc<Target>), Failure> {
        let current = self.media.current();
        let mut kept = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if self.listing.is_none() && kept.generation != current.generation {
            let new = read(&current, &self.format_id).map_err(|why| gone(&why.failure(&self.format_id)))?;
            let fragments = |target: &Target| target.fragments.as_ref().map(Vec::len);
            if fragments(&new.target) != fragments(&kept.target) {
                return Err(gone(&Failure::internal("another number of fragments")));
            }
            *kept = new;
        }
        Ok((kept.generation, kept.target.clone()))
    }

    /// Renews them, unless that has happened since this generation.
    pub(super) async fn renew(&self, seen: u32) -> Result<(), Failure> {
        self.media.renew(seen).await?;
        let Some(listing) = &self.listing else { return Ok(()) };
        let new = listing.read_again(&self.now()?.1).await?;
        *self.read.lock().unwrap_or_else(PoisonError::into_inner) = new;
        Ok(())
    }
}

fn read(current: &Current, format_id: &str) -> Result<Read, Unreadable> {
    let info: Map<String, Value> =
        serde_json::from_str(&current.json).map_err(|_| Unreadable::Unsuitable("info JSON"))?;
    Ok(Read { generation: current.generation, target: Arc::new(Target::read(&info, format_id)?) })
}

/// The site offers something else by now: the next attempt plans with that.
pub(super) fn gone(why: &Failure) -> Failure {
    Failure::new(FailureKind::Network, format!("the source has changed: {}", why.detail))
}

/// The address of a file, or of one of its fragments or segments.
pub(super) fn address(target: &Target, part: Option<usize>) -> Option<Url> {
    match (part, &target.fragments, &target.playlist) {
        (None, _, _) => Some(target.url.clone()),
        (Some(index), Some(fragments), _) => fragments.get(index).cloned(),
        (Some(index), None, Some(playlist)) => playlist.address(index),
        (Some(_), None, None) => None,
    }
}
