//! Figures, printed: `cargo test --release -p sluice-queue --test queue figures -- --ignored --nocapture --test-threads 1`.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use futures::{StreamExt as _, stream};
use jiff::Timestamp;
use redis::cmd;
use sluice_queue::{Handler, Lease, Outcome, QueueConfig, WorkerConfig, run_workers};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::world::{World, account, receipt, request, soon};

/// Tells when each job began, and ends it.
struct Trivial(mpsc::Sender<Instant>);

#[async_trait]
impl Handler for Trivial {
    async fn run(&self, _: Lease) -> Outcome {
        let _ = self.0.send(Instant::now()).await;
        Outcome::Completed(receipt())
    }
}

fn config() -> QueueConfig {
    QueueConfig { user_queued: 1_000_000, user_running: 1000, recents: 1000, ..QueueConfig::default() }
}

/// A worker process of so many slots that tells when its jobs begin, and what stops it.
async fn worker(world: &World, slots: usize, begun: mpsc::Sender<Instant>) -> CancellationToken {
    let stop = CancellationToken::new();
    let worker = WorkerConfig { concurrency: slots, ..WorkerConfig::default() };
    let queue = World::connect(&world.redis, world.config.clone(), Duration::MAX).await;
    tokio::spawn(run_workers(queue, worker, Arc::new(Trivial(begun)), stop.clone()));
    stop
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "prints figures"]
async fn pick_up_while_idle() {
    let world = World::new(config()).await;
    let (sender, mut begun) = mpsc::channel(1);
    worker(&world, 4, sender).await;
    let mut waits = Vec::new();
    for _ in 0..1000 {
        let sent = Instant::now();
        world.send("a").await;
        waits.push(soon("it begins", begun.recv()).await.unwrap().saturating_duration_since(sent));
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    waits.sort();
    println!("pick-up from the call of enqueue: p50 {:?}, p99 {:?}, max {:?}", waits[500], waits[990], waits[999]);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "prints figures"]
async fn throughput() {
    for backlog in [1_000, 20_000, 100_000] {
        let world = World::new(config()).await;
        let begun = Instant::now();
        for _ in 0..1000 {
            world.send("a").await;
        }
        let one_by_one = 1000.0 / begun.elapsed().as_secs_f64();
        let begun = Instant::now();
        stream::iter(0..backlog - 1000)
            .for_each_concurrent(64, async |number: usize| {
                let name = format!("p{}", number % 20);
                let request = request("https://site.example/watch?v=dQw4w9WgXcQ&list=x");
                world.queue.enqueue(&account(&name), request, Timestamp::now()).await.unwrap();
            })
            .await;
        let many = (backlog - 1000) as f64 / begun.elapsed().as_secs_f64();
        println!("backlog {backlog}: enqueue {one_by_one:.0}/s one by one, {many:.0}/s with 64 in flight");
        for workers in [1, 2] {
            // Nobody runs ahead of the count, or the next round would find less than it waits for.
            let (sender, mut jobs) = mpsc::channel(1);
            let mut running = Vec::new();
            for _ in 0..workers {
                running.push(worker(&world, 32, sender.clone()).await);
            }
            let share = (backlog / 2 - 200).min(10_000);
            let begun = Instant::now();
            for _ in 0..share {
                soon("a job begins", jobs.recv()).await;
            }
            println!("  drain with {workers}: {:.0}/s", share as f64 / begun.elapsed().as_secs_f64());
            running.iter().for_each(CancellationToken::cancel);
            jobs.close();
        }
        let stats: String = world.redis.ask(cmd("INFO").arg("commandstats")).await.unwrap();
        let scripts = stats.lines().find(|line| line.starts_with("cmdstat_evalsha")).unwrap_or_default();
        println!("  {scripts}");
        let slow: Vec<redis::Value> = world.redis.ask(cmd("SLOWLOG").arg("GET").arg(-1)).await.unwrap();
        let memory: String = world.redis.ask(cmd("INFO").arg("memory")).await.unwrap();
        let memory = memory.lines().find(|line| line.starts_with("used_memory_human")).unwrap_or_default().to_owned();
        println!("  commands over 10 ms: {}, {memory}", slow.len());
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "prints figures"]
async fn trimming() {
    const JOBS: usize = 20_000;
    let world = World::new(QueueConfig { recents: 10, ..config() }).await;
    stream::iter(0..JOBS)
        .for_each_concurrent(64, async |_| {
            let job = world.send("a").await;
            world.queue.cancel(&job.account, &job.id).await.unwrap();
        })
        .await;
    world.redis.ask::<()>(cmd("CONFIG").arg("RESETSTAT")).await.unwrap();
    let begun = Instant::now();
    let house = worker(&world, 0, mpsc::channel(1).0).await;
    soon("the surplus is forgotten", async {
        while world.redis.ask::<usize>(cmd("ZCARD").arg("{test}:history:dbid:a")).await.unwrap() > 10 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
    // The first sweep waits for its turn.
    println!("{JOBS} finished jobs trimmed within {:?} of the worker's start", begun.elapsed());
    let stats: String = world.redis.ask(cmd("INFO").arg("latencystats")).await.unwrap();
    println!("  {}", stats.lines().find(|line| line.contains("evalsha")).unwrap_or_default());
    house.cancel();
}
