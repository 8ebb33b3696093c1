//! What whoever runs the queue sees of it: figures, failures, workers, accounts, never a link or a title.

use std::{collections::HashMap, time::Duration};

use askama::Template;
use jiff::Timestamp;
use sluice_domain::AccountId;
use sluice_queue::{AccountLoad, Overview, QueueConfig, WorkerSeen};

use super::{frame::Frame, since::since};
use crate::assets::Assets;

/// `/operator`.
#[derive(Template)]
#[template(path = "operator.html")]
pub(crate) struct OperatorPage {
    pub(crate) frame: Frame,
    pub(crate) csrf: String,
    /// Where the script is that renews the figures.
    pub(crate) script: String,
    pub(crate) board: Board,
}

/// `/operator/cancel`: the one question before jobs are cancelled.
#[derive(Template)]
#[template(path = "operator_ask.html")]
pub(crate) struct OperatorAsk {
    pub(crate) frame: Frame,
    pub(crate) csrf: String,
    /// What the form says is meant: an account's id, or "all".
    pub(crate) of: String,
    /// The account in words; `None` when everybody is meant.
    pub(crate) whose: Option<String>,
    /// "37 waiting jobs".
    pub(crate) jobs: String,
    pub(crate) none: bool,
}

/// The whole queue as words and figures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Board {
    pub(crate) paused: bool,
    /// Is there no worker that gives a sign of life?
    pub(crate) deserted: bool,
    pub(crate) waiting: u64,
    pub(crate) running: u64,
    /// Of the workers that live.
    pub(crate) slots: u64,
    pub(crate) retrying: u64,
    /// "for 3 min".
    pub(crate) oldest: Option<String>,
    pub(crate) failures: Vec<FailureLine>,
    pub(crate) workers: Vec<WorkerLine>,
    pub(crate) accounts: Vec<AccountLine>,
    pub(crate) dead: Vec<DeadLine>,
}

/// Jobs that ended with one kind of failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FailureLine {
    /// The word in the runbook, in logs and in metrics.
    pub(crate) kind: &'static str,
    /// What people read.
    pub(crate) message: &'static str,
    /// "12 jobs".
    pub(crate) jobs: String,
    pub(crate) count: u64,
}

/// A worker process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WorkerLine {
    pub(crate) name: String,
    pub(crate) running: u64,
    pub(crate) slots: u64,
    /// "2 sec".
    pub(crate) beat: String,
    pub(crate) silent: bool,
}

/// An account with something in the queue, or with a rule of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AccountLine {
    pub(crate) id: AccountId,
    /// The display name, or the id where there is none.
    pub(crate) name: String,
    pub(crate) waiting: u64,
    pub(crate) running: u64,
    pub(crate) weights: Vec<Weight>,
    pub(crate) paused: bool,
}

/// A weight to choose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Weight {
    pub(crate) number: u8,
    pub(crate) chosen: bool,
}

/// An entry that nobody could work on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DeadLine {
    pub(crate) id: String,
    pub(crate) reason: String,
    pub(crate) when: String,
}

impl Board {
    /// The overview in words; `names` are the display names of its accounts, as far as they are known.
    pub(crate) fn of(seen: &Overview, names: &HashMap<AccountId, String>) -> Self {
        let now = seen.now;
        Self {
            paused: seen.paused,
            deserted: living(seen).next().is_none(),
            waiting: seen.depth.queued,
            running: seen.depth.running,
            slots: living(seen).map(|worker| worker.slots).sum(),
            retrying: seen.depth.retrying,
            oldest: seen.oldest_waiting.map(|then| format!("for {}", span(between(then, now)))),
            failures: seen
                .failures
                .iter()
                .map(|&(kind, count)| FailureLine {
                    kind: kind.as_str(),
                    message: kind.user_message(),
                    jobs: count_of(count, "job"),
                    count,
                })
                .collect(),
            workers: seen
                .workers
                .iter()
                .map(|worker| WorkerLine {
                    name: worker.name.clone(),
                    running: worker.running,
                    slots: worker.slots,
                    beat: span(between(worker.last_beat, now)),
                    silent: is_silent(worker, now),
                })
                .collect(),
            accounts: seen.accounts.iter().map(|load| AccountLine::of(load, names)).collect(),
            dead: seen
                .dead
                .iter()
                .map(|entry| DeadLine {
                    id: entry.id.clone(),
                    reason: entry.reason.clone(),
                    when: Timestamp::from_millisecond(entry.at).map(|then| since(then, now)).unwrap_or_default(),
                })
                .collect(),
        }
    }
}

impl AccountLine {
    fn of(load: &AccountLoad, names: &HashMap<AccountId, String>) -> Self {
        let weight = |number| Weight { number, chosen: number == load.weight };
        Self {
            id: load.account.clone(),
            name: name_of(&load.account, names),
            waiting: load.waiting,
            running: load.running,
            weights: (1..=16).map(weight).collect(),
            paused: load.paused,
        }
    }
}

/// What to call an account: by its name, or by its id where there is none.
pub(crate) fn name_of(account: &AccountId, names: &HashMap<AccountId, String>) -> String {
    names.get(account).filter(|name| !name.trim().is_empty()).cloned().unwrap_or_else(|| account.to_string())
}

/// The workers whose heart beats.
pub(crate) fn living(seen: &Overview) -> impl Iterator<Item = &WorkerSeen> {
    workers(seen).filter(|worker| !is_silent(worker, seen.now))
}

/// Those that take jobs from the line. A web server that works on jobs for devices is on the list as well, and takes none.
pub(crate) fn workers(seen: &Overview) -> impl Iterator<Item = &WorkerSeen> {
    seen.workers.iter().filter(|worker| worker.slots > 0)
}

/// Has the worker given no sign of life for so long that another one takes its jobs over?
fn is_silent(worker: &WorkerSeen, now: Timestamp) -> bool {
    between(worker.last_beat, now) > QueueConfig::default().dead_after
}

/// How long ago that was; nothing when it is to come.
pub(crate) fn between(then: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(then)).unwrap_or_default()
}

/// "1 job", "12 jobs".
pub(crate) fn count_of(count: u64, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// A length of time in one unit, in whole numbers: "3 min".
fn span(length: Duration) -> String {
    let seconds = length.as_secs();
    match seconds {
        0..60 => format!("{seconds} sec"),
        60..3600 => format!("{} min", seconds / 60),
        3600..86_400 => format!("{} hr", seconds / 3600),
        _ => count_of(seconds / 86_400, "day"),
    }
}

#[cfg(test)]
mod tests {
    use sluice_domain::FailureKind;
    use sluice_queue::{DeadEntry, Depth};

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_000_000 + seconds).unwrap()
    }

    fn worker(name: &str, beat: i64) -> WorkerSeen {
        WorkerSeen { name: name.into(), running: 1, slots: 4, last_beat: at(beat) }
    }

    fn account(name: &str, weight: u8) -> AccountLoad {
        AccountLoad { account: format!("dbid:{name}").parse().unwrap(), waiting: 2, running: 1, weight, paused: false }
    }

    fn seen() -> Overview {
        Overview {
            depth: Depth { queued: 4, running: 2, retrying: 1, workers: 2 },
            paused: false,
            now: at(0),
            oldest_waiting: Some(at(-190)),
            failures: vec![(FailureKind::SiteBusy, 12), (FailureKind::Private, 1)],
            workers: vec![worker("one", -1), worker("two", -7)],
            accounts: vec![account("ada", 3), account("ben", 1)],
            dead: vec![DeadEntry { id: "x".into(), reason: "no record".into(), at: at(-7200).as_millisecond() }],
        }
    }

    #[test]
    fn everything_is_told_in_words() {
        let names = HashMap::from([("dbid:ada".parse().unwrap(), "Ada".to_owned())]);
        let board = Board::of(&seen(), &names);
        assert_eq!((board.waiting, board.running, board.retrying, board.deserted), (4, 2, 1, false));
        assert_eq!(board.oldest.as_deref(), Some("for 3 min"));
        assert_eq!(board.slots, 4, "whoever is silent takes nothing");
        assert_eq!(
            (board.workers[0].silent, board.workers[1].silent, board.workers[1].beat.as_str()),
            (false, true, "7 sec")
        );
        assert_eq!((board.accounts[0].name.as_str(), board.accounts[1].name.as_str()), ("Ada", "dbid:ben"));
        let chosen: Vec<u8> =
            board.accounts[0].weights.iter().filter(|weight| weight.chosen).map(|w| w.number).collect();
        assert_eq!(chosen, [3]);
        assert_eq!((board.failures[0].jobs.as_str(), board.failures[1].jobs.as_str()), ("12 jobs", "1 job"));
        assert_eq!(board.dead[0].when, "2 hr ago");
    }

    #[test]
    fn without_a_living_worker_it_is_deserted() {
        assert!(Board::of(&Overview { workers: Vec::new(), ..seen() }, &HashMap::new()).deserted);
        assert!(Board::of(&Overview { workers: vec![worker("gone", -60)], ..seen() }, &HashMap::new()).deserted);
        // A web server with jobs of its own takes none from the line.
        let web = WorkerSeen { slots: 0, ..worker("web", -1) };
        assert!(Board::of(&Overview { workers: vec![web], ..seen() }, &HashMap::new()).deserted);
    }

    #[test]
    fn times_are_whole_numbers() {
        for (seconds, want) in
            [(0, "0 sec"), (59, "59 sec"), (60, "1 min"), (7199, "1 hr"), (86_400, "1 day"), (400_000, "4 days")]
        {
            assert_eq!(span(Duration::from_secs(seconds)), want);
        }
        assert_eq!(between(at(5), at(0)), Duration::ZERO, "clocks may disagree a little");
    }
}
