//! The long storm: `cargo xtask bench chaos [--seed N] [--jobs N] [--workers N] [--fsync everysec|always]`.

#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

use anyhow::Result;
use clap::{Parser, ValueEnum};
use e2e::{
    chaos::{Chaos, Faults, run},
    redis::Fsync,
};

/// Kill, pause and cut everything at random while small jobs go through, and prove that none was lost or doubled
#[derive(Debug, Parser)]
#[command(name = "chaos")]
struct Arguments {
    /// What draws the faults; by default another one each time
    #[arg(long)]
    seed: Option<u64>,
    /// Links to send; the faults are in proportion
    #[arg(long, default_value_t = 2000)]
    jobs: u32,
    /// Worker processes
    #[arg(long, default_value_t = 4)]
    workers: usize,
    /// Redis's appendfsync: with `everysec` a crash of Redis may take back what it acknowledged in its last two seconds, which is
    /// counted; with `always` nothing may be lost
    #[arg(long, value_enum, default_value_t = Write::Everysec)]
    fsync: Write,
    /// Cargo says it to every bench
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Write {
    Everysec,
    Always,
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let fsync = match arguments.fsync {
        Write::Everysec => Fsync::EverySecond,
        Write::Always => Fsync::Always,
    };
    let seed = arguments.seed.unwrap_or_else(|| rand::random_range(0..1_000_000));
    println!("chaos: seed {seed}");
    let chaos = Chaos {
        seed,
        jobs: arguments.jobs,
        workers: arguments.workers,
        fsync,
        faults: Faults::of_jobs(arguments.jobs),
    };
    println!("{}", run(&chaos).await?);
    Ok(())
}
