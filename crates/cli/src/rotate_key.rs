//! `sluice rotate-key`: seals everything anew with the first key of `security.secret_key`, so that the others can go.

use anyhow::{Result, bail};
use secrecy::ExposeSecret as _;

use crate::{installation::Installation, place::Place};

/// Re-seals and says what was done.
pub(crate) async fn run(place: &Place) -> Result<()> {
    let installation = Installation::open(place)?;
    let keys = installation.settings.security.secret_key.expose_secret().split_whitespace().count();
    let rotation = installation.store().await?.rotate_key().await?;
    let seals = rotation.seals;
    println!("Sealed anew: {}. With the newest key now: {}.", rotation.resealed, seals.newest);
    if seals.unknown > 0 {
        println!(
            "No key opens {}: whoever they belong to has to connect their Dropbox, or send their link, again.",
            seals.unknown
        );
    }
    if seals.older > 0 {
        bail!(
            "{} are still sealed with an older key: some process still has that one first. Give every process both keys, the new one \
             first, restart them, and run this again",
            seals.older
        );
    }
    if keys > 1 {
        println!(
            "Nothing needs the older key any more. Take it out of security.secret_key once every process has been restarted with both keys, \
             and run this once more before you do if some were not."
        );
    }
    Ok(())
}
