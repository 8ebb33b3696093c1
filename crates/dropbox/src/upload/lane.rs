//! One lane of a concurrent session: some blocks of the source, straight into one request body, and their digests.

use std::{sync::Arc, time::Duration};

use sluice_domain::Failure;
use sluice_transfer::Source;

use super::{
    relay::Relay,
    tap::{Piece, Tap, lied},
};
use crate::content_hash::{Blocks, Digest};

/// A part of the source on its way.
pub(super) struct Lane<'s> {
    tap: Tap<'s, Blocks>,
    /// Which connection to Dropbox it takes.
    pub(super) line: usize,
    /// Where the open stream will end; `None` for the end of the source.
    opened_to: Option<u64>,
}

impl<'s> Lane<'s> {
    pub(super) fn new(source: &'s dyn Source, line: usize) -> Self {
        Self { tap: Tap::new(source, Blocks::from(0)), line, opened_to: None }
    }

    /// The bytes from here to there. With a relay, the next ones will be wanted too: the stream stays open, and goes there when all is handed out.
    pub(super) async fn piece(
        &mut self,
        from: u64,
        to: u64,
        relay: Option<&Arc<Relay>>,
    ) -> Result<Piece<Blocks>, Failure> {
        self.tap.begin(Blocks::from(from));
        if let Some(open) = relay.and_then(|relay| relay.take(from)) {
            self.tap.take_over(open);
            self.opened_to = None;
        }
        if self.tap.must_open(from) || self.opened_to.is_some_and(|end| end < to) {
            self.tap.shut();
            self.opened_to = relay.is_none().then_some(to);
        }
        self.tap.stand_at(from, self.opened_to).await?;
        // A request begins when there is something to send.
        if !self.tap.more().await? {
            return Err(lied(to, "fewer"));
        }
        let piece = self.tap.piece(to - from, true);
        // Where it ends, it has to prove it.
        Ok(match relay.filter(|_| self.opened_to.or(self.total()) != Some(to)) {
            Some(relay) => piece.then(relay),
            None => piece,
        })
    }

    /// The call with the last piece is over. Tells how far the bytes went that were handed out.
    pub(super) fn close(&self) -> Result<u64, Failure> {
        let handed_out = self.tap.close();
        self.tap.failure().map_or(Ok(handed_out), Err)
    }

    /// How long the last piece waited for the source.
    pub(super) fn waited(&self) -> Duration {
        self.tap.lock().waited()
    }

    /// The digests of the piece, when all of it was handed out; and that of its last block, if that is not whole. Where the stream
    /// should end now, it has to prove it.
    pub(super) async fn digests(&mut self, to: u64) -> Result<(Vec<Digest>, Option<Digest>), Failure> {
        if self.opened_to.or(self.total()) == Some(to) {
            if self.tap.more().await? {
                return Err(lied(to, "more"));
            }
            self.tap.shut();
        }
        let hasher = &mut self.tap.lock().hasher;
        Ok((hasher.take(), hasher.rest()))
    }

    /// Reads from here to there for the digests alone.
    pub(super) async fn read(&mut self, from: u64, to: u64) -> Result<(Vec<Digest>, Option<Digest>), Failure> {
        drop(self.piece(from, to, None).await?);
        self.tap.pass(to).await?;
        self.digests(to).await
    }

    fn total(&self) -> Option<u64> {
        super::record::exact(self.tap.source().length())
    }
}
