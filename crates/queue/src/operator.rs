//! The queue as whoever runs it sees it: everything at a glance, and what can be decided for everybody or for one account.
//!
//! It shows no link and no title: an operator sees how the house is, not what people fetch.

use jiff::Timestamp;
use redis::FromRedisValue;
use sluice_domain::{AccountId, FailureKind};
use sluice_store::StoreError;

use crate::{Depth, Queue, QueueError, scripts::With as _};

/// Accounts and dead entries in an overview, at most.
const MOST: u32 = 100;
/// Jobs in one step of a bulk move.
const STEP: u32 = 50;

/// The operator's side of a queue.
#[derive(Debug, Clone, Copy)]
pub struct Operator<'a>(pub(crate) &'a Queue);

/// The whole queue at a glance.
#[derive(Debug, Clone, PartialEq)]
pub struct Overview {
    /// How full it is.
    pub depth: Depth,
    /// Is the whole queue paused?
    pub paused: bool,
    /// Redis's clock: what the times below are to be compared with.
    pub now: Timestamp,
    /// Since when the job that has waited longest waits.
    pub oldest_waiting: Option<Timestamp>,
    /// Jobs on record that failed or were refused, by kind, the most frequent first.
    pub failures: Vec<(FailureKind, u64)>,
    /// The worker processes.
    pub workers: Vec<WorkerSeen>,
    /// Accounts with jobs that wait or run, with a weight of their own or paused; a hundred at most.
    pub accounts: Vec<AccountLoad>,
    /// The newest entries that could not be worked on: the job's id and why.
    pub dead: Vec<DeadEntry>,
}

/// A worker process as its heartbeat shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerSeen {
    /// Its name: host, process, and a word for this start.
    pub name: String,
    /// Jobs that it has.
    pub running: u64,
    /// Jobs that it takes from the line at once; 0: a web server, which works on those that it sends itself for a device.
    pub slots: u64,
    /// When its last beat came.
    pub last_beat: Timestamp,
}

/// What an account has in the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountLoad {
    /// Whose.
    pub account: AccountId,
    /// Jobs that wait for a worker.
    pub waiting: u64,
    /// Jobs that a worker has.
    pub running: u64,
    /// As how many people it counts.
    pub weight: u8,
    /// Has the operator paused it?
    pub paused: bool,
}

/// An entry that could not be worked on.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
pub struct DeadEntry {
    /// The job's id, as far as it is one.
    pub id: String,
    /// Why.
    pub reason: String,
    /// When, ms since 1970.
    pub at: i64,
}

type Totals = (u64, u64, u64, u64, u8, i64, Option<f64>);

impl Operator<'_> {
    /// Everything at a glance.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn overview(&self) -> Result<Overview, QueueError> {
        let call = self.0.call(&self.0.scripts().overview).with(MOST);
        let mut parts = self.0.run::<Vec<redis::Value>>(&call).await?.into_iter();
        let (queued, running, retrying, _, paused, now, oldest): Totals = part(&mut parts)?;
        let kinds: Vec<(String, u64)> = part(&mut parts)?;
        let workers: Vec<(String, u64, u64, i64)> = part(&mut parts)?;
        let accounts: Vec<(String, u64, u64, u8, u8)> = part(&mut parts)?;
        let dead: Vec<String> = part(&mut parts)?;
        let mut failures: Vec<(FailureKind, u64)> = kinds
            .into_iter()
            .filter(|(_, jobs)| *jobs > 0)
            .filter_map(|(kind, jobs)| Some((serde_json::from_value(kind.into()).ok()?, jobs)))
            .collect();
        failures.sort_by_key(|(_, jobs)| std::cmp::Reverse(*jobs));
        Ok(Overview {
            depth: Depth {
                queued,
                running,
                retrying,
                workers: workers.iter().filter(|worker| worker.2 > 0).count() as u64,
            },
            paused: paused == 1,
            now: time(now)?,
            #[expect(clippy::cast_possible_truncation, reason = "a score that Redis's clock gave")]
            oldest_waiting: oldest.map(|ms| time(ms as i64)).transpose()?,
            failures,
            workers: workers
                .into_iter()
                .map(|(name, running, slots, beat)| Ok(WorkerSeen { name, running, slots, last_beat: time(beat)? }))
                .collect::<Result<_, QueueError>>()?,
            accounts: accounts
                .into_iter()
                .filter_map(|(account, waiting, running, weight, paused)| {
                    Some(AccountLoad { account: account.parse().ok()?, waiting, running, weight, paused: paused == 1 })
                })
                .collect(),
            dead: dead.iter().filter_map(|entry| serde_json::from_str(entry).ok()).collect(),
        })
    }

    /// Nothing more is begun, of this account or at all; what runs goes on. Nothing is lost: new links are taken as ever.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn pause(&self, account: Option<&AccountId>) -> Result<(), QueueError> {
        self.steer("pause", account, 0).await
    }

    /// Ends such a pause.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn resume(&self, account: Option<&AccountId>) -> Result<(), QueueError> {
        self.steer("resume", account, 0).await
    }

    /// From now on the account counts as so many people, 1 to 16: it gets that many turns, and may have that many times
    /// `limits.user_running` jobs running.
    ///
    /// # Errors
    /// [`QueueError::BadWeight`], or when Redis does not answer.
    pub async fn set_weight(&self, account: &AccountId, weight: u8) -> Result<(), QueueError> {
        if !(1..=16).contains(&weight) {
            return Err(QueueError::BadWeight);
        }
        self.steer("weigh", Some(account), weight).await
    }

    /// Sends all jobs that ended with this kind of failure once more. Returns how many.
    ///
    /// # Errors
    /// When Redis does not answer; what was moved before stays moved.
    pub async fn retry_all(&self, kind: FailureKind) -> Result<u64, QueueError> {
        self.bulk("retry", kind.as_str()).await
    }

    /// Cancels all jobs that wait for a worker, of this account or of all. Returns how many.
    ///
    /// # Errors
    /// When Redis does not answer; what was moved before stays moved.
    pub async fn cancel_waiting(&self, account: Option<&AccountId>) -> Result<u64, QueueError> {
        self.bulk("cancel", account.map(AccountId::as_str).unwrap_or_default()).await
    }

    async fn steer(&self, what: &str, account: Option<&AccountId>, weight: u8) -> Result<(), QueueError> {
        let account = account.map(AccountId::as_str).unwrap_or_default();
        self.0.run(&self.0.call(&self.0.scripts().steer).with(what).with(account).with(weight)).await
    }

    async fn bulk(&self, what: &str, of: &str) -> Result<u64, QueueError> {
        let call = self.0.call(&self.0.scripts().bulk).with(what).with(of).with(STEP);
        let (mut all, left): (u64, u64) = self.0.run(&call).await?;
        // No more than there were at the start: what fails again at once comes back to where it is taken from.
        let most = all + left;
        while all < most {
            let (moved, _): (u64, u64) = self.0.run(&call).await?;
            if moved == 0 {
                break;
            }
            all += moved;
        }
        self.0.cascade("").await?;
        Ok(all)
    }
}

/// The next part of an answer.
fn part<T: FromRedisValue>(parts: &mut impl Iterator<Item = redis::Value>) -> Result<T, QueueError> {
    let value = parts.next().unwrap_or(redis::Value::Nil);
    Ok(redis::from_redis_value(value).map_err(|error| StoreError::Refused(error.into()))?)
}

fn time(ms: i64) -> Result<Timestamp, QueueError> {
    Ok(Timestamp::from_millisecond(ms).map_err(|error| StoreError::corrupt("a time of the queue", &error))?)
}
