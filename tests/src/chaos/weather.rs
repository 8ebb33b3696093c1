//! What strikes when its moment has come, and what passes by itself.

use std::time::{Duration, Instant};

use anyhow::Result;
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};

use super::plan::{Fault, Plan};
use crate::{process::Paused, world::World};

/// The weather of one run.
#[derive(Debug)]
pub(super) struct Weather<'a> {
    world: &'a mut World,
    plan: Plan,
    rng: StdRng,
    paused: Vec<(Instant, Paused)>,
    redis_is_back: Option<Instant>,
    storm: Storm,
}

/// All that struck.
#[derive(Debug, Clone, Default)]
pub(super) struct Storm {
    pub(super) kills: usize,
    pub(super) pauses: usize,
    pub(super) family_pauses: usize,
    pub(super) stops_of_redis: usize,
    /// When Redis was killed: what it had acknowledged just before may be lost.
    pub(super) crashes_of_redis: Vec<Instant>,
    pub(super) away: Duration,
    pub(super) lost_replies: usize,
    pub(super) cuts: usize,
}

impl<'a> Weather<'a> {
    pub(super) fn new(world: &'a mut World, plan: Plan, seed: u64) -> Self {
        // Another stream than the plan's: which worker is hit depends on who is there.
        let rng = StdRng::seed_from_u64(seed.wrapping_add(1));
        Self { world, plan, rng, paused: Vec::new(), redis_is_back: None, storm: Storm::default() }
    }

    /// Lets everything strike that is due when so many files have landed, and ends what has lasted long enough.
    /// Tells whether Redis went away.
    pub(super) async fn pass(&mut self, landed: usize) -> Result<bool> {
        let now = Instant::now();
        for (until, paused) in std::mem::take(&mut self.paused) {
            if until <= now {
                paused.resume();
            } else {
                self.paused.push((until, paused));
            }
        }
        if self.redis_is_back.is_some_and(|back| back <= now) {
            self.world.start_redis().await?;
            self.redis_is_back = None;
        }
        let mut gone = false;
        loop {
            let away = self.redis_is_back.is_some();
            let nobody_runs = self.paused.len() >= self.world.workers().len();
            let not_now = |fault: &Fault| match fault {
                // Without Redis there is nothing to execute, and it cannot go twice.
                Fault::Outage { .. } | Fault::LoseReply => away,
                Fault::PauseWorker { .. } => nobody_runs,
                Fault::KillWorker | Fault::CutAll => false,
            };
            let Some(fault) = self.plan.next(landed, not_now) else { return Ok(gone) };
            gone |= matches!(fault, Fault::Outage { .. });
            self.strike(fault).await?;
        }
    }

    async fn strike(&mut self, fault: Fault) -> Result<()> {
        let storm = &mut self.storm;
        match fault {
            Fault::KillWorker => {
                let place = self.rng.random_range(0..self.world.workers().len());
                let killed = self.world.workers()[place].group();
                self.world.crash_worker(place).await?;
                // What is left of its family goes on, or it could not notice.
                let (dead, alive) = self.paused.drain(..).partition(|(_, paused)| paused.group() == killed);
                self.paused = alive;
                Vec::<(Instant, Paused)>::into_iter(dead).for_each(|(_, paused)| paused.resume());
                self.world.send_for_worker().await?;
                storm.kills += 1;
            }
            Fault::PauseWorker { family, lasts } => {
                let still = |worker: &crate::process::Process| {
                    self.paused.iter().any(|(_, paused)| paused.group() == worker.group())
                };
                let running: Vec<_> = self.world.workers().iter().filter(|worker| !still(worker)).collect();
                let paused = running[self.rng.random_range(0..running.len())].pause(family)?;
                self.paused.push((Instant::now() + lasts, paused));
                storm.pauses += 1;
                storm.family_pauses += usize::from(family);
            }
            Fault::Outage { crash, lasts } => {
                if crash {
                    storm.crashes_of_redis.push(Instant::now());
                    self.world.crash_redis().await?;
                } else {
                    storm.stops_of_redis += 1;
                    self.world.stop_redis().await?;
                }
                storm.away += lasts;
                self.redis_is_back = Some(Instant::now() + lasts);
            }
            Fault::LoseReply => self.world.line()?.lose_reply(),
            Fault::CutAll => {
                self.world.line()?.cut();
                storm.cuts += 1;
            }
        }
        Ok(())
    }

    /// Has everything struck and passed?
    pub(super) fn is_over(&self) -> bool {
        self.plan.is_over() && self.paused.is_empty() && self.redis_is_back.is_none()
    }

    /// All that struck, once it is over.
    pub(super) fn tell(self) -> Result<Storm> {
        Ok(Storm { lost_replies: self.world.line()?.lost(), ..self.storm })
    }
}
