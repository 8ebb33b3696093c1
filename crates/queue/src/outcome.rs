//! How an attempt can end. Closed: there is no other way.

use std::time::Duration;

use jiff::Timestamp;
use sluice_domain::{Failure, Job, Receipt};

/// What became of an attempt.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The file is in its place, proven.
    Completed(Receipt),
    /// It was a list: its items are jobs of their own by now, and it is over when they are.
    Listed {
        /// The limit at which it was cut, if it was.
        cut_at: Option<u32>,
    },
    /// The person has it already, or it is on its way: the other job.
    Duplicate(Box<Job>),
    /// It will not pass by itself.
    Failed(Failure),
    /// A limit stands in the way.
    Refused(Failure),
    /// It may pass: another attempt, within the budget.
    Retry {
        /// What went wrong.
        failure: Failure,
        /// The wait that the other side asked for; else the queue's own backoff.
        after: Option<Duration>,
    },
    /// Nothing is wrong, it is only too early. Costs no attempt.
    Snooze {
        /// What the person reads meanwhile.
        failure: Failure,
        /// When to try again.
        until: Timestamp,
    },
    /// The worker shuts down: another one shall have it now. Costs no attempt.
    HandBack,
    /// The person cancelled it.
    Cancelled,
}

impl From<Failure> for Outcome {
    /// What follows from a failure by its kind and permanence alone.
    fn from(failure: Failure) -> Self {
        if failure.kind.is_refusal() {
            Self::Refused(failure)
        } else if failure.is_transient() {
            Self::Retry { after: failure.retry_after, failure }
        } else {
            Self::Failed(failure)
        }
    }
}
