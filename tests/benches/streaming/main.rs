//! Streams, and what others make of the same: `cargo xtask bench streaming [PART]... [--megabytes N]`.
//!
//! Figures are ratios: to what the shaped lines allow, or to a peer that is measured in the same run, over the same lines.

#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

mod cpu;
mod device;
mod disk;
mod lines;
mod memory;
mod peers;
mod rate;
mod relay;
mod run;
mod tabs;

use anyhow::Result;
use clap::{Parser, ValueEnum};
use e2e::{
    kills::{self, Kills},
    site::Links,
};

/// Measure streams from a site into Dropbox, over shaped lines
#[derive(Debug, Parser)]
#[command(name = "streaming")]
struct Arguments {
    /// Which parts; all by default
    #[arg(value_enum)]
    parts: Vec<Part>,
    /// Size of each transfer, where a part has not its own; smaller ones show that all works
    #[arg(long)]
    megabytes: Option<u64>,
    /// How many transfers at once the part `memory` has
    #[arg(long, default_value_t = 100)]
    transfers: u32,
    /// A site without TLS in the parts `cpu` and `memory`: yt-dlp trusts no authority of ours, where a route still downloads with it
    #[arg(long)]
    plain: bool,
    /// What draws the moments of the part `kills`; by default another one each time
    #[arg(long)]
    seed: Option<u64>,
    /// Cargo says it to every bench
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// A picture and a sound while both lines allow the same: how near to the limit, beside yt-dlp with Dropbox's SDK
    Rate,
    /// A site that slows each connection down, then a Dropbox that does and is far away
    Lines,
    /// Processor time for each gigabyte, TLS on both sides, beside yt-dlp with rclone
    Cpu,
    /// The memory of everything, while many transfers overlap
    Memory,
    /// What is written to the disk on each route
    Disk,
    /// A worker that is killed again and again
    Kills,
    /// Tabs that are opened and closed beside slow devices: memory, and what is left
    Tabs,
    /// A file straight to a device: the first byte, the rate, processor time, beside yt-dlp with ffmpeg, nginx and a bare relay
    Device,
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let links = if arguments.plain { Links::Plain } else { Links::Secure };
    let size = |default: u64| arguments.megabytes.unwrap_or(default);
    for part in Part::value_variants() {
        if !arguments.parts.is_empty() && !arguments.parts.contains(part) {
            continue;
        }
        println!("{}", part.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default());
        match part {
            Part::Rate => rate::measure(size(200)).await?,
            Part::Lines => lines::measure(size(200)).await?,
            Part::Cpu => cpu::measure(size(1000), links).await?,
            Part::Memory => memory::measure(arguments.transfers, size(50), links).await?,
            Part::Disk => disk::measure(size(200)).await?,
            Part::Tabs => tabs::measure(size(100)).await?,
            Part::Device => device::measure(size(500)).await?,
            Part::Kills => {
                let seed = arguments.seed.unwrap_or_else(|| rand::random_range(0..1_000_000));
                let (kills, transfers) = (5, 4);
                let run = Kills { seed, kills, transfers, megabytes: size(500), bytes_per_second: 80_000_000 };
                print!("{}", kills::run(&run).await?);
            }
        }
    }
    Ok(())
}
