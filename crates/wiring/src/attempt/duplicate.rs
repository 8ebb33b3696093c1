//! "You already have this": is there another job of the same person that brings, or has brought, the same file to the same place?

use sluice_domain::{Failure, Job, JobState};
use sluice_dropbox::AccountClient;
use sluice_queue::{Held, Lease};
use sluice_transfer::Gate;

/// Jobs whose file turned out to be gone, one after another, before the question is given up: each of them was sent by hand.
const MOST: usize = 5;

/// The job that has brought `what` or is about to, proven to be still there; `None` when it is this job's to bring. From then on others
/// are told so.
///
/// # Errors
/// When the job is no longer ours, the gate shuts, or Dropbox cannot tell.
pub async fn duplicate_of(
    lease: &Lease,
    gate: &Gate,
    account: &AccountClient,
    what: &str,
) -> Result<Option<Box<Job>>, Failure> {
    let mut gone = None;
    for _ in 0..MOST {
        match lease.hold(what, gone.as_ref()).await? {
            Held::Mine => return Ok(None),
            Held::Other(other) if stands(gate, account, &other).await? => return Ok(Some(other)),
            Held::Other(other) => gone = Some(other.id),
        }
    }
    Ok(None)
}

/// Is it still under way, or its file still in its place?
async fn stands(gate: &Gate, account: &AccountClient, other: &Job) -> Result<bool, Failure> {
    match &other.receipt {
        _ if other.state != JobState::Completed => Ok(true),
        Some(receipt) => {
            let found = gate.guard(account.metadata(&receipt.path)).await?;
            Ok(found.is_some_and(|file| file.is_that(&receipt.into())))
        }
        // A list brings no file of its own, and may have grown.
        None => Ok(false),
    }
}
