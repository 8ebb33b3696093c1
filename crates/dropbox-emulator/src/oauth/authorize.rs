//! `/oauth2/authorize`: an app asks, the person at the page answers, the browser goes back with a code.
//!
//! Refuses to redirect when the app or its address is wrong: the person sees an error page instead.

use http::StatusCode;
use http::header::LOCATION;
use url::Url;

use crate::oauth::codes::{Challenge, Request};
use crate::oauth::{SCOPES, page};
use crate::service::Service;
use crate::wire::answer::{Answer, html, set};

/// Longest `state` that comes back, in bytes.
const STATE_BYTES: usize = 500;

/// `GET`: shows the consent page.
pub(crate) fn ask(service: &Service, query: &str) -> Answer {
    match read(service, query) {
        Err(why) => html(StatusCode::BAD_REQUEST, &page::problem(&why)),
        Ok(request) if service.settings.auto_approve => {
            let account = service.accounts.first().map_or("", |account| account.id.as_str());
            allow(service, &request, account)
        }
        Ok(request) => {
            let ticket = service.questions.keep(request.clone(), service.clock.seconds());
            html(StatusCode::OK, &page::consent(&request, &service.accounts, &ticket))
        }
    }
}

/// `POST`: takes the answer.
pub(crate) fn decide(service: &Service, body: &[u8]) -> Answer {
    let field = |name: &str| {
        url::form_urlencoded::parse(body).find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    };
    let ticket = field("ticket").unwrap_or_default();
    let Some(request) = service.questions.take(&ticket, service.clock.seconds()) else {
        return html(
            StatusCode::BAD_REQUEST,
            &page::problem("This question has been answered or is too old. Go back to the app and connect again."),
        );
    };
    if field("decision").as_deref() != Some("allow") {
        return deny(&request);
    }
    match field("account").and_then(|id| service.account(&id)) {
        Some(account) => allow(service, &request, &account.id),
        None => html(StatusCode::BAD_REQUEST, &page::problem("There is no such account here.")),
    }
}

fn allow(service: &Service, request: &Request, account: &str) -> Answer {
    let code = service.codes.keep((request.clone(), account.to_owned()), service.clock.seconds());
    match &request.redirect_uri {
        Some(uri) => redirect(uri, request, &[("code", &code)]),
        None => html(StatusCode::OK, &page::code(&code)),
    }
}

fn deny(request: &Request) -> Answer {
    let error = [
        ("error", "access_denied"),
        ("error_description", "The user chose not to give your app access to their Dropbox account."),
    ];
    match &request.redirect_uri {
        Some(uri) => redirect(uri, request, &error),
        None => html(StatusCode::OK, &page::problem("Access was denied. You can close this page.")),
    }
}

fn redirect(uri: &str, request: &Request, result: &[(&str, &str)]) -> Answer {
    let Ok(mut target) = Url::parse(uri) else {
        return html(StatusCode::BAD_REQUEST, &page::problem("Invalid redirect_uri"));
    };
    target.query_pairs_mut().extend_pairs(result);
    if let Some(state) = &request.state {
        target.query_pairs_mut().append_pair("state", state);
    }
    let mut answer = html(StatusCode::FOUND, "");
    set(&mut answer, LOCATION, target.as_str());
    answer
}

/// Reads the app's question; the error is for the person at the page.
fn read(service: &Service, query: &str) -> Result<Request, String> {
    let field = |name: &str| {
        let mut pairs = url::form_urlencoded::parse(query.as_bytes());
        pairs.find(|(key, value)| key == name && !value.is_empty()).map(|(_, value)| value.into_owned())
    };
    let client_id = field("client_id").ok_or("Missing client_id")?;
    if !service.knows_app(&client_id, None) {
        return Err(format!("Invalid client_id: there is no app with the key \"{client_id}\"."));
    }
    if field("response_type").as_deref() != Some("code") {
        return Err("Invalid response_type: only \"code\" is possible.".into());
    }
    let redirect_uri = field("redirect_uri");
    if redirect_uri.as_deref().is_some_and(|uri| !may_redirect(uri)) {
        return Err("Invalid redirect_uri: it must be https, or http to localhost.".into());
    }
    let state = field("state");
    if state.as_ref().is_some_and(|state| state.len() > STATE_BYTES) {
        return Err(format!("Invalid state: longer than {STATE_BYTES} bytes."));
    }
    let scopes = match field("scope") {
        None => SCOPES.map(str::to_owned).to_vec(),
        Some(scopes) => scopes.split_whitespace().map(str::to_owned).collect(),
    };
    if let Some(unknown) = scopes.iter().find(|scope| !SCOPES.contains(&scope.as_str())) {
        return Err(format!("Invalid scope: \"{unknown}\"."));
    }
    let offline = match field("token_access_type").as_deref() {
        None | Some("online" | "legacy") => false,
        Some("offline") => true,
        Some(other) => return Err(format!("Invalid token_access_type: \"{other}\".")),
    };
    let challenge = match (field("code_challenge"), field("code_challenge_method").as_deref()) {
        (None, None) => None,
        (Some(challenge), Some("S256")) => Some(Challenge::Sha256(challenge)),
        (Some(challenge), None | Some("plain")) => Some(Challenge::Plain(challenge)),
        _ => return Err("Invalid code_challenge or code_challenge_method.".into()),
    };
    Ok(Request { client_id, redirect_uri, state, scopes, offline, challenge })
}

fn may_redirect(uri: &str) -> bool {
    let Ok(uri) = Url::parse(uri) else { return false };
    match (uri.scheme(), uri.host()) {
        ("https", Some(_)) => true,
        ("http", Some(url::Host::Domain(name))) => name == "localhost" || name.ends_with(".localhost"),
        ("http", Some(url::Host::Ipv4(address))) => address.is_loopback(),
        ("http", Some(url::Host::Ipv6(address))) => address.is_loopback(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(uri: &str, expected: bool) {
        assert_eq!(may_redirect(uri), expected, "{uri}");
    }

    #[test]
    fn browsers_are_sent_to_https_or_this_machine() {
        check("https://app.example.com/cb", true);
        check("http://localhost:8080/cb", true);
        check("http://127.0.0.1:8080/cb", true);
        check("http://[::1]:8080/cb", true);
        check("http://app.example.com/cb", false);
        check("http://localhost.example.com/cb", false);
        check("javascript:alert(1)", false);
        check("/cb", false);
    }
}
