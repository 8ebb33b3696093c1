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
/// Short backlogs are drained so often, and the middle figure counts.
const ROUNDS: usize = 5;
const LOOK: Duration = Duration::from_millis(2);

pub(crate) async fn run() {
    println!("\ndrain                       jobs/s   of the rate at 1k   calls of scripts: each     AOF rewrites");
    for workers in [1, 2] {
        let mut first = None;
        for backlog in BACKLOGS {
            let rounds = if backlog == BACKLOGS[0] { ROUNDS } else { 1 };
            let mut rates = Vec::new();
            let mut seen = String::new();
            for _ in 0..rounds {
                let (rate, told) = round(backlog, workers).await;
                rates.push(rate);
                seen = told;
            }
            rates.sort_by(f64::total_cmp);
            let rate = rates[rates.len() / 2];
            let share = rate / *first.get_or_insert(rate) * 100.0;
            println!("  {workers} × {MANY} slots, {backlog:>7} {rate:>9.0} {share:>18.0} %   {seen}");
        }
    }
}

/// Jobs per second, and what Redis says of its part.
async fn round(backlog: usize, workers: usize) -> (f64, String) {
    let house = House::new(ALL).await;
    house.fill(backlog).await;
    house.redis.ask::<()>(cmd("CONFIG").arg("RESETSTAT")).await.unwrap();
    let mut running = Vec::new();
    for _ in 0..workers {
        running.push(house.worker(MANY));
    }
    // What comes up, and what runs empty, is no figure: a tenth at each end is left out.
    let margin = backlog / 10;
    let begin = until(&house, backlog - margin).await;
    let from = begin.1;
    let end = until(&house, margin.max(from.saturating_sub(COUNTED))).await;
    let rate = (from - end.1) as f64 / (end.0 - begin.0).as_secs_f64();
    let scripts = house.info("commandstats", "cmdstat_evalsha:").await;
    let each = scripts.split(',').find_map(|part| part.strip_prefix("usec_per_call=")).unwrap_or("?");
    let rewrites = house.info("persistence", "aof_rewrites:").await;
    (rate, format!("{each:>15} us {rewrites:>19}"))
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
