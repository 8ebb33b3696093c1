//! A playlist as it is fetched, and fetched again when the addresses in it have expired.

use std::{sync::Arc, time::Duration};

use sluice_domain::{Failure, FailureKind};
use sluice_transfer::Gate;
use tokio::time::timeout;

use super::{
    super::{
        OpenError,
        body::Ending,
        media::{Read, gone},
        patience::Patience,
        place::{Place, Want},
        reading::stall,
        target::Target,
        trouble::Trouble,
    },
    Playlist,
    playlist::MAX_BYTES,
};

/// For the whole playlist, with all that goes wrong on the way.
const MOST_TIME: Duration = Duration::from_secs(120);

/// Where a playlist is.
pub(in super::super) struct Listing {
    place: Place,
    gate: Gate,
}

impl Listing {
    pub(super) fn new(place: Place, gate: &Gate) -> Self {
        Self { place, gate: gate.clone() }
    }

    /// Fetches it.
    pub(in super::super) async fn read(&self) -> Result<Read, OpenError> {
        let late = |_| Failure::new(FailureKind::TimedOut, "a playlist that does not come to its end");
        timeout(MOST_TIME, self.fetch()).await.map_err(late)?
    }

    /// Fetches it again, with new addresses in it. It must tell of the same film.
    pub(in super::super) async fn read_again(&self, old: &Target) -> Result<Read, Failure> {
        // Boxed, as this may renew addresses in its turn.
        let new = Box::pin(self.read()).await.map_err(|error| match error {
            OpenError::Failed(failure) => failure,
            OpenError::Unsuitable(why) => gone(&Failure::internal(why)),
        })?;
        match (&old.playlist, &new.target.playlist) {
            (Some(old), Some(new)) if old.is_like(new) => {}
            _ => return Err(gone(&Failure::internal("its playlist is cut in another way"))),
        }
        Ok(new)
    }

    async fn fetch(&self) -> Result<Read, OpenError> {
        let mut patience = self.place.patience();
        let playlist = loop {
            match self.once(&mut patience).await? {
                Ok(playlist) => break playlist,
                Err(trouble) => self.place.recover(trouble, &mut patience, &self.gate).await?,
            }
        };
        let (generation, target) = self.place.addresses.now()?;
        let mut target = Target::clone(&target);
        target.playlist = Some(Arc::new(playlist));
        Ok(Read { generation, target: Arc::new(target) })
    }

    async fn once(&self, patience: &mut Patience) -> Result<Result<Playlist, Trouble>, OpenError> {
        let unsuitable = |why: &str| OpenError::Unsuitable(format!("a playlist: {why}"));
        let mut body = self.place.body(&Want::Whole, patience, &self.gate).await?;
        match body.ending() {
            Ending::After(bytes) if bytes > MAX_BYTES as u64 => return Err(unsuitable("it is too large")),
            Ending::Unproven => return Err(unsuitable("nothing says that it is whole")),
            Ending::After(_) | Ending::Told => {}
        }
        let (mut text, stall) = (Vec::new(), stall(&self.place, &self.gate));
        loop {
            match self.gate.guard(async { Ok(body.next(stall).await) }).await? {
                Ok(Some(bytes)) if text.len() + bytes.len() > MAX_BYTES => return Err(unsuitable("it is too large")),
                Ok(Some(bytes)) => text.extend_from_slice(&bytes),
                Ok(None) => break,
                Err(trouble) => return Ok(Err(trouble)),
            }
        }
        let text = str::from_utf8(&text).map_err(|_| unsuitable("it is no text"))?;
        Playlist::parse(body.url().clone(), text).map(Ok).map_err(unsuitable)
    }
}
