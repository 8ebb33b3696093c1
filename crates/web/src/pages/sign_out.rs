//! `POST /logout` and `POST /settings/disconnect`: the ways out.

use std::time::Duration;

use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Payload},
};
use sluice_domain::{AccountId, JobState};
use sluice_queue::{QueueError, RecentsQuery};

use super::see;
use crate::{
    body::{Fields, MAX_STRANGER_BYTES},
    cookies::Name,
    error::PageError,
    state::State,
};

/// How long a person waits for Dropbox to confirm.
const PATIENCE: Duration = Duration::from_secs(15);
/// Jobs looked at in one step while all of an account are being cancelled.
const STEP: u32 = 100;
/// Everything that goes on, or could, without its person. Lists take their items with them.
const UNDER_WAY: [JobState; 5] =
    [JobState::Collecting, JobState::Queued, JobState::Retrying, JobState::Paused, JobState::Running];

/// `POST /logout`: this browser only; jobs go on.
pub(crate) async fn logout(
    request: HttpRequest,
    payload: Payload,
    state: Data<State>,
) -> Result<HttpResponse, PageError> {
    let visitor = state.visitor(&request).await?;
    let fields = Fields::read(payload, MAX_STRANGER_BYTES).await?;
    if let Some(visitor) = visitor {
        visitor.check(&fields)?;
        state.store.sessions().delete(&visitor.token).await?;
    }
    Ok(leave(&state, "/?said=signed-out"))
}

/// `POST /settings/disconnect`: stops what is under way, takes the connection back at Dropbox, forgets it here.
pub(crate) async fn disconnect(
    request: HttpRequest,
    payload: Payload,
    state: Data<State>,
) -> Result<HttpResponse, PageError> {
    let (visitor, _) = state.form(&request, payload, "/settings").await?;
    let account = &visitor.account;
    for job_state in UNDER_WAY {
        cancel_all(&state, &account.id, job_state).await?;
    }
    let client = state.dropbox.account(&account.id, account.refresh_token.clone());
    let revoked = match tokio::time::timeout(PATIENCE, client.revoke()).await {
        Ok(Ok(())) => true,
        Ok(Err(failure)) => {
            tracing::warn!(account.id = %account.id, failure.kind = %failure.kind, failure.detail = %failure.detail, "The connection could not be revoked at Dropbox");
            // Revoked there already is as good.
            account.disconnected || failure.kind == sluice_domain::FailureKind::DropboxDisconnected
        }
        Err(_) => false,
    };
    // Forgotten here in any case: that is what the person asked for.
    state.store.accounts().forget(&account.id).await?;
    tracing::info!(account.id = %account.id, revoked, "Disconnected");
    Ok(leave(&state, if revoked { "/?said=disconnected" } else { "/?said=half-disconnected" }))
}

async fn cancel_all(state: &State, account: &AccountId, job_state: JobState) -> Result<(), QueueError> {
    let mut before = None;
    loop {
        let query = RecentsQuery { state: Some(job_state), before, limit: STEP };
        let jobs = state.queue.recents(account, query).await?;
        for job in &jobs.items {
            state.queue.cancel(account, &job.id).await?;
        }
        before = jobs.next;
        if before.is_none() {
            return Ok(());
        }
    }
}

fn leave(state: &State, to: &str) -> HttpResponse {
    let mut response = see(to);
    // A cookie of ours is always a valid header.
    let _set = response.add_removal_cookie(&Name::Session.clear(state.place.secure));
    response
}
