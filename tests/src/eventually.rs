//! Waiting for what another process does and does not announce.

use std::time::Duration;

use anyhow::{Result, bail};
use tokio::time::Instant;

const STEP: Duration = Duration::from_millis(20);

/// Repeats `probe` until it finds something; an error that names `what` after `limit`. An error of the probe ends the wait.
pub async fn eventually<T>(
    what: &str,
    limit: Duration,
    mut probe: impl AsyncFnMut() -> Result<Option<T>>,
) -> Result<T> {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(found) = probe().await? {
            return Ok(found);
        }
        if Instant::now() > deadline {
            bail!("{what}: not within {limit:?}");
        }
        tokio::time::sleep(STEP).await;
    }
}
