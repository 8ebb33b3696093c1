//! Random walks: persons, workers that die, an operator and the upkeep move jobs about, one script at a time, and after every move the whole
//! keyspace is held against the rules. A move is often made twice, as after a lost reply.
//!
//! `SLUICE_MODEL_SEED=7` walks that seed alone; `SLUICE_MODEL_STEPS` makes walks longer.

mod dump;
mod moves;
mod rules;
mod scripts;
mod walk;

use sluice_queue::QueueConfig;

use crate::world::World;
use walk::Walk;

/// Walks, and the moves of each.
const WALKS: u64 = 20;
const STEPS: u64 = 400;

#[tokio::test]
async fn whatever_happens_in_whatever_order_everything_is_in_its_place() {
    let world = World::new(QueueConfig::default()).await;
    let steps = number("SLUICE_MODEL_STEPS").unwrap_or(STEPS);
    let seeds = number("SLUICE_MODEL_SEED").map_or(1..=WALKS, |seed| seed..=seed);
    for seed in seeds {
        let mut walk = Walk::new(&world.redis.url(), seed);
        for _ in 0..steps {
            walk.step();
        }
        for job in walk.everyone() {
            let read = world.queue.get(&job.0, &job.1).await;
            assert!(matches!(read, Ok(Some(_))), "seed {seed}: {job:?}: {read:?}");
        }
        walk.come_to_rest();
        walk.clear_away();
    }
}

/// One of the queue's scripts, for tests that have to speak as a process that is no more.
pub(crate) fn script(name: &str) -> redis::Script {
    scripts::all()[name].clone()
}

#[expect(clippy::disallowed_methods, reason = "which walk to repeat is asked of whoever runs the test")]
fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}
