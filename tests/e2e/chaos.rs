//! A short storm; `cargo xtask bench chaos` is the long one.

use std::time::Duration;

use anyhow::Result;
use e2e::{
    chaos::{Chaos, Faults, run},
    redis::Fsync,
};

#[tokio::test(flavor = "multi_thread")]
async fn everything_accepted_lands_once_whatever_breaks() -> Result<()> {
    let faults = Faults {
        kills: 3,
        pauses: 2,
        longest_pause: Duration::from_secs(9),
        outages: 2,
        longest_outage: Duration::from_secs(3),
        lost_replies: 12,
        cuts: 2,
    };
    // The seed may be changed at will: none is known to fail.
    let chaos = Chaos { seed: 1, jobs: 60, workers: 2, fsync: Fsync::Always, faults };
    eprintln!("{}", run(&chaos).await?);
    Ok(())
}
