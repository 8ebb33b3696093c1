//! A million finished jobs go through: what they leave in memory, and whether forgetting them ever holds Redis up.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use redis::{Value, cmd};

use crate::{house::House, scripts, worker::MANY};

const JOBS: usize = 1_000_000;
/// So many go through at a time.
const STEP: usize = 20_000;
/// What each of the accounts keeps.
const KEPT: u32 = 500;
const SLOW_US: u32 = 10_000;

pub(crate) async fn run() {
    let house = House::new(KEPT).await;
    house.set("slowlog-log-slower-than", &SLOW_US.to_string()).await;
    house.set("slowlog-max-len", "10000").await;
    let memory = async || house.info("memory", "used_memory:").await.parse::<f64>().unwrap() / 1e6;
    let before = memory().await;
    let (begun, mut most) = (Instant::now(), before);
    let _worker = house.worker(MANY);
    let mut after_first = 0.0;
    for step in 0..JOBS / STEP {
        house.fill(STEP).await;
        while house.queue.depth().await.unwrap().queued > 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        most = f64::max(most, memory().await);
        if step == 0 {
            after_first = memory().await;
        }
    }
    let went = begun.elapsed();
    let left = async || house.redis.ask::<usize>(cmd("ZCARD").arg("{bench}:finished")).await.unwrap();
    while left().await > 20 * KEPT as usize && begun.elapsed() < went + Duration::from_secs(120) {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    println!("\ntrimming, {JOBS} jobs of 20 accounts that keep {KEPT} each");
    println!("  went through in                                {:>10.0} s", went.as_secs_f64());
    println!(
        "  records left, and when the last was trimmed    {:>10}, {:.1} s after the last job",
        left().await,
        (begun.elapsed() - went).as_secs_f64()
    );
    println!(
        "  memory before, after the first {STEP}, most, after the last: {before:.0}, {after_first:.0}, {most:.0}, {:.0} MB",
        memory().await
    );
    // Redis measures by the wall clock: what does the same few steps each time, such as a claim, was slow because the machine was.
    println!("  commands over 10 ms, by script");
    for (name, (count, slowest)) in slow(&house).await {
        println!("    {name:<44} {count:>10}, the slowest {:.1} ms", slowest as f64 / 1e3);
    }
    let latency = house.info("latencystats", "latency_percentiles_usec_evalsha:").await;
    println!("  scripts, us: {latency}");
}

/// What Redis has in its log of slow commands: by script, how many and the longest in microseconds.
async fn slow(house: &House) -> BTreeMap<&'static str, (usize, u64)> {
    let entries: Vec<(u64, u64, u64, Vec<String>, Value, Value)> =
        house.redis.ask(cmd("SLOWLOG").arg("GET").arg(-1)).await.unwrap();
    let mut found = BTreeMap::new();
    for (_, _, took, command, ..) in entries {
        let name = command.get(1).filter(|_| command[0] == "EVALSHA").map_or("no script", |hash| scripts::name(hash));
        let (count, slowest) = found.entry(name).or_insert((0, 0));
        (*count, *slowest) = (*count + 1, took.max(*slowest));
    }
    found
}
