//! `POST /operator/{act}`: what an operator decides, for everybody or for one account.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Path, Payload, Query},
};
use serde::Deserialize;
use sluice_domain::{AccountId, FailureKind};
use sluice_queue::QueueError;

use super::{
    operator::{HERE, names},
    page, see,
};
use crate::{
    body::{Fields, MAX_BODY_BYTES},
    error::PageError,
    state::State,
    view::{OperatorAsk, count_of, name_of},
};

/// How long a person waits for many jobs to be moved. What was moved by then stays moved.
const PATIENCE: Duration = Duration::from_secs(20);
/// The word for the whole queue. It has to be said: a field that got lost must not mean everybody.
const ALL: &str = "all";

/// Whom an act is about.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Of {
    All,
    One(AccountId),
}

impl Of {
    fn parse(text: &str) -> Result<Self, PageError> {
        match text {
            ALL => Ok(Self::All),
            id => id.parse().map(Self::One).map_err(|_| PageError::NotFound),
        }
    }

    fn account(&self) -> Option<&AccountId> {
        match self {
            Self::All => None,
            Self::One(account) => Some(account),
        }
    }

    /// Back to the page, to the account that it was about.
    fn back(&self, said: &str) -> HttpResponse {
        match self {
            Self::All => see(&format!("{HERE}?said={said}")),
            Self::One(account) => see(&format!("{HERE}?said={said}#of-{account}")),
        }
    }
}

/// `POST /operator/{act}`.
pub(crate) async fn post(
    request: HttpRequest,
    act: Path<String>,
    payload: Payload,
    state: Data<State>,
) -> Result<HttpResponse, PageError> {
    let visitor = state.operator(&request).await?;
    let fields = Fields::read(payload, MAX_BODY_BYTES).await?;
    visitor.check(&fields)?;
    let operator = state.queue.operator();
    let by = &visitor.account.id;
    if act.as_str() == "retry" {
        let kind = kind(fields.get("kind"))?;
        let said = many("retried", operator.retry_all(kind)).await?;
        tracing::info!(operator.id = %by, failure.kind = %kind, said, "An operator retried all of a kind");
        return Ok(see(&format!("{HERE}?said={said}")));
    }
    let of = Of::parse(fields.get("of"))?;
    let said = match (act.as_str(), &of) {
        ("pause", of) => operator.pause(of.account()).await.map(|()| "paused".to_owned())?,
        ("resume", of) => operator.resume(of.account()).await.map(|()| "resumed".to_owned())?,
        ("weigh", Of::One(account)) => {
            let weight = fields.get("weight").parse().map_err(|_| QueueError::BadWeight)?;
            operator.set_weight(account, weight).await.map(|()| "weighed".to_owned())?
        }
        ("cancel", of) => many("cancelled", operator.cancel_waiting(of.account())).await?,
        _ => return Err(PageError::NotFound),
    };
    let about = of.account().map_or(ALL, AccountId::as_str);
    tracing::info!(operator.id = %by, account.id = about, act = act.as_str(), said, "An operator steered the queue");
    Ok(of.back(&said))
}

/// Whom the question is about.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct About {
    of: Option<String>,
}

/// `GET /operator/cancel`: the question before; a page of its own, so that it needs no script.
pub(crate) async fn ask(
    request: HttpRequest,
    about: Query<About>,
    state: Data<State>,
) -> Result<HttpResponse, PageError> {
    let visitor = state.operator(&request).await?;
    let of = about.of.as_deref().unwrap_or_default();
    let seen = state.queue.operator().overview().await?;
    let (waiting, whose) = match Of::parse(of)? {
        Of::All => (seen.depth.queued, None),
        Of::One(account) => {
            let load = seen.accounts.iter().find(|load| load.account == account);
            (load.map_or(0, |load| load.waiting), Some(name_of(&account, &names(&state, &seen).await?)))
        }
    };
    let question = OperatorAsk {
        frame: state.frame(&visitor).await,
        csrf: visitor.session.csrf.clone(),
        of: of.to_owned(),
        whose,
        jobs: count_of(waiting, "waiting job"),
        none: waiting == 0,
    };
    page(StatusCode::OK, &question)
}

fn kind(word: &str) -> Result<FailureKind, PageError> {
    FailureKind::ALL.into_iter().find(|kind| kind.as_str() == word).ok_or(PageError::NotFound)
}

/// What became of a move of many jobs, as the page is told.
async fn many(said: &str, moved: impl Future<Output = Result<u64, QueueError>>) -> Result<String, PageError> {
    match tokio::time::timeout(PATIENCE, moved).await {
        Ok(moved) => Ok(format!("{said}&jobs={}", moved?)),
        Err(_) => Ok("more".to_owned()),
    }
}
