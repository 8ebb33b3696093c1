//! One job in a slot: run the handler, heed the reasons to stop, settle the attempt. A panic ends this job alone.

use std::{any::Any, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures::{FutureExt as _, future::BoxFuture};
use jiff::Timestamp;
use sluice_domain::{Failure, FailureKind, Job, Progress};
use tokio::time::Instant;
use tracing::Instrument as _;

use super::desk::{Claimed, Desk, Settlement, error_json};
use crate::{Lease, Outcome, QueueConfig, StopReason, backoff::backoff, record::json};

/// After the drain has ended, a settlement may take so long; then the job is left to a rescue.
const LAST_WORD: Duration = Duration::from_secs(5);

/// The longest wait that another side may impose on a retry.
const LONGEST_WAIT: Duration = Duration::from_secs(24 * 3600);

/// Works on a job, as `run` does, until it is settled or lost.
pub(crate) fn work(desk: Arc<Desk>, claimed: Claimed, run: BoxFuture<'static, Outcome>) -> BoxFuture<'static, ()> {
    // A span of the highest level: whatever the filter lets through carries the id.
    let job = claimed.lease.job();
    let span = tracing::error_span!("job", job.id = %job.id, attempt = job.attempt);
    let work = async move {
        let outcome = attempt(&desk, &claimed.lease, run).await;
        settle(&desk, &claimed.lease, outcome).await;
        // Only now is the place free.
        drop(claimed);
    };
    work.instrument(span).boxed()
}

/// Does the work. `None` when the lease was lost and the work did not heed it.
async fn attempt(desk: &Desk, lease: &Lease, run: BoxFuture<'static, Outcome>) -> Option<Outcome> {
    let run = AssertUnwindSafe(run).catch_unwind();
    tokio::select! {
        biased;
        outcome = run => Some(outcome.unwrap_or_else(|panic| {
            let said = panic_text(panic.as_ref());
            tracing::error!(panic = %said, "The handler panicked");
            Outcome::Failed(Failure::internal(format!("panic: {said}")).permanent())
        })),
        outcome = cut_off(desk, lease) => outcome,
        never = lease.report() => match never {},
    }
}

/// Ends when the handler has had its time after a reason to stop.
async fn cut_off(desk: &Desk, lease: &Lease) -> Option<Outcome> {
    let stop = lease.stop();
    stop.cancelled().await;
    let drain = desk.drain_until().unwrap_or_else(Instant::now);
    tokio::select! {
        () = tokio::time::sleep_until(drain), if stop.reason() == Some(StopReason::Drain) => {
            tracing::warn!("The drain has ended: the job is handed back");
            return Some(Outcome::HandBack);
        }
        _ = stop.at_least(StopReason::Cancelled) => {}
    }
    tokio::time::sleep(desk.config.grace).await;
    tracing::error!("The handler did not stop in time and is dropped");
    (stop.reason() == Some(StopReason::Cancelled)).then_some(Outcome::Cancelled)
}

async fn settle(desk: &Desk, lease: &Lease, outcome: Option<Outcome>) {
    let Some(outcome) = outcome.filter(|_| lease.stop().reason() != Some(StopReason::LeaseLost)) else {
        tracing::warn!("Another worker has the job: nothing of this attempt counts");
        return;
    };
    let mut settlement = settlement(outcome, lease.job().attempt, desk.queue.config(), Timestamp::now());
    let progress = lease.last_progress();
    if progress != Progress::default() {
        settlement.progress = json(&progress);
    }
    let fence = lease.fence().to_string();
    let finish = desk.finish(lease.job().id.as_str(), &fence, &settlement);
    let too_late = async {
        desk.closing.cancelled().await;
        tokio::time::sleep_until(desk.drain_until().unwrap_or_else(Instant::now) + LAST_WORD).await;
    };
    tokio::select! {
        state = finish => match state.as_deref() {
            Ok("lost") => tracing::warn!("Another worker has the job: nothing of this attempt counts"),
            Ok(state) => tracing::info!(verdict = settlement.verdict, job.state = state, "Attempt ended"),
            Err(error) => tracing::error!(%error, "The attempt cannot be settled: it is left to a rescue"),
        },
        _ = lease.stop().at_least(StopReason::LeaseLost) => {
            tracing::warn!("Another worker has the job: nothing of this attempt counts");
        }
        () = too_late => tracing::error!("Redis did not answer in time: the job is left to a rescue"),
    }
}

/// What an outcome means for the record.
fn settlement(outcome: Outcome, attempt: u32, config: &QueueConfig, now: Timestamp) -> Settlement {
    let with = |verdict, payload, wait| Settlement { verdict, payload, wait, ..Settlement::default() };
    let tell = |failure: &Failure| tracing::warn!(failure.kind = %failure.kind, failure.detail = %failure.detail, "Attempt failed");
    match outcome {
        Outcome::Completed(receipt) => with("completed", json(&receipt), Duration::ZERO),
        Outcome::Listed { cut_at } => {
            with("listed", cut_at.map(|limit| limit.to_string()).unwrap_or_default(), Duration::ZERO)
        }
        Outcome::Duplicate(other) => Settlement {
            duplicate_of: other.id.to_string(),
            ..with("refused", error_json(&duplicate(&other)), Duration::ZERO)
        },
        Outcome::Failed(failure) => {
            tell(&failure);
            with("failed", error_json(&failure), Duration::ZERO)
        }
        Outcome::Refused(failure) => {
            tell(&failure);
            with("refused", error_json(&failure), Duration::ZERO)
        }
        Outcome::Retry { failure, after } => {
            tell(&failure);
            let own = || backoff(attempt, config.backoff_first, config.backoff_most, &mut rand::rng());
            with("retry", error_json(&failure), after.unwrap_or_else(own).min(LONGEST_WAIT))
        }
        Outcome::Snooze { failure, until } => {
            let wait = Duration::try_from(until.duration_since(now)).unwrap_or_default();
            with("snooze", error_json(&failure), wait)
        }
        Outcome::HandBack => with("handback", String::new(), Duration::ZERO),
        Outcome::Cancelled => with("cancelled", String::new(), Duration::ZERO),
    }
}

/// What the person reads about a link whose file they have.
fn duplicate(other: &Job) -> Failure {
    let failure = Failure::new(FailureKind::Duplicate, format!("job {} brings the same", other.id));
    match &other.receipt {
        Some(receipt) => failure.explained(format!("You already have this: {}.", receipt.path)),
        None => failure.explained("This is on its way already, by another of your links."),
    }
}

fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("without a message").to_owned()
}
