//! `sluice migrate`: brings what is in Redis to this version's schema. Servers do the same at boot; this is for doing it beforehand.

use anyhow::Result;

use crate::{installation::Installation, place::Place};

/// Migrates and says what was done.
pub(crate) async fn run(place: &Place) -> Result<()> {
    let store = Installation::open(place)?.store().await?;
    let report = store.migrate().await?;
    if report.applied.is_empty() {
        println!("Nothing to do: the data has schema {}, the newest this version knows.", report.to);
    } else {
        println!("Migrated from schema {} to {}: {}", report.from, report.to, report.applied.join(", "));
    }
    Ok(())
}
