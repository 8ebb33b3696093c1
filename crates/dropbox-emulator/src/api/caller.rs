//! Who is calling: the bearer token, the account behind it, and the headers that choose a namespace.

use std::sync::Arc;

use http::header::{AUTHORIZATION, HOST};
use http::request::Parts;
use serde_json::{Value, json};

use crate::api::refusal::{Refusal, nest};
use crate::control::faults::Fault;
use crate::files::account::Account;
use crate::oauth::grants::Standing;
use crate::service::Service;

/// The caller of a route, allowed in.
#[derive(Clone)]
pub(crate) struct Caller {
    pub(crate) account: Arc<Account>,
    pub(crate) token: String,
    /// `http://host:port` as the client wrote it, for links.
    pub(crate) origin: String,
    /// The fault that struck this call, for the routes that have to play it.
    pub(crate) fault: Option<Fault>,
}

/// The access token as sent, in the header or in the address.
pub(crate) fn token(head: &Parts) -> Result<String, Refusal> {
    if let Some(value) = head.headers.get(AUTHORIZATION) {
        let value = String::from_utf8_lossy(value.as_bytes());
        return match value.strip_prefix("Bearer ") {
            Some(token) => Ok(token.trim().to_owned()),
            None => Err(Refusal::BadCall(
                "Invalid authorization value in HTTP header \"Authorization\": expecting \"Bearer <access token>\"."
                    .into(),
            )),
        };
    }
    match query(head, "authorization") {
        Some(value) => Ok(value.strip_prefix("Bearer ").unwrap_or(&value).to_owned()),
        None => Err(Refusal::BadCall(
            "Must provide HTTP header \"Authorization\" or URL parameter \"authorization\".".into(),
        )),
    }
}

/// Id of the account that a request names, good or expired; for the log of calls and for matching faults.
pub(crate) fn account_id(service: &Service, head: &Parts) -> Option<String> {
    match service.grants.standing(&token(head).ok()?, service.clock.seconds()) {
        Standing::Good { account, .. } | Standing::Expired(account) => Some(account),
        Standing::Invalid | Standing::Malformed => None,
    }
}

/// Lets the caller in, or not.
pub(crate) fn admit(
    service: &Service,
    head: &Parts,
    scope: Option<&str>,
    origin: String,
    fault: Option<Fault>,
) -> Result<Caller, Refusal> {
    let token = token(head)?;
    let (id, scopes) = match service.grants.standing(&token, service.clock.seconds()) {
        Standing::Good { account, scopes } => (account, scopes),
        Standing::Expired(_) => return Err(Refusal::auth("expired_access_token")),
        Standing::Invalid => return Err(Refusal::auth("invalid_access_token")),
        Standing::Malformed => {
            return Err(Refusal::BadCall("The given OAuth 2 access token is malformed.".into()));
        }
    };
    if let Some(scope) = scope
        && !scopes.iter().any(|granted| granted == scope)
    {
        return Err(Refusal::Unauthorized(json!({ ".tag": "missing_scope", "required_scope": scope })));
    }
    // A token of an account that this run does not have: the person is gone.
    let account = service.account(&id).ok_or_else(|| Refusal::auth("invalid_access_token"))?;
    choose_root(account, head)?;
    Ok(Caller { account: Arc::clone(account), token, origin, fault })
}

/// `Dropbox-API-Path-Root`: an account here has one namespace, any other is refused.
fn choose_root(account: &Account, head: &Parts) -> Result<(), Refusal> {
    const NAME: &str = "HTTP header \"Dropbox-API-Path-Root\"";
    let Some(value) = head.headers.get("dropbox-api-path-root") else { return Ok(()) };
    let root: Value = serde_json::from_slice(value.as_bytes())
        .map_err(|_| Refusal::BadCall(format!("{NAME}: could not decode input as JSON")))?;
    let namespace = match root.get(".tag").and_then(Value::as_str) {
        Some("home") => return Ok(()),
        Some(tag @ ("root" | "namespace_id")) => root.get(tag).and_then(Value::as_str),
        _ => return Err(Refusal::BadCall(format!("{NAME}: missing '.tag' key"))),
    };
    match namespace {
        Some(namespace) if namespace == account.namespace => Ok(()),
        _ => Err(Refusal::PathRoot(nest("invalid_root", &account.root_info()))),
    }
}

/// Scheme, host and port that the client used.
pub(crate) fn origin(head: &Parts, is_tls: bool) -> String {
    let scheme = if is_tls { "https" } else { "http" };
    format!("{scheme}://{}", host(head))
}

/// Host and port: `Host` of HTTP/1.1, `:authority` of HTTP/2.
pub(crate) fn host(head: &Parts) -> &str {
    let authority = head.uri.authority().map(http::uri::Authority::as_str);
    authority.or_else(|| head.headers.get(HOST)?.to_str().ok()).unwrap_or("localhost")
}

/// A parameter of the address.
pub(crate) fn query(head: &Parts, name: &str) -> Option<String> {
    let query = head.uri.query()?;
    url::form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}
