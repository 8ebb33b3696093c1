//! `POST /oauth2/token`: a code or a refresh token becomes an access token.
//!
//! Takes the app's credentials from the form or from HTTP Basic, and fields that come twice.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::request::Parts;
use http::{StatusCode, header};
use serde_json::{Value, json};

use crate::error::Error;
use crate::oauth::codes::Request;
use crate::oauth::grants::ACCESS_SECONDS;
use crate::service::Service;
use crate::wire::answer::{Answer, json as json_answer};

/// Why no token was given.
#[derive(Debug)]
enum Denied {
    Grant(&'static str),
    Client(&'static str),
    Request(String),
    GrantType,
    Broken(Error),
}

impl From<Error> for Denied {
    fn from(error: Error) -> Self {
        Self::Broken(error)
    }
}

/// The form, and the credentials of HTTP Basic as if they were fields of it.
struct Form(Vec<(String, String)>);

impl Form {
    fn read(head: &Parts, body: &[u8]) -> Self {
        let mut fields: Vec<(String, String)> = url::form_urlencoded::parse(body).into_owned().collect();
        let basic =
            head.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Basic "));
        if let Some(pair) = basic.and_then(|basic| String::from_utf8(STANDARD.decode(basic).ok()?).ok())
            && let Some((id, secret)) = pair.split_once(':')
        {
            fields.push(("client_id".into(), id.into()));
            fields.push(("client_secret".into(), secret.into()));
        }
        Self(fields)
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(field, value)| field == name && !value.is_empty()).map(|(_, value)| value.as_str())
    }

    fn need(&self, name: &str) -> Result<&str, Denied> {
        self.get(name).ok_or_else(|| Denied::Request(format!("missing required field \"{name}\"")))
    }
}

pub(crate) fn token(service: &Service, head: &Parts, body: &[u8]) -> Answer {
    let form = Form::read(head, body);
    let given = match form.get("grant_type") {
        Some("authorization_code") => exchange(service, &form),
        Some("refresh_token") => refresh(service, &form),
        Some(_) => Err(Denied::GrantType),
        None => Err(Denied::Request("missing required field \"grant_type\"".into())),
    };
    let (error, why) = match given {
        Ok(answer) => return json_answer(StatusCode::OK, &answer),
        Err(Denied::Grant(why)) => ("invalid_grant", why.to_owned()),
        Err(Denied::Client(why)) => ("invalid_client", why.to_owned()),
        Err(Denied::Request(why)) => ("invalid_request", why),
        Err(Denied::GrantType) => ("unsupported_grant_type", "grant_type is not supported".to_owned()),
        Err(Denied::Broken(error)) => {
            tracing::error!(%error, "The token endpoint failed");
            return json_answer(StatusCode::INTERNAL_SERVER_ERROR, &Value::Null);
        }
    };
    json_answer(StatusCode::BAD_REQUEST, &json!({ "error": error, "error_description": why }))
}

fn exchange(service: &Service, form: &Form) -> Result<Value, Denied> {
    const GONE: Denied = Denied::Grant("code doesn't exist or has expired");
    let now = service.clock.seconds();
    let code = form.need("code")?;
    let client_id = form.need("client_id")?;
    let (request, account) = service.codes.take(code, now).ok_or(GONE)?;
    if request.client_id != client_id {
        return Err(GONE);
    }
    let pkce = prove(service, form, &request)?;
    if request.redirect_uri.as_deref() != form.get("redirect_uri") {
        return Err(Denied::Grant("redirect_uri mismatch"));
    }
    let (grant, token) = service.grants.add(&account, client_id, request.scopes, pkce, request.offline, now)?;
    let mut answer = json!({
        "access_token": token, "token_type": "bearer", "expires_in": ACCESS_SECONDS,
        "scope": grant.scopes.join(" "), "account_id": account,
        "uid": service.account(&account).map_or("0", |account| account.uid.as_str()),
    });
    if let (Some(refresh), Some(answer)) = (grant.refresh_token, answer.as_object_mut()) {
        answer.insert("refresh_token".into(), refresh.into());
    }
    Ok(answer)
}

/// The exchange needs the verifier of a PKCE request, or the app's secret. Returns whether it was PKCE.
fn prove(service: &Service, form: &Form, request: &Request) -> Result<bool, Denied> {
    match (&request.challenge, form.get("code_verifier")) {
        (Some(challenge), Some(verifier)) if challenge.is_met(verifier) => Ok(true),
        (Some(_), Some(_)) => Err(Denied::Grant("invalid code verifier")),
        (Some(_), None) => Err(Denied::Request("missing required field \"code_verifier\"".into())),
        (None, Some(_)) => Err(Denied::Request("code was not issued for a code_verifier".into())),
        (None, None) => secret(service, form, &request.client_id).map(|()| false),
    }
}

fn refresh(service: &Service, form: &Form) -> Result<Value, Denied> {
    const REVOKED: Denied = Denied::Grant("refresh token is invalid or revoked");
    let token = form.need("refresh_token")?;
    let client_id = form.need("client_id")?;
    let grant = service.grants.by_refresh_token(token).ok_or(REVOKED)?;
    if grant.client_id != client_id {
        return Err(REVOKED);
    }
    if !grant.pkce {
        secret(service, form, client_id)?;
    }
    let scopes = match form.get("scope") {
        None => grant.scopes,
        Some(wanted) => {
            let wanted: Vec<String> = wanted.split_whitespace().map(str::to_owned).collect();
            if wanted.iter().any(|scope| !grant.scopes.contains(scope)) {
                return Err(Denied::Request("scope exceeds what was granted".into()));
            }
            wanted
        }
    };
    let access = service.grants.refresh(token, scopes, service.clock.seconds())?.ok_or(REVOKED)?;
    Ok(json!({ "access_token": access, "token_type": "bearer", "expires_in": ACCESS_SECONDS }))
}

fn secret(service: &Service, form: &Form, client_id: &str) -> Result<(), Denied> {
    let given = form.get("client_secret").ok_or(Denied::Client("client_secret is required"))?;
    if service.knows_app(client_id, Some(given)) {
        Ok(())
    } else {
        Err(Denied::Client("Invalid client_id or client_secret"))
    }
}
