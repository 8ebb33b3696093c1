//! An attempt that has ended, as the API tells it.

use jiff::Timestamp;
use serde::Serialize;
use sluice_domain::{Attempt, AttemptEnd, FailureKind, Route};

/// An attempt's JSON.
#[derive(Debug, Serialize)]
pub(crate) struct AttemptOut<'a> {
    number: u32,
    worker: &'a str,
    started_at: Option<Timestamp>,
    ended_at: Option<Timestamp>,
    route: Option<Route>,
    bytes_in: u64,
    bytes_out: u64,
    end: AttemptEnd,
    kind: Option<FailureKind>,
    message: Option<&'a str>,
}

impl<'a> AttemptOut<'a> {
    /// The attempt as the API tells it.
    pub(super) fn of(attempt: &'a Attempt) -> Self {
        Self {
            number: attempt.number,
            worker: &attempt.worker,
            started_at: Timestamp::from_millisecond(attempt.started_at).ok(),
            ended_at: Timestamp::from_millisecond(attempt.ended_at).ok(),
            route: attempt.route,
            bytes_in: attempt.bytes_in,
            bytes_out: attempt.bytes_out,
            end: attempt.end,
            kind: attempt.kind,
            message: attempt.message.as_deref(),
        }
    }
}
