//! `GET /api/v1/events`: every change of the account's jobs.

use actix_web::{HttpRequest, HttpResponse, web::Data};

use sluice_store::Scope;

use super::{Problem, token::caller};
use crate::{
    live::{Voice, listen},
    state::State,
};

/// The handler.
pub(super) async fn get(request: HttpRequest, state: Data<State>) -> Result<HttpResponse, Problem> {
    let (account, token) = caller(&state, &request, Scope::Read).await?;
    Ok(listen(state, account, Voice::Api { token })?)
}
