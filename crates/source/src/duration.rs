//! Is it as long as it should be?

use sluice_domain::{Failure, FailureKind};

/// How much shorter than announced a file may be, in seconds: sites round, and streams of a pair seldom end together.
const SLACK_SECONDS: f64 = 2.0;
/// The same as a part of the whole.
const SLACK_PART: f64 = 0.03;
/// Compares what was announced with what was found, in seconds, where both are known. More than announced is no fault.
///
/// # Errors
/// When it is too short.
pub(crate) fn prove_duration(announced: Option<f64>, found: Option<f64>) -> Result<(), Failure> {
    let (Some(announced), Some(found)) = (announced, found) else { return Ok(()) };
    if found < announced - SLACK_SECONDS.max(announced * SLACK_PART) {
        return Err(Failure::new(FailureKind::Network, format!("{found:.1} s arrived of {announced:.1} s announced")));
    }
    Ok(())
}
