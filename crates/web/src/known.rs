//! Has the person still what they have? Asked before a link that was sent already is refused.

use std::time::Duration;

use sluice_domain::{Job, JobState};
use tokio::time::Instant;

use crate::state::State;

/// How long a person who sends links waits for Dropbox to tell what is there, for all links together.
const PATIENCE: Duration = Duration::from_secs(3);

/// Until when Dropbox may take to tell.
pub(crate) fn deadline() -> Instant {
    Instant::now() + PATIENCE
}

impl State {
    /// Is the file of this job still in its place, as it landed? One that is on its way counts as there; and while Dropbox cannot tell,
    /// everything does: the person can send it again.
    pub(crate) async fn still_has(&self, job: &Job, deadline: Instant) -> bool {
        let Some(receipt) = job.receipt.as_ref().filter(|_| job.state == JobState::Completed) else { return true };
        let look = async {
            let token = self.store.accounts().refresh_token(&job.account).await.ok().flatten()?;
            self.dropbox.account(&job.account, token).metadata(&receipt.path).await.ok()
        };
        match tokio::time::timeout_at(deadline, look).await {
            Ok(Some(found)) => {
                found.is_some_and(|file| file.size == receipt.size && file.content_hash == receipt.content_hash)
            }
            Ok(None) | Err(_) => true,
        }
    }
}
