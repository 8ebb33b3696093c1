//! One whole file over one connection at a time, which need not serve ranges: many sites serve segments without.

use bytes::Bytes;
use futures::stream;
use sha2::{Digest as _, Sha256};
use sluice_domain::{Failure, FailureKind};
use sluice_transfer::{ByteStream, Gate};

use super::super::{
    body::{Body, Ending},
    patience::Patience,
    place::{Place, Want},
    reading::stall,
    trouble::changed,
};

/// A file that is being read. Where it breaks off it is asked for again, from its start: segments are short. What was given before must come
/// again, byte for byte.
pub(super) struct Segment {
    place: Place,
    gate: Gate,
    patience: Patience,
    body: Option<Body>,
    /// Bytes that were given, and their digest.
    given: u64,
    digest: Sha256,
    /// Bytes of these that have yet to come again, and the digest of those that came.
    behind: u64,
    again: Sha256,
}

impl Segment {
    /// Asks for it.
    pub(super) async fn open(place: Place, gate: &Gate) -> Result<Self, Failure> {
        let mut segment = Self {
            patience: place.patience(),
            place,
            gate: gate.clone(),
            body: None,
            given: 0,
            digest: Sha256::new(),
            behind: 0,
            again: Sha256::new(),
        };
        segment.body = Some(segment.ask().await?);
        Ok(segment)
    }

    pub(super) fn stream(self) -> ByteStream {
        Box::pin(stream::try_unfold(self, async |mut segment| Ok(segment.next().await?.map(|bytes| (bytes, segment)))))
    }

    async fn ask(&mut self) -> Result<Body, Failure> {
        let body = self.place.body(&Want::Whole, &mut self.patience, &self.gate).await?;
        if body.ending() == Ending::Unproven {
            return Err(Failure::new(FailureKind::Network, "nothing says that a segment is whole"));
        }
        (self.behind, self.again) = (self.given, Sha256::new());
        Ok(body)
    }

    /// The next bytes. There may be none in them, which is a sign of life: what came was given before.
    async fn next(&mut self) -> Result<Option<Bytes>, Failure> {
        let patience = stall(&self.place, &self.gate);
        loop {
            self.gate.check()?;
            let body = match &mut self.body {
                Some(body) => body,
                None => {
                    let body = self.ask().await?;
                    self.body.insert(body)
                }
            };
            match self.gate.guard(async { Ok(body.next(patience).await) }).await? {
                Ok(Some(bytes)) => return self.took(bytes).map(Some),
                Ok(None) if self.given == 0 => return Err(Failure::new(FailureKind::Network, "a segment is empty")),
                Ok(None) if self.behind > 0 => return Err(self.changed("its length")),
                Ok(None) => return Ok(None),
                Err(trouble) => {
                    self.body = None;
                    self.place.recover(trouble, &mut self.patience, &self.gate).await?;
                }
            }
        }
    }

    /// Takes what came; gives what is new of it.
    fn took(&mut self, mut bytes: Bytes) -> Result<Bytes, Failure> {
        if self.behind > 0 {
            let old = bytes.split_to(usize::try_from(self.behind).unwrap_or(usize::MAX).min(bytes.len()));
            self.again.update(&old);
            self.behind -= old.len() as u64;
            if self.behind == 0 && self.again.clone().finalize() != self.digest.clone().finalize() {
                return Err(self.changed("its bytes"));
            }
        }
        if !bytes.is_empty() {
            self.digest.update(&bytes);
            self.given += bytes.len() as u64;
            self.patience.progressed(bytes.len() as u64);
        }
        Ok(bytes)
    }

    fn changed(&self, what: &str) -> Failure {
        match self.place.target() {
            Ok(target) => changed(&target.url, what),
            Err(failure) => failure,
        }
    }
}
