//! The control API, `/emulator/...`.
//!
//! Refuses everybody but programs on this machine: peers that are not loopback, and web pages (they send `Origin`).

use std::sync::Arc;

use http::header::ORIGIN;
use http::request::Parts;
use http::{Method, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::api::call::Call;
use crate::api::caller::query;
use crate::control::faults::Script;
use crate::error::Error;
use crate::files::account::Account;
use crate::oauth::SCOPES;
use crate::oauth::grants::ACCESS_SECONDS;
use crate::service::Service;
use crate::settings::Switches;
use crate::wire::answer::{Answer, TEXT, answer, json as json_answer};
use crate::wire::pace::Throttle;

const BODY_BYTES: u64 = 1024 * 1024;

/// What went wrong, for the test's author.
enum Wrong {
    Missing(&'static str),
    Bad(String),
    Broken(Error),
}

impl From<Error> for Wrong {
    fn from(error: Error) -> Self {
        Self::Broken(error)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Space {
    quota: Option<u64>,
    used: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Whose {
    account: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GrantAsked {
    account: String,
    client_id: String,
    scopes: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    advance_seconds: u32,
}

/// Answers a control request; `path` is what follows `/emulator/`.
pub(crate) async fn serve(service: &Arc<Service>, path: &str, call: &mut Call) -> Answer {
    if !call.connection.peer.ip().to_canonical().is_loopback() || call.head.headers.contains_key(ORIGIN) {
        return answer(StatusCode::FORBIDDEN, TEXT, "The control API is for programs on this machine.");
    }
    let Ok(body) = call.body.read_all(BODY_BYTES).await else {
        return answer(StatusCode::BAD_REQUEST, TEXT, "the body is too large or broke off");
    };
    match tokio::task::block_in_place(|| act(service, path, &call.head, &body)) {
        Ok(value) => json_answer(StatusCode::OK, &value),
        Err(Wrong::Missing(what)) => answer(StatusCode::NOT_FOUND, TEXT, what),
        Err(Wrong::Bad(why)) => answer(StatusCode::BAD_REQUEST, TEXT, why),
        Err(Wrong::Broken(error)) => answer(StatusCode::INTERNAL_SERVER_ERROR, TEXT, error.to_string()),
    }
}

fn act(service: &Service, path: &str, head: &Parts, body: &[u8]) -> Result<Value, Wrong> {
    let steps: Vec<&str> = path.split('/').collect();
    match (&head.method, steps.as_slice()) {
        (&Method::POST, ["faults"]) => {
            let script: Script = read(body)?;
            if !service.faults.add(script) {
                return Err(Wrong::Bad("too many scripts".into()));
            }
        }
        (&Method::DELETE, ["faults"]) => service.faults.clear(),
        (&Method::GET, ["calls"]) => {
            let (route, account) = (query(head, "route"), query(head, "account"));
            return Ok(json!({ "calls": service.calls.list(route.as_deref(), account.as_deref()) }));
        }
        (&Method::DELETE, ["calls"]) => service.calls.clear(),
        (&Method::GET, ["accounts"]) => {
            let describe = |account: &Arc<Account>| {
                let (used, quota) = account.tree().space();
                json!({ "account_id": account.id, "name": account.name, "used": used, "quota": quota })
            };
            return Ok(json!({ "accounts": service.accounts.iter().map(describe).collect::<Vec<_>>() }));
        }
        (&Method::POST, ["accounts", id]) => {
            let space: Space = read(body)?;
            account(service, id)?.tree().set_space(space.quota, space.used)?;
        }
        (&Method::POST, ["tokens", "expire"]) => {
            let whose: Whose = read(body)?;
            service.grants.expire_account(&account(service, &whose.account)?.id)?;
        }
        (&Method::POST, ["tokens", "revoke"]) => {
            let whose: Whose = read(body)?;
            service.grants.revoke_account(&account(service, &whose.account)?.id)?;
        }
        (&Method::POST, ["grant"]) => return grant(service, read(body)?),
        (&Method::GET, ["sessions"]) => {
            let open: Vec<Value> = service.sessions.uncommitted().iter().map(|session| session.describe()).collect();
            return Ok(json!({ "sessions": open }));
        }
        (&Method::POST, ["throttle"]) => service.line.set(read::<Throttle>(body)?),
        (&Method::POST, ["clock"]) => service.clock.advance(read::<Advance>(body)?.advance_seconds),
        (&Method::GET, ["switches"]) => return Ok(json!(service.switches())),
        (&Method::POST, ["switches"]) => {
            let mut switches: Switches = service.switches();
            for (name, value) in read::<serde_json::Map<String, Value>>(body)? {
                let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                switches.set(&format!("{name}={value}")).map_err(|e| Wrong::Bad(e.to_string()))?;
            }
            service.set_switches(switches);
        }
        _ => return Err(Wrong::Missing("there is no such control")),
    }
    Ok(json!({}))
}

/// Connects an account without a browser.
fn grant(service: &Service, asked: GrantAsked) -> Result<Value, Wrong> {
    let account = account(service, &asked.account)?;
    let scopes = asked.scopes.unwrap_or_else(|| SCOPES.map(str::to_owned).to_vec());
    let now = service.clock.seconds();
    let (grant, token) = service.grants.add(&account.id, &asked.client_id, scopes, true, true, now)?;
    Ok(json!({
        "account_id": account.id, "refresh_token": grant.refresh_token, "access_token": token,
        "expires_in": ACCESS_SECONDS, "scope": grant.scopes.join(" "),
    }))
}

/// An account by its id or its name.
fn account<'a>(service: &'a Service, wanted: &str) -> Result<&'a Arc<Account>, Wrong> {
    let named = |account: &&Arc<Account>| account.id == wanted || account.name == wanted;
    service.accounts.iter().find(named).ok_or(Wrong::Missing("there is no such account"))
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Wrong> {
    serde_json::from_slice(body).map_err(|e| Wrong::Bad(e.to_string()))
}
