//! One range of one file over one connection at a time, whatever happens to the connections.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use futures::stream;
use sluice_domain::Failure;
use sluice_transfer::{ByteStream, Gate};

use super::{
    body::Body,
    known::Known,
    patience::Patience,
    place::{Place, Want},
    trouble::changed,
};

/// What is read twice where no validator vouches for the rest, in bytes.
const OVERLAP: usize = 64 * 1024;

/// A range that is being read, in order.
pub(super) struct Reading {
    place: Arc<Place>,
    known: Arc<Known>,
    gate: Gate,
    at: u64,
    end: u64,
    body: Option<Body>,
    patience: Patience,
    /// The last bytes that were given, kept only without a validator.
    tail: Vec<u8>,
    /// What of the tail has to come again first.
    expected: usize,
}

impl Reading {
    /// An impatient one ends at the first trouble.
    pub(super) fn new(place: &Arc<Place>, known: &Arc<Known>, from: u64, end: u64, patient: bool, gate: &Gate) -> Self {
        Self {
            place: place.clone(),
            known: known.clone(),
            gate: gate.clone(),
            at: from,
            end: end.min(known.total),
            body: None,
            patience: if patient { place.patience() } else { Patience::none() },
            tail: Vec::new(),
            expected: 0,
        }
    }

    pub(super) fn stream(self) -> ByteStream {
        Box::pin(stream::try_unfold(self, async |mut reading| Ok(reading.next().await?.map(|bytes| (bytes, reading)))))
    }

    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, Failure> {
        let patience = stall(&self.place, &self.gate);
        while self.at < self.end {
            self.gate.check()?;
            let body = match &mut self.body {
                Some(body) => body,
                None => {
                    let body = self.reopen().await?;
                    self.body.insert(body)
                }
            };
            match self.gate.guard(async { Ok(body.next(patience).await) }).await? {
                Ok(Some(bytes)) => {
                    if let Some(bytes) = self.took(bytes)? {
                        return Ok(Some(bytes));
                    }
                }
                // The part is over, the range is not.
                Ok(None) => self.body = None,
                Err(trouble) => {
                    self.body = None;
                    self.place.recover(trouble, &mut self.patience, &self.gate).await?;
                }
            }
        }
        Ok(None)
    }

    async fn reopen(&mut self) -> Result<Body, Failure> {
        let chunk = self.place.target()?.chunk.unwrap_or(u64::MAX);
        // A chunk must get beyond the overlap.
        let most = usize::try_from(chunk / 2).unwrap_or(usize::MAX).min(OVERLAP);
        self.expected = self.tail.len().min(most);
        let from = self.at - self.expected as u64;
        let to = self.end.min(from.saturating_add(chunk));
        self.place.body(&Want::Range(&self.known, from, to), &mut self.patience, &self.gate).await
    }

    /// Takes what came; gives what is new of it.
    fn took(&mut self, mut bytes: Bytes) -> Result<Option<Bytes>, Failure> {
        let again = bytes.split_to(self.expected.min(bytes.len()));
        let start = self.tail.len() - self.expected;
        if self.tail[start..start + again.len()] != again[..] {
            let target = self.place.target()?;
            return Err(changed(&target.url, "its bytes"));
        }
        self.expected -= again.len();
        if bytes.is_empty() {
            return Ok(None);
        }
        self.at += bytes.len() as u64;
        self.patience.progressed(bytes.len() as u64);
        if self.known.validator.is_none() {
            keep_last(&mut self.tail, &bytes);
        }
        Ok(Some(bytes))
    }
}

/// The longest time without a byte.
pub(super) fn stall(place: &Place, gate: &Gate) -> Duration {
    place.web.tuning().stall.min(gate.idle_timeout())
}

/// Adds to the tail and cuts what is too much, not byte by byte.
fn keep_last(tail: &mut Vec<u8>, bytes: &[u8]) {
    let bytes = &bytes[bytes.len().saturating_sub(OVERLAP)..];
    if tail.len() + bytes.len() > 2 * OVERLAP {
        tail.drain(..tail.len().saturating_sub(OVERLAP - bytes.len()));
    }
    tail.extend_from_slice(bytes);
}
