//! "You already have this": is there another job of the same person that brings, or has brought, the same file to the same place?

use sluice_domain::{Failure, Job, JobState};
use sluice_dropbox::AccountClient;
use sluice_queue::Held;

use crate::attempt::Attempt;

/// Jobs whose file turned out to be gone, one after another, before the question is given up: each of them was sent by hand.
const MOST: usize = 5;

impl Attempt<'_> {
    /// The job that has brought `what` or is about to, proven to be still there; `None` when it is this job's to bring. From then on others
    /// are told so.
    pub(crate) async fn duplicate_of(&self, account: &AccountClient, what: &str) -> Result<Option<Box<Job>>, Failure> {
        let mut gone = None;
        for _ in 0..MOST {
            match self.lease.hold(what, gone.as_ref()).await? {
                Held::Mine => return Ok(None),
                Held::Other(other) if self.stands(account, &other).await? => return Ok(Some(other)),
                Held::Other(other) => gone = Some(other.id),
            }
        }
        Ok(None)
    }

    /// Is it still under way, or its file still in its place?
    async fn stands(&self, account: &AccountClient, other: &Job) -> Result<bool, Failure> {
        match &other.receipt {
            _ if other.state != JobState::Completed => Ok(true),
            Some(receipt) => {
                let found = self.gate.guard(account.metadata(&receipt.path)).await?;
                Ok(found.is_some_and(|file| file.is_that(&receipt.into())))
            }
            // A list brings no file of its own, and may have grown.
            None => Ok(false),
        }
    }
}
