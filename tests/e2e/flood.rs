//! Slow clients by the hundred and floods on the doors: somebody else is served all the same, and memory stays where it is.

use std::time::Duration;

use anyhow::{Result, ensure};
use e2e::flood::{Flood, Manner, quiet_world};

const LASTS: Duration = Duration::from_secs(4);
/// The web server's memory, whatever comes: a debug build, two processors.
const MOST_MEMORY_KB: u64 = 300 * 1024;

#[tokio::test(flavor = "multi_thread")]
async fn slow_clients_keep_nobody_else_waiting() -> Result<()> {
    let world = quiet_world().await?;
    for manner in Manner::SLOW {
        let outcome = Flood { manner, clients: 600, addresses: 4, lasts: LASTS }.run(&world).await?;
        eprintln!("{outcome}");
        ensure!(outcome.most_open >= 500, "that was no crowd: {outcome}");
        ensure!(outcome.memory_kb < MOST_MEMORY_KB, "{outcome}");
    }
    world.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn one_address_has_its_share_of_connections() -> Result<()> {
    let world = quiet_world().await?;
    let outcome = Flood { manner: Manner::Silent, clients: 700, addresses: 1, lasts: LASTS }.run(&world).await?;
    eprintln!("{outcome}");
    // 512 stay; the rest is hung up on, each time it comes.
    ensure!(outcome.ended >= 188, "{outcome}");
    world.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn floods_on_the_doors_are_told_to_wait() -> Result<()> {
    let world = quiet_world().await?;
    for (manner, limited) in [(Manner::SignIns, true), (Manner::Forms, false)] {
        let outcome = Flood { manner, clients: 50, addresses: 1, lasts: LASTS }.run(&world).await?;
        eprintln!("{outcome}");
        let (answers, refused) = outcome.answers;
        ensure!(answers > 200, "that was no flood: {outcome}");
        // Sixty a minute, and one that comes back each second.
        ensure!(!limited || answers - refused <= 60 + 2 * LASTS.as_secs(), "{outcome}");
        ensure!(outcome.memory_kb < MOST_MEMORY_KB, "{outcome}");
    }
    world.end().await
}
