//! An upload session that takes blocks in any order and side by side.
//!
//! Dropbox does not tell what such a session has: a block counts when its append was acknowledged, and one whose fate is unknown is sent
//! again, which changes nothing. When all whole blocks are safe, a closing append brings what is left; after it the session takes nothing
//! more. That all of it arrived is proven by the commit.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
    sync::Arc,
};

use dropbox_sdk::types::files::{
    UploadSessionAppendArg, UploadSessionAppendError, UploadSessionCursor, UploadSessionStartArg, UploadSessionType,
};
use futures::{FutureExt, StreamExt, future::BoxFuture, stream::FuturesUnordered};
use sluice_domain::Failure;
use sluice_transfer::{FairShare, Gate, Source};
use tokio::{sync::OwnedSemaphorePermit, time::Instant};

use super::{
    commit::Uploaded,
    judge::{self, Append},
    lane::Lane,
    lanes::Lanes,
    ledger::Ledger,
    record::{Kind, Note, Recorder, Resumed},
    relay::Relay,
    session::Lost,
};
use crate::{
    AccountClient, Tuning, answer,
    answer::{CallError, Said, Trouble},
    call::Outgoing,
    content_hash::{BLOCK, Digest, Outer},
    retry::Retry,
};

/// Blocks per append, at the most.
const MOST_BLOCKS: u64 = 4;
/// An upload session with several writers.
pub(super) struct Concurrent<'c, 's> {
    way: Way<'c, 's>,
    ledger: Ledger,
    lanes: Lanes,
    /// A single lane does not wait for answers: the next append begins when all of the last one is handed out.
    relay: Arc<Relay>,
    /// Blocks per append.
    chunk: u64,
    /// The digest of the last block, if it is not whole.
    rest: Option<Digest>,
}

/// From the source to the session.
struct Way<'c, 's> {
    client: &'c AccountClient,
    source: &'s dyn Source,
    id: String,
    total: u64,
    /// Of the appends that may be under way at once.
    share: FairShare,
}

/// An append that is to be made.
struct Errand<'c, 's> {
    lane: Lane<'s>,
    blocks: Range<u64>,
    retry: Retry<'c>,
    /// What happened the last time.
    trouble: Option<Trouble>,
    /// When it was begun the last time, and with how many lanes.
    began: Instant,
    with: usize,
    /// Where the source goes on to when all is handed out, if this is the only lane.
    relay: Option<Arc<Relay>>,
    /// The right to a lane. A file's only one needs none.
    _right: Option<OwnedSemaphorePermit>,
}

/// How an append went.
enum Outcome {
    Arrived(Vec<Digest>),
    Trouble(Trouble),
    TooBig(Said),
    Lost(Lost),
    /// The source does not give the bytes.
    Source(Failure),
}

type Errands<'a, 'c, 's> = FuturesUnordered<BoxFuture<'a, (Errand<'c, 's>, Outcome)>>;

impl<'c, 's> Errand<'c, 's> {
    fn new(
        client: &'c AccountClient,
        lane: Lane<'s>,
        blocks: Range<u64>,
        (with, relay): (usize, &Arc<Relay>),
        right: Option<OwnedSemaphorePermit>,
    ) -> Self {
        let (retry, relay) = (Retry::new(client.tuning()), (with == 1).then(|| relay.clone()));
        Self { lane, blocks, retry, trouble: None, began: Instant::now(), with, relay, _right: right }
    }
}

impl<'c, 's> Concurrent<'c, 's> {
    /// A new session.
    pub(super) async fn start(client: &'c AccountClient, source: &'s dyn Source, total: u64) -> Result<Self, Failure> {
        let argument = UploadSessionStartArg::default().with_session_type(UploadSessionType::Concurrent);
        let started = client.repeated(&argument).await?;
        let id = started.map_err(|(_, said)| answer::refused(said))?.session_id;
        let way = Way { client, source, id, total, share: client.lanes() };
        Ok(Self::of(way, Ledger::new(total, Outer::new(), BTreeMap::new())))
    }

    /// The session of an earlier attempt.
    pub(super) fn resume(client: &'c AccountClient, source: &'s dyn Source, total: u64, resumed: Resumed) -> Self {
        let Note { session: id, hashed, beyond, .. } = resumed.note;
        let way = Way { client, source, id, total, share: client.lanes() };
        Self::of(way, Ledger::new(total, hashed, beyond))
    }

    fn of(way: Way<'c, 's>, ledger: Ledger) -> Self {
        let tuning = way.client.tuning();
        let chunk = chunk(way.total, tuning);
        Self { way, ledger, lanes: Lanes::new(tuning.most_lanes), relay: Arc::default(), chunk, rest: None }
    }

    /// What there is to commit.
    pub(super) fn uploaded(&self) -> Uploaded {
        Uploaded {
            session: self.way.id.clone(),
            size: self.way.total,
            content_hash: self.ledger.safe().clone().finish(self.rest),
        }
    }

    /// Sends until everything is acknowledged, then closes the session.
    pub(super) async fn fill(&mut self, recorder: &mut Recorder<'_>, gate: &Gate) -> Result<Result<(), Lost>, Failure> {
        let filled = self.send_all(recorder, gate).await;
        // Whatever it was that failed: the next attempt goes on from here.
        if filled.is_err() && recorder.has_news(self.ledger.safe_bytes()) {
            let (safe, offset, note) = record(&self.way.id, &self.ledger);
            recorder.last_word(safe, offset, &note).await;
        }
        filled
    }

    async fn send_all(&mut self, recorder: &mut Recorder<'_>, gate: &Gate) -> Result<Result<(), Lost>, Failure> {
        let Self { way, ledger, lanes, relay, chunk, rest } = self;
        let (way, mut idle, mut errands) = (&*way, Vec::new(), Errands::new());
        // Where the appends begin that have handed everything out and wait for their answers.
        let mut spent = BTreeSet::new();
        gate.arrived(ledger.safe_bytes());
        loop {
            // One of them takes up no lane. No more: what is on its way when a worker dies is sent again.
            while let busy = errands.len() - spent.len().min(1)
                && busy < lanes.count()
                && let Some(blocks) = ledger.next(*chunk)
            {
                let right = way.share.take(busy, 1);
                if busy > 0 && right.is_none() {
                    ledger.given_up(&blocks);
                    lanes.limited(busy);
                    break;
                }
                if lanes.count() > 1 {
                    relay.let_go();
                }
                let lane = idle.pop().unwrap_or_else(|| Lane::new(way.source, errands.len()));
                errands.push(way.send(Errand::new(way.client, lane, blocks, (lanes.count(), relay), right)).boxed());
            }
            let next = tokio::select! {
                biased;
                from = relay.passed() => {
                    if ledger.is_on_its_way(from) {
                        spent.insert(from);
                    }
                    continue;
                }
                next = errands.next() => next,
            };
            let Some((mut errand, outcome)) = next else { break };
            if spent.remove(&(errand.blocks.start * BLOCK)) {
                // Should it be made again, somebody else is reading on.
                errand.relay = None;
            }
            match outcome {
                Outcome::Arrived(digests) => {
                    let size = (errand.blocks.end - errand.blocks.start) * BLOCK;
                    lanes.arrived(size, errand.began.elapsed(), errand.lane.waited(), errand.with);
                    ledger.arrived(errand.blocks, digests);
                    gate.arrived(ledger.safe_bytes());
                    idle.push(errand.lane);
                    if recorder.is_due(ledger.safe_bytes(), Instant::now()) {
                        let (safe, offset, note) = record(&way.id, ledger);
                        recorder.record(safe, offset, &note).await?;
                    }
                }
                Outcome::Trouble(trouble) => {
                    if !matches!(trouble, Trouble::Paused(_) | Trouble::Expired) {
                        lanes.troubled();
                    }
                    errands.push(way.send(Errand { trouble: Some(trouble), ..errand }).boxed());
                }
                Outcome::TooBig(said) => {
                    let blocks = errand.blocks.end - errand.blocks.start;
                    if blocks == 1 {
                        let detail = format!("Dropbox takes no {BLOCK} bytes at once: {}", said.detail);
                        return Err(Failure::internal(detail).permanent());
                    }
                    *chunk = (*chunk).min(blocks / 2);
                    ledger.given_up(&errand.blocks);
                    idle.push(errand.lane);
                }
                // Some sites serve one connection at a time.
                Outcome::Source(failure) if !errands.is_empty() && failure.is_transient() => {
                    tracing::debug!(failure.detail, "One lane from now on");
                    lanes.alone();
                    ledger.given_up(&errand.blocks);
                }
                Outcome::Source(failure) => return Err(failure),
                Outcome::Lost(lost) => return Ok(Err(lost)),
            }
        }
        drop(errands);
        // On record before the session closes: that whoever comes next does not look for holes in a closed session; and a worker whose
        // job is another's now closes nothing.
        if recorder.has_news(ledger.safe_bytes()) {
            let (safe, offset, note) = record(&way.id, ledger);
            recorder.record(safe, offset, &note).await?;
        }
        let lane = idle.pop().unwrap_or_else(|| Lane::new(way.source, 0));
        match way.close(lane, ledger.offset(), relay).await? {
            Ok(digest) => *rest = digest,
            Err(lost) => return Ok(Err(lost)),
        }
        gate.arrived(way.total);
        Ok(Ok(()))
    }
}

impl<'c, 's> Way<'c, 's> {
    /// Makes one append, after a pause if it went wrong before.
    async fn send(&self, mut errand: Errand<'c, 's>) -> (Errand<'c, 's>, Outcome) {
        let outcome = self.try_to_send(&mut errand).await.unwrap_or_else(Outcome::Source);
        (errand, outcome)
    }

    async fn try_to_send(&self, errand: &mut Errand<'c, 's>) -> Result<Outcome, Failure> {
        if let Some(trouble) = errand.trouble.take() {
            errand.retry.wait(&trouble).await?;
        }
        errand.began = Instant::now();
        let (from, to) = (errand.blocks.start * BLOCK, errand.blocks.end * BLOCK);
        Ok(match self.append(&mut errand.lane, from..to, false, errand.relay.as_ref()).await? {
            Ok(()) => Outcome::Arrived(errand.lane.digests(to).await?.0),
            Err(CallError::Trouble(trouble)) => Outcome::Trouble(trouble),
            Err(CallError::TooBig) => Outcome::TooBig(Said::default()),
            Err(CallError::Failed(failure)) => return Err(failure),
            Err(CallError::Refused(problem, said)) => match judge::block(&problem) {
                Append::Again => Outcome::Trouble(Trouble::Lost(said.detail)),
                Append::Smaller => Outcome::TooBig(said),
                Append::Lost(why) => Outcome::Lost(Lost(format!("{why}: {}", said.detail))),
                Append::TooLarge => return Err(judge::too_large(self.total)),
                Append::Confirmed(_) | Append::Rewind(_) | Append::Unknown => return Err(answer::refused(said)),
            },
        })
    }

    /// The last append: what is left after the whole blocks, and the end. Gives the digest of what is left.
    async fn close(
        &self,
        mut lane: Lane<'s>,
        from: u64,
        relay: &Arc<Relay>,
    ) -> Result<Result<Option<Digest>, Lost>, Failure> {
        let (mut retry, mut relay) = (Retry::new(self.client.tuning()), Some(relay));
        loop {
            let trouble = match self.append(&mut lane, from..self.total, true, relay.take()).await? {
                Ok(()) if from == self.total => return Ok(Ok(None)),
                Ok(()) => return Ok(Ok(lane.digests(self.total).await?.1)),
                Err(CallError::Refused(problem, _)) if judge::is_closed(&problem, self.total) => {
                    // Not for the first time, then. What was sent that time is proven by the commit.
                    if from == self.total {
                        return Ok(Ok(None));
                    }
                    return Ok(Ok(lane.read(from, self.total).await?.1));
                }
                Err(CallError::Trouble(trouble)) => trouble,
                Err(CallError::TooBig) => return Err(Failure::internal("the last append is too large").permanent()),
                Err(CallError::Failed(failure)) => return Err(failure),
                Err(CallError::Refused(problem, said)) => match judge::block(&problem) {
                    Append::Again => Trouble::Lost(said.detail),
                    Append::Lost(why) => return Ok(Err(Lost(format!("{why}: {}", said.detail)))),
                    Append::TooLarge => return Err(judge::too_large(self.total)),
                    _ => return Err(answer::refused(said)),
                },
            };
            retry.wait(&trouble).await?;
        }
    }

    /// Sends these bytes once. A failure is one of the source.
    async fn append(
        &self,
        lane: &mut Lane<'s>,
        bytes: Range<u64>,
        close: bool,
        relay: Option<&Arc<Relay>>,
    ) -> Result<Result<(), CallError<UploadSessionAppendError>>, Failure> {
        let tuning = self.client.tuning();
        let cursor = UploadSessionCursor::new(self.id.clone(), bytes.start);
        let argument = UploadSessionAppendArg::new(cursor).with_close(close);
        if bytes.is_empty() {
            return Ok(self.client.once(&argument, Outgoing::nothing(tuning.call_timeout)).await);
        }
        let piece = lane.piece(bytes.start, bytes.end, relay).await?;
        let out = Outgoing { line: lane.line, ..piece.outgoing(tuning.stall_timeout) };
        let outcome = self.client.once(&argument, out).await;
        let handed_out = lane.close()?;
        // Dropbox cannot have confirmed what it was not given.
        if outcome.is_ok() && handed_out != bytes.end {
            return Ok(Err(CallError::Trouble(Trouble::Lost("confirmed before it was sent".into()))));
        }
        Ok(outcome)
    }
}

/// What goes on record now: the safe bytes in all, those before the first hole, and the rest of it.
fn record(id: &str, ledger: &Ledger) -> (u64, u64, Note) {
    let note = Note::new(Kind::Concurrent, id, ledger.safe().clone(), ledger.beyond().clone());
    (ledger.safe_bytes(), ledger.offset(), note)
}

/// Blocks per append, for a file of this size.
fn chunk(total: u64, tuning: &Tuning) -> u64 {
    total.div_ceil(tuning.usual_appends).div_ceil(BLOCK).min(tuning.largest_chunk / BLOCK).clamp(1, MOST_BLOCKS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn appends_are_whole_blocks() {
        const M: u64 = 1 << 20;
        let check = |total: u64, largest_chunk: u64, want: u64| {
            let tuning = Tuning { largest_chunk, ..Tuning::default() };
            assert_eq!(chunk(total, &tuning), want, "{total}");
        };
        check(33 * M, 32 * M, 1);
        check(512 * M, 32 * M, 1);
        check(513 * M, 32 * M, 2);
        check(2048 * M, 32 * M, 4);
        check(400_000 * M, 32 * M, 4);
        check(400_000 * M, 8 * M, 2);
        check(400_000 * M, 1, 1);
    }
}
