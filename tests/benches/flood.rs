//! Floods: `cargo xtask bench flood [--clients N] [--addresses N] [--seconds N]`.

#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

use std::time::Duration;

use anyhow::Result;
use clap::Parser;
use e2e::flood::{Flood, Manner, quiet_world};

/// Hold thousands of connections to the web server, slowly, then flood its doors; tell how somebody else fares, and its memory
#[derive(Debug, Parser)]
#[command(name = "flood")]
struct Arguments {
    /// Slow clients
    #[arg(long, default_value_t = 10_000)]
    clients: u32,
    /// Addresses that they come from; an address may hold 512 connections
    #[arg(long, default_value_t = 40)]
    addresses: u32,
    /// How long each flood lasts
    #[arg(long, default_value_t = 30)]
    seconds: u64,
    /// Cargo says it to every bench
    #[arg(long, hide = true)]
    bench: bool,
}

#[tokio::main]
async fn main() -> Result<()> {
    let Arguments { clients, addresses, seconds, .. } = Arguments::parse();
    let lasts = Duration::from_secs(seconds);
    for manner in Manner::SLOW {
        // A fresh server each time: its peak is this flood's.
        let world = quiet_world().await?;
        println!("{}", Flood { manner, clients, addresses, lasts }.run(&world).await?);
        world.end().await?;
    }
    for manner in [Manner::SignIns, Manner::Forms] {
        let world = quiet_world().await?;
        println!("{}", Flood { manner, clients: 200, addresses: 1, lasts }.run(&world).await?);
        world.end().await?;
    }
    Ok(())
}
