//! From jobs to rows: what a row needs to know beside its job is asked here.

use futures::future::join_all;
use jiff::Timestamp;
use sluice_domain::{AccountId, Job, JobState};
use sluice_queue::{Cursor, Page, QueueError, RecentsQuery};

use crate::{
    error::PageError,
    state::State,
    view::{Around, Row},
};

/// Rows on one page of the list.
const PAGE_ROWS: u32 = 20;

/// One page of a person's downloads, newest first.
pub(crate) async fn recents(
    state: &State,
    account: &AccountId,
    before: Option<Cursor>,
) -> Result<Page<Job>, QueueError> {
    let query = RecentsQuery { state: None, before, limit: PAGE_ROWS };
    state.queue.recents(account, query).await
}

/// What has to be known beside each of these jobs.
pub(crate) async fn arounds(state: &State, account: &AccountId, jobs: &[Job]) -> Result<Vec<Around>, QueueError> {
    let workers = match jobs.iter().any(|job| job.state == JobState::Queued) {
        true => Some(state.queue.depth().await?.workers),
        false => None,
    };
    join_all(jobs.iter().map(|job| around(state, account, job, workers))).await.into_iter().collect()
}

async fn around(state: &State, account: &AccountId, job: &Job, workers: Option<u64>) -> Result<Around, QueueError> {
    let waiting = match job.state == JobState::Queued {
        true => state.queue.waiting(account, &job.id).await?,
        false => None,
    };
    let web_link = job.receipt.as_ref().and_then(|receipt| state.dropbox.web_link(&receipt.path));
    Ok(Around { now: Timestamp::now(), waiting, workers, web_link })
}

/// The rows of these jobs, as HTML.
pub(crate) async fn rows(
    state: &State,
    account: &AccountId,
    csrf: &str,
    jobs: &[Job],
) -> Result<Vec<String>, PageError> {
    let arounds = arounds(state, account, jobs).await?;
    jobs.iter().zip(&arounds).map(|(job, around)| Ok(Row::of(job, around).html(csrf)?)).collect()
}
