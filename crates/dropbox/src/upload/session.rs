//! An upload session that takes one append after the other, until Dropbox has confirmed all bytes.
//!
//! Only what Dropbox confirms counts. When the fate of an append is unknown, an empty append asks how far the session is; it is cheap,
//! and on HTTP/1.1 its answer gets through where that to a large body is lost. Such sessions are never closed: nothing needs it, and a
//! closed session takes no more bytes.
//!
//! A session whose checkpoints are on record may be written to by another worker with the same bytes (see `record`). Then Dropbox
//! confirms more than was sent from here, and what it confirms counts.

use std::collections::BTreeMap;

use dropbox_sdk::types::files::{
    UploadSessionAppendArg, UploadSessionAppendError, UploadSessionCursor, UploadSessionStartArg,
};
use sluice_domain::{Failure, FailureKind};
use sluice_transfer::{Access, Gate};
use tokio::time::Instant;

use super::{
    commit::Uploaded,
    feed::Feed,
    judge::{self, Append},
    record::{Kind, Note, Recorder, Resumed, exact},
};
use crate::{
    AccountClient, answer,
    answer::{CallError, Said, Trouble},
    call::Outgoing,
    content_hash::BLOCK,
    retry::Retry,
};

/// A file goes over in about so many chunks, if it is not too large for that: so that its progress shows.
const USUAL_CHUNKS: u64 = 24;
/// How often a session may lose what it confirmed.
const MOST_REWINDS: u32 = 3;

type AppendOutcome = Result<(), CallError<UploadSessionAppendError>>;

/// The session is of no use any more; why.
#[derive(Debug)]
pub(super) struct Lost(pub(super) String);

/// An upload session.
pub(super) struct Session<'c> {
    client: &'c AccountClient,
    id: String,
    /// Bytes that Dropbox has confirmed.
    confirmed: u64,
    /// The farthest byte that the session can have: what was ever handed to a request, or the end of the source when others may write
    /// the same bytes. A session that is longer has a strange writer.
    reach: u64,
    /// Nobody knows how far the session is.
    in_doubt: bool,
    /// Bytes per append.
    chunk: u64,
    rewinds: u32,
}

impl<'c> Session<'c> {
    /// A new session, without bytes: starting is refused more often than appending, and a refused body is wasted.
    pub(super) async fn start(
        client: &'c AccountClient,
        feed: &Feed<'_>,
        recorder: &Recorder<'_>,
    ) -> Result<Self, Failure> {
        let started = client.repeated(&UploadSessionStartArg::default()).await?;
        let id = started.map_err(|(_, said)| answer::refused(said))?.session_id;
        Ok(Self::of(client, id, feed, recorder))
    }

    /// The session of an earlier attempt. How far it really is has to be asked.
    pub(super) fn resume(
        client: &'c AccountClient,
        resumed: Resumed,
        feed: &Feed<'_>,
        recorder: &Recorder<'_>,
    ) -> Self {
        let session = Self::of(client, resumed.note.session, feed, recorder);
        Self { confirmed: resumed.offset, in_doubt: true, ..session }
    }

    fn of(client: &'c AccountClient, id: String, feed: &Feed<'_>, recorder: &Recorder<'_>) -> Self {
        let source = feed.source();
        let chunk = chunk(source.length().bytes(), source.access(), client.tuning().largest_chunk);
        let reach = if recorder.is_shared() { exact(source.length()).unwrap_or(u64::MAX) } else { 0 };
        Self { client, id, confirmed: 0, reach, in_doubt: false, chunk, rewinds: 0 }
    }

    fn cursor(&self) -> UploadSessionCursor {
        UploadSessionCursor::new(self.id.clone(), self.confirmed)
    }

    /// What there is to commit.
    pub(super) fn uploaded(&self, feed: &Feed<'_>) -> Uploaded {
        Uploaded { session: self.id.clone(), size: self.confirmed, content_hash: feed.content_hash() }
    }

    /// Dropbox says that it has fewer bytes than it confirmed, or more than it was sent.
    pub(super) fn rewind(&mut self, offset: u64) -> Result<(), Lost> {
        self.rewinds += 1;
        if offset > self.reach || self.rewinds > MOST_REWINDS {
            return Err(Lost(format!("the session has {offset} bytes instead of {}", self.confirmed)));
        }
        self.confirmed = offset;
        Ok(())
    }

    /// Sends until the source has proven its end and Dropbox has confirmed everything.
    pub(super) async fn fill(
        &mut self,
        feed: &Feed<'_>,
        recorder: &mut Recorder<'_>,
        gate: &Gate,
    ) -> Result<Result<(), Lost>, Failure> {
        let filled = self.send_all(feed, recorder, gate).await;
        // Whatever it was that failed: the next attempt goes on from here.
        if filled.is_err() && recorder.has_news(self.confirmed) {
            recorder.last_word(self.confirmed, self.confirmed, &self.note(feed)).await;
        }
        filled
    }

    async fn send_all(
        &mut self,
        feed: &Feed<'_>,
        recorder: &mut Recorder<'_>,
        gate: &Gate,
    ) -> Result<Result<(), Lost>, Failure> {
        let mut retry = Retry::new(self.client.tuning());
        gate.arrived(self.confirmed);
        loop {
            let before = self.confirmed;
            let was_question = std::mem::replace(&mut self.in_doubt, false);
            let outcome = if was_question {
                self.ask().await
            } else if let Some(outcome) = self.append(feed).await? {
                outcome
            } else {
                return Ok(Ok(()));
            };
            let trouble = match outcome {
                Ok(()) => None,
                Err(CallError::Refused(problem, said)) => match judge::append(&problem, self.confirmed, self.reach) {
                    Append::Confirmed(offset) => {
                        self.confirmed = offset;
                        None
                    }
                    Append::Rewind(offset) => {
                        if let Err(lost) = self.rewind(offset) {
                            return Ok(Err(lost));
                        }
                        Some(Trouble::Lost(said.detail))
                    }
                    Append::Again => Some(Trouble::Lost(said.detail)),
                    Append::Lost(why) => return Ok(Err(Lost(format!("{why}: {}", said.detail)))),
                    Append::Smaller => self.shrink(&said).map(|()| None)?,
                    Append::TooLarge => return Err(judge::too_large(self.confirmed)),
                    Append::Unknown => return Err(answer::refused(said)),
                },
                Err(CallError::TooBig) => self.shrink(&Said::default()).map(|()| None)?,
                Err(CallError::Trouble(trouble)) => {
                    self.in_doubt = matches!(trouble, Trouble::Lost(_)) || was_question;
                    Some(trouble)
                }
                // Should Dropbox ever dislike empty appends, the next real one tells how far the session is.
                Err(CallError::Failed(failure)) if was_question && failure.kind == FailureKind::Internal => None,
                Err(CallError::Failed(failure)) => return Err(failure),
            };
            if self.confirmed != before {
                gate.arrived(self.confirmed);
            }
            if self.confirmed > before {
                retry.reset();
                feed.release(self.confirmed);
            }
            if recorder.is_due(self.confirmed, Instant::now()) {
                recorder.record(self.confirmed, self.confirmed, &self.note(feed)).await?;
            }
            if let Some(trouble) = trouble {
                retry.wait(&trouble).await?;
            }
        }
    }

    fn note(&self, feed: &Feed<'_>) -> Note {
        Note::new(Kind::Sequential, &self.id, feed.hashed(), BTreeMap::new())
    }

    /// Sends the next chunk. `None` when there is none.
    async fn append(&mut self, feed: &Feed<'_>) -> Result<Option<AppendOutcome>, Failure> {
        let Some(piece) = feed.piece(self.confirmed, self.chunk).await? else { return Ok(None) };
        let exact = piece.exact();
        let out = piece.outgoing(self.client.tuning().stall_timeout);
        let outcome = self.client.once(&UploadSessionAppendArg::new(self.cursor()), out).await;
        let handed_out = feed.close();
        self.reach = self.reach.max(handed_out);
        if let Some(failure) = feed.failure() {
            return Err(failure);
        }
        if outcome.is_ok() {
            // Dropbox cannot have confirmed what it was not given.
            if exact.is_some_and(|length| self.confirmed + length != handed_out) {
                return Ok(Some(Err(CallError::Trouble(Trouble::Lost("confirmed before it was sent".into())))));
            }
            self.confirmed = handed_out;
        }
        Ok(Some(outcome))
    }

    /// Asks how far the session is. `Ok` means: as far as we know.
    async fn ask(&self) -> AppendOutcome {
        let out = Outgoing::nothing(self.client.tuning().call_timeout);
        self.client.once(&UploadSessionAppendArg::new(self.cursor()), out).await
    }

    fn shrink(&mut self, said: &Said) -> Result<(), Failure> {
        if self.chunk <= BLOCK {
            let detail = format!("Dropbox takes no {BLOCK} bytes at once: {}", said.detail);
            return Err(Failure::internal(detail).permanent());
        }
        self.chunk = (self.chunk / 2).next_multiple_of(BLOCK).max(BLOCK);
        Ok(())
    }
}

/// The chunk for a file of this size. A chunk must be readable again until it is confirmed.
fn chunk(total: Option<u64>, access: Access, largest: u64) -> u64 {
    let wanted = total.map_or(largest, |total| total.div_ceil(USUAL_CHUNKS));
    let wanted = wanted.clamp(BLOCK, largest.max(BLOCK)).next_multiple_of(BLOCK);
    match access {
        Access::Random => wanted,
        // Nothing can be sent again, however little it is.
        Access::Forward { window: 0 } => BLOCK,
        // The other half fills while Dropbox confirms this one, and holds what the stream gave beyond it.
        Access::Forward { window } if window / 2 < BLOCK => (window / 2).max(1),
        Access::Forward { window } => wanted.min(window / 2 / BLOCK * BLOCK),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const M: u64 = 1024 * 1024;

    #[test]
    fn chunks_are_multiples_of_four_mebibytes() {
        let check =
            |total: Option<u64>, want: u64| assert_eq!(chunk(total, Access::Random, 32 * M), want * M, "{total:?}");
        check(Some(0), 4);
        check(Some(1), 4);
        check(Some(96 * M), 4);
        check(Some(100 * M), 8);
        check(Some(400 * M), 20);
        check(Some(40_000 * M), 32);
        check(None, 32);
        assert_eq!(chunk(Some(40_000 * M), Access::Random, 1), 4 * M);
    }

    #[test]
    fn a_chunk_fits_into_the_window() {
        let check = |window: u64, want: u64| {
            assert_eq!(chunk(Some(40_000 * M), Access::Forward { window }, 32 * M), want, "{window}");
        };
        check(0, 4 * M);
        check(1000, 500);
        check(4 * M, 2 * M);
        check(15 * M, 4 * M);
        check(16 * M, 8 * M);
        check(17 * M, 8 * M);
        check(640 * M, 32 * M);
    }
}
