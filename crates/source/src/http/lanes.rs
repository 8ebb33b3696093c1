//! Several connections for one stream where one is slow, delivered in order.
//!
//! The front is what is given next. It comes straight from a connection, without a buffer, or from a segment that was fetched ahead. A
//! segment has its room in memory before it is asked for, out of the stream's fair share; without that the stream goes on over a single
//! connection. Segments try once: what becomes of a broken one is seen when it is its turn, with all the patience of the front.

mod segment;

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use futures::{StreamExt as _, stream};
use sluice_domain::Failure;
use sluice_transfer::{ByteStream, FairShare, Gate};
use tokio::{
    sync::{Notify, Semaphore},
    time::Instant,
};

use super::{pace::Pace, web::Web};
use segment::{Segment, Taken};

/// Connections for one source, beyond one for each of its streams.
pub(super) const EXTRA_LANES: usize = 7;
/// What may be fetched ahead is counted in this, in bytes.
const UNIT: u64 = 64 * 1024;

/// So many bytes of what may be fetched ahead.
pub(super) fn units(bytes: u64) -> usize {
    usize::try_from(bytes.div_ceil(UNIT)).unwrap_or(usize::MAX)
}

/// Bytes that can be read in ranges, one connection each.
pub(super) trait Content: Send + Sync {
    /// In bytes.
    fn total(&self) -> u64;

    /// Exactly this range. An impatient reading ends at the first trouble.
    fn read(self: Arc<Self>, from: u64, to: u64, patient: bool, gate: &Gate) -> ByteStream;

    /// May its ranges be fetched apart, because something vouches that they belong together?
    fn splits(&self) -> bool;

    /// The best place for a segment to end, at `at` or a little later.
    fn cut(&self, at: u64) -> u64;
}

/// From there to there, or to the end of all, over as many connections as are worth it.
///
/// # Errors
/// When it would begin beyond the end.
pub(super) fn open(
    content: Arc<dyn Content>,
    web: &Web,
    extra: &Arc<Semaphore>,
    (from, to): (u64, Option<u64>),
    gate: &Gate,
) -> Result<ByteStream, Failure> {
    let total = content.total();
    if from > total {
        return Err(Failure::internal(format!("byte {from} of {total}")));
    }
    let to = to.unwrap_or(total).min(total);
    if !content.splits() || to.saturating_sub(from) <= web.tuning().worth_splitting {
        return Ok(content.read(from, to, true, gate));
    }
    let lanes = Lanes {
        content,
        share: web.ahead().share(),
        extra: extra.clone(),
        gate: gate.clone(),
        at: from,
        end: to,
        direct: None,
        ahead: VecDeque::new(),
        over: Arc::new(Notify::new()),
        came: Arc::default(),
        segment: web.tuning().segment,
        pace: Pace::new(web.tuning().window, EXTRA_LANES + 1),
        gave: Instant::now(),
    };
    Ok(Box::pin(stream::try_unfold(lanes, async |mut lanes| Ok(lanes.next().await?.map(|bytes| (bytes, lanes))))))
}

struct Lanes {
    content: Arc<dyn Content>,
    share: FairShare,
    extra: Arc<Semaphore>,
    gate: Gate,
    at: u64,
    end: u64,
    /// The front, when it comes straight from a connection; read up to its end, then let go.
    direct: Option<Direct>,
    /// What follows the front, or the front itself; without gaps.
    ahead: VecDeque<Segment>,
    /// A segment is over: there is room for another connection.
    over: Arc<Notify>,
    /// Bytes that came over all connections since the pace was last told: what a segment brings shows only when its turn comes, seconds later.
    came: Arc<AtomicU64>,
    segment: (u64, u64),
    pace: Pace,
    gave: Instant,
}

struct Direct {
    stream: ByteStream,
    end: u64,
}

enum Step {
    Gave(Bytes),
    Again,
}

impl Lanes {
    async fn next(&mut self) -> Result<Option<Bytes>, Failure> {
        let asked = Instant::now();
        let away = asked - self.gave;
        while self.at < self.end {
            self.gate.check()?;
            self.grow();
            if let Step::Gave(bytes) = self.step().await? {
                self.at += bytes.len() as u64;
                if self.direct.as_ref().is_some_and(|direct| direct.end == self.at) {
                    self.direct = None;
                }
                self.gave = Instant::now();
                self.pace.gave(self.came.swap(0, Ordering::Relaxed), self.gave - asked, away);
                return Ok(Some(bytes));
            }
        }
        Ok(None)
    }

    async fn step(&mut self) -> Result<Step, Failure> {
        if let Some(direct) = &mut self.direct {
            let next = tokio::select! {
                biased;
                next = direct.stream.next() => next,
                () = self.over.notified() => return Ok(Step::Again),
            };
            let Some(bytes) = next else { return Err(Failure::internal("a range that ended early")) };
            let mut bytes = bytes?;
            bytes.truncate(usize::try_from(direct.end - self.at).unwrap_or(usize::MAX));
            self.came.fetch_add(bytes.len() as u64, Ordering::Relaxed);
            return Ok(Step::Gave(bytes));
        }
        let Some(segment) = self.ahead.front() else { return Ok(Step::Again) };
        match segment.take() {
            Taken::Bytes(bytes) => return Ok(Step::Gave(bytes)),
            Taken::Over if segment.end == self.at => {
                self.ahead.pop_front();
            }
            Taken::Over => {
                let end = segment.end;
                self.ahead.pop_front();
                self.direct = Some(self.read(end));
            }
            Taken::NotYet => {
                let news = async {
                    tokio::select! {
                        () = segment.news() => {}
                        () = self.over.notified() => {}
                    }
                    Ok(())
                };
                self.gate.guard(news).await?;
            }
        }
        Ok(Step::Again)
    }

    fn read(&self, end: u64) -> Direct {
        Direct { stream: self.content.clone().read(self.at, end, true, &self.gate), end }
    }

    /// Sees to it that there is a front, and as many connections as the pace wants.
    fn grow(&mut self) {
        if self.ahead.iter_mut().any(Segment::breaks) {
            self.pace.refused();
        }
        let (least, most) = self.segment;
        let share = self.share.units() as u64 * UNIT;
        let lanes = if share < least { 1 } else { self.pace.lanes() };
        let size = (2 * most / lanes as u64).min(share).clamp(least, most);
        let (content, whole) = (self.content.clone(), self.end);
        let cut = |at: u64| content.cut(at.saturating_add(size)).min(whole);
        if self.direct.is_none() && self.ahead.is_empty() {
            let end = if lanes > 1 { cut(self.at) } else { self.end };
            self.direct = Some(self.read(end));
        }
        if lanes == 1 {
            return;
        }
        if let (Some(direct), true) = (&mut self.direct, self.ahead.is_empty()) {
            direct.end = direct.end.min(cut(self.at));
        }
        let running = self.ahead.iter().filter(|segment| segment.runs()).count();
        let mut free = lanes.saturating_sub(running + usize::from(self.direct.is_some()));
        while free > 0 && self.ahead.len() < 2 * lanes {
            let from = self.ahead.back().map(|segment| segment.end).or(self.direct.as_ref().map(|direct| direct.end));
            let Some(from) = from.filter(|from| *from < self.end) else { break };
            if !self.start(from, cut(from)) {
                break;
            }
            free -= 1;
        }
    }

    /// Fetches a segment, if there are a connection and room for it.
    fn start(&mut self, from: u64, end: u64) -> bool {
        let Ok(lane) = self.extra.clone().try_acquire_owned() else { return false };
        let has = self.ahead.iter().map(Segment::room).sum();
        let Some(room) = self.share.take(has, units(end - from)) else { return false };
        let stream = self.content.clone().read(from, end, false, &self.gate);
        self.ahead.push_back(Segment::start(stream, from, end, (lane, room), (&self.over, &self.came)));
        true
    }
}
