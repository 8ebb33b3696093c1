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

/// The rows of these jobs, as HTML.
pub(crate) async fn rows(
    state: &State,
    account: &AccountId,
    csrf: &str,
    jobs: &[Job],
) -> Result<Vec<String>, PageError> {
    let workers = match jobs.iter().any(|job| job.state == JobState::Queued) {
        true => Some(state.queue.depth().await?.workers),
        false => None,
    };
    join_all(jobs.iter().map(|job| row(state, account, csrf, job, workers))).await.into_iter().collect()
}

/// One row as HTML.
async fn row(
    state: &State,
    account: &AccountId,
    csrf: &str,
    job: &Job,
    workers: Option<u64>,
) -> Result<String, PageError> {
    let waiting = match job.state == JobState::Queued {
        true => state.queue.waiting(account, &job.id).await?,
        false => None,
    };
    let web_link = job.receipt.as_ref().and_then(|receipt| state.dropbox.web_link(&receipt.path));
    let around = Around { now: Timestamp::now(), waiting, workers, web_link };
    Ok(Row::of(job, &around).html(csrf)?)
}
