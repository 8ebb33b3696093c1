//! SIGKILL at random points of transfers that are under way; `cargo xtask bench streaming kills` is the large one.

use anyhow::Result;
use e2e::kills::{Kills, run};

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_killed_at_twenty_points_costs_a_chunk_each() -> Result<()> {
    // The seed may be changed at will: none is known to fail.
    let kills = Kills { seed: 1, kills: 3, transfers: 7, megabytes: 60, bytes_per_second: 60_000_000 };
    eprintln!("{}", run(&kills).await?);
    Ok(())
}
