//! How fast trivial jobs are worked off, by how many worker processes, from how long a backlog.

use std::time::{Duration, Instant};

use redis::cmd;

use crate::{
    house::{ALL, House},
    worker::MANY,
};

const BACKLOGS: [usize; 3] = [1_000, 20_000, 100_000];
/// The most jobs that are counted in one round.
const COUNTED: usize = 20_000;
/// Each is drained so often, and the middle figure counts.
const ROUNDS: usize = 3;
const LOOK: Duration = Duration::from_millis(5);

pub(crate) async fn run() {
    println!(
        "\ndrain                           jobs/s   of the rate at 1k   Redis's CPU per job   each script   AOF rewrites"
    );
    for workers in [1, 2] {
        let mut first = None;
        for backlog in BACKLOGS {
            let mut rounds = Vec::new();
            for _ in 0..ROUNDS {
                rounds.push(round(backlog, workers).await);
            }
            rounds.sort_by(|one, other| one.rate.total_cmp(&other.rate));
            let Round { rate, cpu_us, script_us, rewrites } = &rounds[ROUNDS / 2];
            let share = rate / *first.get_or_insert(*rate) * 100.0;
            println!(
                "  {workers} x {MANY} slots, {backlog:>7} {rate:>13.0} {share:>17.0} % {cpu_us:>18.0} us {script_us:>10} us {rewrites:>14}"
            );
        }
    }
}

/// What one round was.
struct Round {
    rate: f64,
    /// Of Redis, per job: other than a rate, it does not depend on what else the machine does.
    cpu_us: f64,
    script_us: String,
    rewrites: String,
}

/// Fills a house and drains it.
async fn round(backlog: usize, workers: usize) -> Round {
    let house = House::new(ALL).await;
    house.fill(backlog).await;
    let mut running = Vec::new();
    for _ in 0..workers {
        running.push(house.worker(MANY));
    }
    // What comes up, and what runs empty, is no figure: a tenth at each end is left out.
    let margin = backlog / 10;
    let (begun, from) = until(&house, backlog - margin).await;
    house.redis.ask::<()>(cmd("CONFIG").arg("RESETSTAT")).await.unwrap();
    let cpu_before = cpu_seconds(&house).await;
    let (ended, to) = until(&house, margin.max(from.saturating_sub(COUNTED))).await;
    let jobs = (from - to) as f64;
    let scripts = house.info("commandstats", "cmdstat_evalsha:").await;
    let each = scripts.split(',').find_map(|part| part.strip_prefix("usec_per_call=")).unwrap_or("?");
    Round {
        rate: jobs / (ended - begun).as_secs_f64(),
        cpu_us: (cpu_seconds(&house).await - cpu_before) / jobs * 1e6,
        script_us: each.to_owned(),
        rewrites: house.info("persistence", "aof_rewrites:").await,
    }
}

/// What Redis has used so far, without its children.
async fn cpu_seconds(house: &House) -> f64 {
    let user = house.info("cpu", "used_cpu_user:").await.parse::<f64>().unwrap();
    user + house.info("cpu", "used_cpu_sys:").await.parse::<f64>().unwrap()
}

/// Waits until so few jobs wait; the moment, and how few there were.
async fn until(house: &House, left: usize) -> (Instant, usize) {
    loop {
        let waiting = usize::try_from(house.queue.depth().await.unwrap().queued).unwrap();
        if waiting <= left {
            return (Instant::now(), waiting);
        }
        tokio::time::sleep(LOOK).await;
    }
}
