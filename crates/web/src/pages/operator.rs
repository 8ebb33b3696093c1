//! `/operator`: the whole queue, for those whom `access.operators` names. For everybody else there is no such page.

use std::{collections::HashMap, sync::LazyLock};

use actix_web::{
    HttpRequest, HttpResponse,
    http::{
        StatusCode,
        header::{CACHE_CONTROL, CONTENT_TYPE},
    },
    web::{Data, Query},
};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use sluice_domain::AccountId;
use sluice_queue::Overview;

use super::page;
use crate::{
    error::PageError,
    state::State,
    view::{Board, OperatorPage, count_of},
    visitor::Visitor,
};

pub(super) const HERE: &str = "/operator";
/// Names asked for at once.
const ABREAST: usize = 16;
const SCRIPT: &str = include_str!("../../assets/operator.js");

/// Named by its content, so that a browser may keep it for ever.
static SCRIPT_PATH: LazyLock<String> =
    LazyLock::new(|| format!("{HERE}/live.js?{}", &hex::encode(Sha256::digest(SCRIPT))[..16]));

/// What just happened, if anything, and to how many jobs.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Said {
    said: Option<String>,
    jobs: Option<u64>,
}

/// `GET /operator`.
pub(crate) async fn get(
    request: HttpRequest,
    said: Query<Said>,
    state: Data<State>,
) -> Result<HttpResponse, PageError> {
    let visitor = state.operator(&request).await?;
    let seen = state.queue.operator().overview().await?;
    let names = names(&state, &seen).await?;
    let shown = OperatorPage {
        frame: state.frame(&visitor).await.saying(said.sentence().as_deref()),
        csrf: visitor.session.csrf.clone(),
        script: SCRIPT_PATH.clone(),
        board: Board::of(&seen, &names),
    };
    page(StatusCode::OK, &shown)
}

/// `GET /operator/live.js`: renews the figures while the page is looked at.
pub(crate) async fn script(request: HttpRequest, state: Data<State>) -> Result<HttpResponse, PageError> {
    state.operator(&request).await?;
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "text/javascript; charset=utf-8"))
        .insert_header((CACHE_CONTROL, "private, max-age=31536000, immutable"))
        .body(SCRIPT))
}

impl State {
    /// The operator who is asking. Somebody who is none gets the answer of a page that never was.
    pub(super) async fn operator(&self, request: &HttpRequest) -> Result<Visitor, PageError> {
        if self.access.operators.is_empty() {
            return Err(PageError::NotFound);
        }
        let visitor = self.signed_in(request, HERE).await?;
        if self.access.operates(&visitor.account.id) { Ok(visitor) } else { Err(PageError::NotFound) }
    }
}

/// The display names of the accounts in an overview. An account that left, or whose record cannot be read, has none.
pub(super) async fn names(state: &State, seen: &Overview) -> Result<HashMap<AccountId, String>, PageError> {
    let ids = seen.accounts.iter().map(|load| load.account.clone());
    let found = stream::iter(ids).map(async |id| match state.store.accounts().get(&id).await {
        Err(error) if error.is_unavailable() => Err(PageError::from(error)),
        account => Ok(account.ok().flatten().map(|account| (id, account.display_name))),
    });
    let names: Vec<_> = found.buffer_unordered(ABREAST).try_collect().await?;
    Ok(names.into_iter().flatten().collect())
}

impl Said {
    fn sentence(&self) -> Option<String> {
        let jobs = self.jobs.unwrap_or_default();
        Some(match (self.said.as_deref()?, jobs) {
            ("paused", _) => "Paused. What runs goes on.".to_owned(),
            ("resumed", _) => "It goes on.".to_owned(),
            ("weighed", _) => "The weight is set.".to_owned(),
            ("retried", 0) => "There was nothing left to retry.".to_owned(),
            ("retried", jobs) => format!("Sent once more: {}.", count_of(jobs, "job")),
            ("cancelled", 0) => "Nothing was waiting any more.".to_owned(),
            ("cancelled", jobs) => format!("Cancelled: {}.", count_of(jobs, "waiting job")),
            ("more", _) => "Much is done, but not everything yet. Do it again for the rest.".to_owned(),
            _ => return None,
        })
    }
}
