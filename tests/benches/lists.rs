//! A long list: `cargo xtask bench lists [--items N]`.

#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

use anyhow::Result;
use clap::Parser;
use e2e::long_list::long_list;

/// Take so many items of a feed of 5,000, while somebody else sends five links, and prove that all arrive
#[derive(Debug, Parser)]
#[command(name = "lists")]
struct Arguments {
    /// What `limits.playlist_items` says
    #[arg(long, default_value_t = 300)]
    items: u32,
    /// Cargo says it to every bench
    #[arg(long, hide = true)]
    bench: bool,
}

#[tokio::main]
async fn main() -> Result<()> {
    println!("{}", long_list(Arguments::parse().items).await?);
    Ok(())
}
