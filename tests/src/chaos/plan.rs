//! What breaks after how much of the work: drawn from a seed, and nothing else.

use std::time::Duration;

use rand::{Rng as _, SeedableRng as _, rngs::StdRng};

/// How much is to break.
#[derive(Debug, Clone)]
pub struct Faults {
    /// Workers killed with SIGKILL and replaced.
    pub kills: u32,
    /// Workers stopped with SIGSTOP for a while.
    pub pauses: u32,
    /// The longest pause; the shortest is five seconds, just below what counts as death.
    pub longest_pause: Duration,
    /// Redis ended, by SIGKILL and SIGTERM in turn, and started again.
    pub outages: u32,
    /// The longest time that Redis is away; the shortest is half a second.
    pub longest_outage: Duration,
    /// Commands executed although their replies are lost with the connection.
    pub lost_replies: u32,
    /// Cuts of all connections to Redis at once.
    pub cuts: u32,
}

impl Faults {
    /// The full figure for 2,000 jobs, as much in proportion for another number, and never none of anything.
    pub fn of_jobs(jobs: u32) -> Self {
        let of = |in_2000: u32| (jobs * in_2000 / 2000).max(2);
        Self {
            kills: of(40),
            pauses: of(20),
            longest_pause: Duration::from_secs(40),
            outages: of(5),
            longest_outage: Duration::from_secs(10),
            lost_replies: of(100),
            cuts: of(10),
        }
    }
}

/// One thing that happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// SIGKILL to a worker, and it alone; another one is started.
    KillWorker,
    /// SIGSTOP to a worker, alone or with its children, and SIGCONT after this time.
    PauseWorker {
        /// With its children?
        family: bool,
        /// How long.
        lasts: Duration,
    },
    /// Redis goes, and comes back after this time.
    Outage {
        /// With SIGKILL? Otherwise with SIGTERM.
        crash: bool,
        /// How long.
        lasts: Duration,
    },
    /// The next command to Redis is executed and its reply lost.
    LoseReply,
    /// Every connection to Redis is closed.
    CutAll,
}

/// A fault and its moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    /// It strikes when so many files have landed.
    pub landed: u32,
    /// What it is.
    pub fault: Fault,
}

/// All that will break, the last first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan(Vec<Due>);

impl Plan {
    /// Draws moments and kinds. Nothing strikes when less than a tenth of the work is left: its effects need work to show in.
    pub fn draw(seed: u64, jobs: u32, faults: &Faults) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut all = Vec::new();
        let mut add = |rng: &mut StdRng, fault| {
            all.push(Due { landed: rng.random_range(0..=jobs * 9 / 10), fault });
        };
        let millis = |rng: &mut StdRng, from: u64, to: Duration| {
            let to = u64::try_from(to.as_millis()).unwrap_or(from).max(from);
            Duration::from_millis(rng.random_range(from..=to))
        };
        for _ in 0..faults.kills {
            add(&mut rng, Fault::KillWorker);
        }
        for _ in 0..faults.pauses {
            let fault =
                Fault::PauseWorker { family: rng.random(), lasts: millis(&mut rng, 5_000, faults.longest_pause) };
            add(&mut rng, fault);
        }
        for number in 0..faults.outages {
            let fault = Fault::Outage { crash: number % 2 == 0, lasts: millis(&mut rng, 500, faults.longest_outage) };
            add(&mut rng, fault);
        }
        for _ in 0..faults.lost_replies {
            add(&mut rng, Fault::LoseReply);
        }
        for _ in 0..faults.cuts {
            add(&mut rng, Fault::CutAll);
        }
        all.sort_by_key(|due| std::cmp::Reverse(due.landed));
        Self(all)
    }

    /// The next fault that is due when so many files have landed, unless `not_now` says that it has to wait.
    pub(super) fn next(&mut self, landed: usize, not_now: impl Fn(&Fault) -> bool) -> Option<Fault> {
        let due = |due: &Due| due.landed as usize <= landed && !not_now(&due.fault);
        let place = self.0.iter().rposition(due)?;
        Some(self.0.remove(place).fault)
    }

    /// Is there nothing left?
    pub fn is_over(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_is_a_plan() {
        let faults = Faults::of_jobs(2000);
        assert_eq!(Plan::draw(7, 2000, &faults), Plan::draw(7, 2000, &faults));
        assert_ne!(Plan::draw(7, 2000, &faults), Plan::draw(8, 2000, &faults));
        assert_eq!(Plan::draw(7, 2000, &faults).0.len(), 175);
    }

    #[test]
    fn what_has_to_wait_lets_others_pass() {
        let at = |landed, fault| Due { landed, fault };
        let mut plan = Plan(vec![at(9, Fault::CutAll), at(5, Fault::LoseReply), at(1, Fault::KillWorker)]);
        let no_kills = |fault: &Fault| *fault == Fault::KillWorker;
        assert_eq!(plan.next(4, no_kills), None);
        assert_eq!(plan.next(5, no_kills), Some(Fault::LoseReply));
        assert_eq!(plan.next(5, |_| false), Some(Fault::KillWorker));
        assert!(!plan.is_over());
    }
}
