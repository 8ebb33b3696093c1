//! The way in: which part of the emulator answers a request, and what a fault does to it before and after.

use std::sync::Arc;
use std::time::Duration;

use http::header::CONTENT_LENGTH;
use http::{Method, Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use serde_json::Value;

use crate::api::call::{Call, refuse, serve as serve_api};
use crate::api::{caller, home, shared, temporary};
use crate::control::desk;
use crate::control::faults::Fault;
use crate::oauth::{authorize, page, token};
use crate::service::Service;
use crate::sessions::append::MAX_BODY;
use crate::wire::answer::{Answer, TEXT, answer, full, html};
use crate::wire::body::RequestBody;
use crate::wire::serve::{Connection, Cut};

const FORM_BYTES: u64 = 64 * 1024;

/// Which part answers.
enum Target {
    Health,
    Control(String),
    Api(String),
    Token,
    Authorize,
    TemporaryLink(String),
    SharedLink,
    Home(String),
    Unknown,
}

impl Target {
    fn of(path: &str) -> Self {
        let rest = |prefix: &str| path.strip_prefix(prefix).map(str::to_owned);
        match path {
            "/healthz" => Self::Health,
            "/oauth2/token" | "/1/oauth2/token" => Self::Token,
            "/oauth2/authorize" | "/1/oauth2/authorize" => Self::Authorize,
            _ => rest("/2/")
                .map(Self::Api)
                .or_else(|| rest("/emulator/").map(Self::Control))
                .or_else(|| rest(temporary::PREFIX).map(Self::TemporaryLink))
                .or_else(|| path.starts_with(shared::PREFIX).then_some(Self::SharedLink))
                .or_else(|| rest("/home").map(Self::Home))
                .unwrap_or(Self::Unknown),
        }
    }

    /// The name for scripts and the log of calls; `None` for what belongs to the emulator itself.
    fn route(&self) -> Option<&str> {
        match self {
            Self::Api(path) => Some(path),
            Self::Token => Some("oauth2/token"),
            Self::Authorize => Some("oauth2/authorize"),
            Self::TemporaryLink(_) | Self::SharedLink => Some("link"),
            Self::Health | Self::Control(_) | Self::Home(_) | Self::Unknown => None,
        }
    }
}

/// Answers a request, or cuts it off.
pub(crate) async fn handle(
    service: Arc<Service>,
    request: Request<Incoming>,
    connection: Connection,
) -> Result<Answer, Cut> {
    let target = Target::of(request.uri().path());
    let (mut head, incoming) = request.into_parts();
    // For whoever answers with a body: it goes over the same line.
    head.extensions.insert(Arc::clone(&connection.bucket));
    let body = RequestBody::new(incoming, service.line.pace(&connection.bucket));
    let mut call = Call { head, body, connection, fault: None };
    let Some(route) = target.route().map(str::to_owned) else { return dispatch(&service, &target, &mut call).await };

    let account = caller::account_id(&service, &call.head);
    let strike = service.faults.strike(&route, account.as_deref());
    let begun = service.calls.begin(&route, account.clone(), strike.is_some());
    call.fault = strike.as_ref().map(|strike| strike.fault.clone());
    service.line.round_trip().await;
    if let Some(strike) = strike.filter(|strike| strike.fault == Fault::Hold) {
        strike.released().await;
    }
    let result = match play(&service, &target, &route, account.as_deref(), &mut call).await {
        Ok(Some(answer)) => Ok(answer),
        Err(cut) => Err(cut),
        Ok(None) if matches!(call.fault, Some(Fault::Zombie { .. })) => {
            tokio::spawn(outlive(service, target, call, begun));
            return Err(Cut);
        }
        Ok(None) => dispatch(&service, &target, &mut call).await,
    };
    let result = finish(&call, result).await;
    let status = result.as_ref().map_or(0, |answer| answer.status().as_u16());
    service.calls.end(begun, status, call.body.taken);
    result
}

/// What a fault does before the call is looked at: an answer, a cut, or nothing yet.
async fn play(
    service: &Arc<Service>,
    target: &Target,
    route: &str,
    account: Option<&str>,
    call: &mut Call,
) -> Result<Option<Answer>, Cut> {
    let Some(fault) = call.fault.clone() else { return Ok(None) };
    match fault {
        Fault::CutBody { after_bytes, .. } => call.body.cut_after(after_bytes),
        Fault::HoldLock { ms } => {
            if let Some(account) = account.and_then(|id| service.account(id)) {
                account.hold_lock(Duration::from_millis(ms));
            }
        }
        Fault::RevokeTokens => {
            if let Some(Err(error)) = account.map(|id| service.grants.revoke_account(id)) {
                tracing::error!(%error, "The tokens could not be revoked");
            }
        }
        Fault::Zombie { .. } if call.body.keep(MAX_BODY).await.is_err() => return Err(Cut),
        _ => {}
    }
    match fault.refusal() {
        Some(refusal) => {
            let spelled = if let Target::Api(path) = target { path.as_str() } else { route };
            Ok(Some(refuse(service, &refusal, spelled, call).await))
        }
        None => Ok(None),
    }
}

/// A request that takes effect after its client has given it up.
async fn outlive(service: Arc<Service>, target: Target, mut call: Call, begun: crate::control::calls::Begun) {
    if let Some(Fault::Zombie { ms }) = call.fault {
        tokio::time::sleep(Duration::from_millis(ms)).await;
    }
    let status = dispatch(&service, &target, &mut call).await.map_or(0, |answer| answer.status().as_u16());
    service.calls.end(begun, status, call.body.taken);
}

/// What a fault does to the answer.
async fn finish(call: &Call, result: Result<Answer, Cut>) -> Result<Answer, Cut> {
    let severs =
        matches!(call.fault, Some(Fault::LoseResponse { connection: true } | Fault::CutBody { connection: true, .. }));
    match (&call.fault, result) {
        (Some(Fault::LoseResponse { .. }), _) | (_, Err(Cut)) => {
            if severs {
                call.connection.sever.cancel();
            }
            Err(Cut)
        }
        (Some(Fault::Delay { ms }), Ok(answer)) => {
            tokio::time::sleep(Duration::from_millis(*ms)).await;
            Ok(answer)
        }
        (Some(Fault::TruncateJson), Ok(answer)) => rewrite(answer, |json| json[..json.len() / 2].to_vec()).await,
        (Some(Fault::WrongContentHash), Ok(answer)) => rewrite(answer, wrong_hash).await,
        (_, Ok(answer)) => Ok(answer),
    }
}

async fn rewrite(answer: Answer, change: impl FnOnce(&[u8]) -> Vec<u8>) -> Result<Answer, Cut> {
    let (mut head, body) = answer.into_parts();
    let bytes = body.collect().await.map_err(|_| Cut)?.to_bytes();
    head.headers.remove(CONTENT_LENGTH);
    Ok(Response::from_parts(head, full(change(&bytes))))
}

fn wrong_hash(json: &[u8]) -> Vec<u8> {
    let Ok(mut value) = serde_json::from_slice::<Value>(json) else { return json.to_vec() };
    if let Some(hash) = value.get_mut("content_hash") {
        *hash = "0".repeat(64).into();
    }
    value.to_string().into_bytes()
}

async fn dispatch(service: &Arc<Service>, target: &Target, call: &mut Call) -> Result<Answer, Cut> {
    match target {
        Target::Api(path) => serve_api(service, path, call).await,
        Target::Control(path) => Ok(desk::serve(service, path, call).await),
        Target::Health => Ok(answer(StatusCode::OK, TEXT, "ok\n")),
        Target::TemporaryLink(path) => Ok(temporary::serve(service, path, &call.head).await),
        Target::Home(folder) => Ok(home::serve(service, folder, call)),
        Target::SharedLink => Ok(shared::serve(service, &call.head).await),
        Target::Unknown => Ok(html(StatusCode::NOT_FOUND, &page::problem("There is nothing at this address."))),
        Target::Authorize if call.head.method == Method::GET => {
            Ok(authorize::ask(service, call.head.uri.query().unwrap_or_default()))
        }
        Target::Authorize | Target::Token => {
            let form = call.body.read_all(FORM_BYTES).await.map_err(|_| Cut)?;
            Ok(match target {
                Target::Token => token::token(service, &call.head, &form),
                _ => authorize::decide(service, &form),
            })
        }
    }
}
