//! One file of the web.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream;
use sluice_domain::{Failure, FailureKind, Length};
use sluice_transfer::{Access, ByteStream, Gate, Source};
use tokio::sync::Semaphore;

use super::{
    OpenError,
    body::{Body, Ending},
    known::Known,
    lanes::{self, Content, EXTRA_LANES},
    media::Addresses,
    patience::Patience,
    place::{Place, Probe, Want},
    reading::{Reading, stall},
    web::Web,
};

/// A file that is served in ranges.
pub(super) struct Remote {
    file: Arc<File>,
    fingerprint: Option<String>,
    /// For connections beyond the first of each stream.
    extra: Arc<Semaphore>,
    gate: Gate,
}

struct File {
    place: Arc<Place>,
    known: Arc<Known>,
}

impl Remote {
    pub(super) async fn open(web: &Web, addresses: Arc<Addresses>, gate: &Gate) -> Result<Arc<dyn Source>, OpenError> {
        let place = Arc::new(Place::new(web, &addresses, None));
        Ok(match place.probe(gate).await? {
            Probe::Ranges(known) => Arc::new(Self {
                fingerprint: known.fingerprint(&addresses.format_id),
                file: Arc::new(File { place, known: Arc::new(known) }),
                extra: Arc::new(Semaphore::new(EXTRA_LANES)),
                gate: gate.clone(),
            }),
            Probe::Whole(length) => Arc::new(Whole { place, length, gate: gate.clone() }),
        })
    }
}

#[async_trait]
impl Source for Remote {
    fn length(&self) -> Length {
        Length::Exact(self.file.known.total)
    }

    fn fingerprint(&self) -> Option<&str> {
        self.fingerprint.as_deref()
    }

    async fn open(&self, from: u64, to: Option<u64>) -> Result<ByteStream, Failure> {
        lanes::open(self.file.clone(), &self.file.place.web, &self.extra, (from, to), &self.gate)
    }
}

impl Content for File {
    fn total(&self) -> u64 {
        self.known.total
    }

    fn read(self: Arc<Self>, from: u64, to: u64, patient: bool, gate: &Gate) -> ByteStream {
        Reading::new(&self.place, &self.known, from, to, patient, gate).stream()
    }

    fn splits(&self) -> bool {
        self.known.validator.is_some()
    }

    fn cut(&self, at: u64) -> u64 {
        at
    }
}

/// A file that is served as a whole only.
struct Whole {
    place: Arc<Place>,
    length: Option<u64>,
    gate: Gate,
}

#[async_trait]
impl Source for Whole {
    fn length(&self) -> Length {
        self.length.map_or(Length::Unknown, Length::Exact)
    }

    fn access(&self) -> Access {
        Access::Forward { window: 0 }
    }

    async fn open(&self, from: u64, to: Option<u64>) -> Result<ByteStream, Failure> {
        if from > 0 {
            return Err(Failure::new(FailureKind::Network, "the site serves this file from the start only").transient());
        }
        let reading = WholeReading {
            place: self.place.clone(),
            length: self.length,
            gate: self.gate.clone(),
            at: 0,
            end: to,
            body: None,
            patience: self.place.patience(),
        };
        Ok(Box::pin(stream::try_unfold(reading, async |mut reading| {
            Ok(reading.next().await?.map(|bytes| (bytes, reading)))
        })))
    }
}

/// Nothing heals this once a byte was given: there is no way to get only the rest.
struct WholeReading {
    place: Arc<Place>,
    length: Option<u64>,
    gate: Gate,
    at: u64,
    end: Option<u64>,
    body: Option<Body>,
    patience: Patience,
}

impl WholeReading {
    async fn next(&mut self) -> Result<Option<Bytes>, Failure> {
        let patience = stall(&self.place, &self.gate);
        loop {
            if self.end.is_some_and(|end| self.at >= end) {
                return Ok(None);
            }
            let body = match &mut self.body {
                Some(body) => body,
                None => {
                    let body = self.place.body(&Want::Whole, &mut self.patience, &self.gate).await?;
                    self.fits(body.ending())?;
                    self.body.insert(body)
                }
            };
            let ending = body.ending();
            match self.gate.guard(async { Ok(body.next(patience).await) }).await? {
                Ok(Some(mut bytes)) => {
                    let left = self.end.map_or(u64::MAX, |end| end - self.at);
                    bytes.truncate(usize::try_from(left).unwrap_or(usize::MAX));
                    self.at += bytes.len() as u64;
                    return Ok(Some(bytes));
                }
                Ok(None) => return self.proven(ending).map(|()| None),
                Err(trouble) if self.at == 0 => {
                    self.body = None;
                    self.place.recover(trouble, &mut self.patience, &self.gate).await?;
                }
                Err(trouble) => return Err(trouble.failure),
            }
        }
    }

    fn fits(&self, ending: Ending) -> Result<(), Failure> {
        match (self.length, ending) {
            (Some(length), Ending::After(bytes)) if length != bytes => {
                Err(Failure::new(FailureKind::Network, "the source has changed: its length"))
            }
            _ => Ok(()),
        }
    }

    /// Was that really the end?
    fn proven(&self, ending: Ending) -> Result<(), Failure> {
        let vouched = match self.length {
            Some(length) => Some(length),
            None if ending == Ending::Unproven => self.place.target()?.filesize,
            None => None,
        };
        match (vouched, ending) {
            (Some(bytes), _) if bytes == self.at => Ok(()),
            (Some(bytes), _) => Err(Failure::new(FailureKind::Network, format!("{} of {bytes} bytes came", self.at))),
            (None, Ending::Unproven) => Err(Failure::new(FailureKind::Network, "nothing says that the file is whole")),
            (None, Ending::After(_) | Ending::Told) => Ok(()),
        }
    }
}
