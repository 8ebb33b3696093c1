//! Signing in: authorization code with PKCE, offline refresh token.
//!
//! The token endpoint is called directly: the SDK's own call drops the account id and the scopes and logs whole token answers.
//! Source: RFC 6749, RFC 7636; Dropbox, "OAuth guide".

use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use rand::CryptoRng;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use sluice_domain::{AccountId, Failure, FailureKind};
use url::Url;

use crate::{
    answer::{CallError, Trouble, disconnected},
    wire::{self, Answer, Wire},
};

/// What is asked for, and why: who you are and how much space is free; whether a file is there; to write files.
/// Reading the content of files is not asked for.
pub const SCOPES: &str = "account_info.read files.metadata.read files.content.write";

/// When the answer does not say how long a token is good, it is taken for this.
const USUAL_LIFE: Duration = Duration::from_secs(3600);

/// A one-time secret that ties the code to whoever asked for it.
#[derive(Debug)]
pub struct Pkce {
    /// Kept until the exchange.
    pub verifier: SecretString,
    /// Goes to the consent page: the SHA-256 of the verifier.
    pub challenge: String,
}

impl Pkce {
    /// From a cryptographic source of chance.
    #[must_use]
    pub fn new(rng: &mut impl CryptoRng) -> Self {
        let mut bytes = [0; 48];
        rng.fill_bytes(&mut bytes);
        let verifier = URL_SAFE_NO_PAD.encode(bytes);
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(&verifier));
        Self { verifier: verifier.into(), challenge }
    }
}

/// What a person has granted.
#[derive(Debug)]
pub struct Grant {
    /// Whose account.
    pub account: AccountId,
    /// Good until revoked.
    pub refresh_token: SecretString,
    /// What is allowed.
    pub scopes: Vec<String>,
}

/// The answer of the token endpoint.
#[derive(Deserialize)]
pub(crate) struct TokenAnswer {
    pub(crate) access_token: String,
    expires_in: Option<u64>,
    refresh_token: Option<String>,
    #[serde(default)]
    scope: String,
    account_id: Option<AccountId>,
}

impl TokenAnswer {
    /// How long the access token is good.
    pub(crate) fn life(&self) -> Duration {
        self.expires_in.map_or(USUAL_LIFE, Duration::from_secs)
    }

    pub(crate) fn grant(&self) -> Result<Grant, Failure> {
        let missing = |what: &str| Failure::internal(format!("the token answer has no {what}"));
        Ok(Grant {
            account: self.account_id.clone().ok_or_else(|| missing("account_id"))?,
            refresh_token: self.refresh_token.clone().ok_or_else(|| missing("refresh_token"))?.into(),
            scopes: self.scope.split_whitespace().map(str::to_owned).collect(),
        })
    }
}

#[derive(Deserialize, Default)]
struct TokenError {
    #[serde(default)]
    error: String,
    #[serde(default)]
    error_description: String,
}

/// The consent page for this sign-in.
pub(crate) fn authorize_url(page: &Url, app_key: &str, state: &str, challenge: &str, redirect_uri: &str) -> Url {
    let mut url = page.clone();
    url.query_pairs_mut()
        .append_pair("response_type", "code")
        .append_pair("client_id", app_key)
        .append_pair("redirect_uri", redirect_uri)
        .append_pair("state", state)
        .append_pair("token_access_type", "offline")
        .append_pair("scope", SCOPES)
        .append_pair("code_challenge", challenge)
        .append_pair("code_challenge_method", "S256");
    url
}

/// The form that turns a code into tokens. PKCE stands in for the app secret.
pub(crate) fn exchange_form<'a>(
    app_key: &'a str,
    code: &'a str,
    verifier: &'a SecretString,
    redirect_uri: &'a str,
) -> Vec<(&'static str, &'a str)> {
    vec![
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", redirect_uri),
        ("client_id", app_key),
        ("code_verifier", verifier.expose_secret()),
    ]
}

/// The form that turns a refresh token into an access token.
pub(crate) fn refresh_form<'a>(
    app_key: &'a str,
    app_secret: Option<&'a SecretString>,
    refresh_token: &'a SecretString,
) -> Vec<(&'static str, &'a str)> {
    let mut form =
        vec![("grant_type", "refresh_token"), ("refresh_token", refresh_token.expose_secret()), ("client_id", app_key)];
    form.extend(app_secret.map(|secret| ("client_secret", secret.expose_secret())));
    form
}

/// Calls the token endpoint once.
pub(crate) async fn call(
    wire: &Wire,
    form: &[(&'static str, &str)],
    timeout: Duration,
) -> Result<TokenAnswer, CallError<()>> {
    let answer = wire::send(wire.post_token().form(form), tokio::time::sleep(timeout)).await.map_err(|cut| {
        let why = format!("oauth2/token: {}", cut.why);
        CallError::Trouble(if cut.unsent { Trouble::Unreachable(why) } else { Trouble::Lost(why) })
    })?;
    match answer.status {
        // What cannot be read is not told: it may hold tokens.
        200 => serde_json::from_slice(&answer.body)
            .map_err(|_| CallError::Trouble(Trouble::Lost("oauth2/token: the answer cannot be read".into()))),
        _ => Err(judge(&answer)),
    }
}

fn judge(answer: &Answer) -> CallError<()> {
    let said: TokenError = serde_json::from_slice(&answer.body).unwrap_or_default();
    let id = answer.request_id.as_deref().unwrap_or("none");
    let status = answer.status;
    let detail = format!("oauth2/token: HTTP {status} {}: {} (request {id})", said.error, said.error_description);
    match status {
        // Only this one says that the person must connect again. An outage never does.
        400 | 401 if said.error == "invalid_grant" => CallError::Failed(disconnected(&detail)),
        429 => CallError::Trouble(Trouble::Busy(answer.retry_after)),
        408 | 500..600 => CallError::Trouble(Trouble::Lost(detail)),
        _ => CallError::Failed(
            Failure::new(FailureKind::Internal, detail)
                .permanent()
                .explained("Dropbox does not accept this server's app key. Tell whoever runs this server."),
        ),
    }
}

#[cfg(test)]
mod tests {
    use rand::{SeedableRng, rngs::StdRng};

    use super::*;

    #[test]
    fn the_challenge_is_the_hash_of_the_verifier() {
        let pkce = Pkce::new(&mut StdRng::seed_from_u64(7));
        let verifier = pkce.verifier.expose_secret();
        assert!((43..=128).contains(&verifier.len()));
        assert!(verifier.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._~-".contains(&byte)));
        assert_eq!(pkce.challenge, URL_SAFE_NO_PAD.encode(Sha256::digest(verifier)));
        assert!(!format!("{pkce:?}").contains(verifier));
    }

    #[test]
    fn the_consent_page_gets_everything() {
        let page = Url::parse("https://www.dropbox.com/oauth2/authorize").unwrap();
        let url = authorize_url(&page, "key", "s&t", "ch", "http://127.0.0.1:8080/oauth/callback");
        let got: Vec<_> = url.query_pairs().map(|(key, value)| format!("{key}={value}")).collect();
        assert_eq!(
            got,
            [
                "response_type=code",
                "client_id=key",
                "redirect_uri=http://127.0.0.1:8080/oauth/callback",
                "state=s&t",
                "token_access_type=offline",
                "scope=account_info.read files.metadata.read files.content.write",
                "code_challenge=ch",
                "code_challenge_method=S256",
            ]
        );
    }

    #[track_caller]
    fn check(status: u16, body: &str, want: fn(&CallError<()>) -> bool) {
        let answer = Answer { status, retry_after: None, request_id: None, body: body.into() };
        let got = judge(&answer);
        assert!(want(&got), "{status} {body}: {got:?}");
    }

    #[test]
    fn only_invalid_grant_disconnects() {
        let disconnects = |error: &CallError<()>| matches!(error, CallError::Failed(failure) if failure.kind == FailureKind::DropboxDisconnected);
        let ours = |error: &CallError<()>| matches!(error, CallError::Failed(failure) if failure.kind == FailureKind::Internal && !failure.is_transient());
        let passes = |error: &CallError<()>| matches!(error, CallError::Trouble(_));
        check(
            400,
            r#"{"error":"invalid_grant","error_description":"refresh token is invalid or revoked"}"#,
            disconnects,
        );
        check(400, r#"{"error":"invalid_client","error_description":"x"}"#, ours);
        check(400, r#"{"error":"invalid_client: Invalid client_id or client_secret"}"#, ours);
        check(400, r#"{"error":"unsupported_grant_type"}"#, ours);
        check(400, "<html>", ours);
        check(429, "slow down", passes);
        check(503, "", passes);
        check(500, r#"{"error":"invalid_grant"}"#, passes);
    }
}
