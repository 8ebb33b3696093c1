//! Sign-in as a browser and an app see it: the page, the redirect, the exchange, the refresh, and each way to fail.

use anyhow::{Context, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::Url;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::practice::{Practice, Reply, send};

const BACK: &str = "http://127.0.0.1:9/oauth/callback";
const VERIFIER: &str = "a-verifier-of-at-least-forty-three-characters-0123456789";

/// Asks for consent and answers it; returns what the browser is told.
async fn consent(practice: &Practice, query: &[(&str, &str)], account: &str, decision: &str) -> Result<Reply> {
    let page = send(practice.client.get(practice.url("/oauth2/authorize")).query(query)).await?;
    ensure!(page.status == 200, "{}", page.said());
    let html = page.text();
    ensure!(html.contains("practice stand-in") && html.contains("Allow") && html.contains("Deny"));
    let ticket =
        html.split("name=\"ticket\" value=\"").nth(1).and_then(|rest| rest.split('"').next()).context("no ticket")?;
    let form = [("ticket", ticket), ("account", account), ("decision", decision)];
    send(practice.client.post(practice.url("/oauth2/authorize")).form(&form)).await
}

fn target(reply: &Reply) -> Result<(String, Vec<(String, String)>)> {
    ensure!(reply.status == 302, "{}", reply.said());
    let url = Url::parse(reply.header("location"))?;
    let pairs = url.query_pairs().into_owned().collect();
    let mut address = url.clone();
    address.set_query(None);
    Ok((address.into(), pairs))
}

async fn token(practice: &Practice, form: &[(&str, &str)]) -> Result<Reply> {
    send(practice.client.post(practice.url("/oauth2/token")).form(form)).await
}

fn pkce() -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(VERIFIER))
}

#[tokio::test]
async fn code_with_pkce_then_refresh_then_revoke() -> Result<()> {
    let practice = Practice::start().await?;
    let challenge = pkce();
    let query = [
        ("response_type", "code"),
        ("client_id", "K"),
        ("redirect_uri", BACK),
        ("state", "s t&ate"),
        ("token_access_type", "offline"),
        ("code_challenge", challenge.as_str()),
        ("code_challenge_method", "S256"),
        ("scope", "account_info.read files.content.write"),
    ];
    let (address, pairs) = target(&consent(&practice, &query, &practice.account, "allow").await?)?;
    ensure!(
        address == BACK && pairs.len() == 2 && pairs[1] == ("state".into(), "s t&ate".into()),
        "{address} {pairs:?}"
    );
    let code = pairs[0].1.as_str();
    // The Rust SDK sends the verifier twice.
    let exchange = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", BACK),
        ("client_id", "K"),
        ("code_verifier", VERIFIER),
        ("code_verifier", VERIFIER),
    ];
    let granted = token(&practice, &exchange).await?;
    ensure!(granted.status == 200 && granted.header("content-type") == "application/json", "{}", granted.said());
    let granted = granted.json()?;
    ensure!(
        granted["expires_in"] == 14400 && granted["token_type"] == "bearer" && granted["uid"].is_string(),
        "{granted}"
    );
    ensure!(
        granted["account_id"] == practice.account.as_str()
            && granted["scope"] == "account_info.read files.content.write"
    );
    let again = token(&practice, &exchange).await?;
    ensure!(
        again.said() == r#"400 {"error":"invalid_grant","error_description":"code doesn't exist or has expired"}"#,
        "{}",
        again.said()
    );
    let refresh = granted["refresh_token"].as_str().context("no refresh token")?;
    let refreshing = [("grant_type", "refresh_token"), ("refresh_token", refresh), ("client_id", "K")];
    let fresh = token(&practice, &refreshing).await?.json()?;
    ensure!(fresh.get("refresh_token").is_none() && fresh["expires_in"] == 14400, "{fresh}");
    let call = |route: &str, token: &Value| {
        let request = practice.client.post(practice.url(&format!("/2/{route}"))).json(&Value::Null);
        send(request.bearer_auth(token.as_str().unwrap_or_default()))
    };
    for token in [&granted["access_token"], &fresh["access_token"]] {
        ensure!(call("users/get_current_account", token).await?.is_ok());
    }
    ensure!(call("auth/token/revoke", &fresh["access_token"]).await?.said() == "200 null");
    ensure!(call("users/get_current_account", &granted["access_token"]).await?.status == 401);
    let dead = token(&practice, &refreshing).await?.said();
    ensure!(
        dead == r#"400 {"error":"invalid_grant","error_description":"refresh token is invalid or revoked"}"#,
        "{dead}"
    );
    Ok(())
}

#[tokio::test]
async fn denying_goes_back_with_an_error() -> Result<()> {
    let practice = Practice::start().await?;
    let query = [("response_type", "code"), ("client_id", "K"), ("redirect_uri", BACK), ("state", "s")];
    let (address, pairs) = target(&consent(&practice, &query, &practice.account, "deny").await?)?;
    ensure!(address == BACK && pairs[0] == ("error".into(), "access_denied".into()), "{pairs:?}");
    ensure!(pairs.last() == Some(&("state".into(), "s".into())));
    Ok(())
}

#[tokio::test]
async fn wrong_questions_get_a_page_and_no_redirect() -> Result<()> {
    let practice = Practice::with(&["--app-key", "K:S"]).await?;
    let check = async |query: &[(&str, &str)], expected: &str| {
        let page = send(practice.client.get(practice.url("/1/oauth2/authorize")).query(query)).await?;
        ensure!(page.status == 400 && page.text().contains(expected), "{query:?}: {}", page.said());
        ensure!(page.header("location").is_empty());
        anyhow::Ok(())
    };
    check(&[("response_type", "code")], "client_id").await?;
    check(&[("response_type", "code"), ("client_id", "<b>")], "&lt;b&gt;").await?;
    check(&[("response_type", "token"), ("client_id", "K")], "response_type").await?;
    check(&[("response_type", "code"), ("client_id", "K"), ("redirect_uri", "http://example.com/")], "redirect_uri")
        .await?;
    check(&[("response_type", "code"), ("client_id", "K"), ("scope", "everything")], "scope").await?;
    check(&[("response_type", "code"), ("client_id", "K"), ("state", &"s".repeat(501))], "state").await
}

#[tokio::test]
async fn a_code_to_copy_is_exchanged_with_the_secret() -> Result<()> {
    let practice = Practice::with(&["--app-key", "K:S"]).await?;
    let code = async || {
        let page =
            consent(&practice, &[("response_type", "code"), ("client_id", "K")], &practice.account, "allow").await?;
        let html = page.text();
        html.split("id=\"code\">").nth(1).and_then(|rest| rest.split('<').next()).map(str::to_owned).context("no code")
    };
    let said = async |form: &[(&str, &str)]| anyhow::Ok(token(&practice, form).await?.said());
    let first = code().await?;
    let wrong =
        said(&[("grant_type", "authorization_code"), ("code", &first), ("client_id", "K"), ("client_secret", "x")])
            .await?;
    ensure!(wrong.starts_with(r#"400 {"error":"invalid_client""#), "{wrong}");
    let second = code().await?;
    // As rclone does it: the credentials in HTTP Basic, at the old address.
    let request = practice.client.post(practice.url("/1/oauth2/token")).basic_auth("K", Some("S"));
    let granted = send(request.form(&[("grant_type", "authorization_code"), ("code", &second)])).await?;
    ensure!(granted.status == 200 && granted.json()?.get("refresh_token").is_none(), "{}", granted.said());
    let unsupported = said(&[("grant_type", "password"), ("client_id", "K")]).await?;
    ensure!(unsupported.starts_with(r#"400 {"error":"unsupported_grant_type""#), "{unsupported}");
    let incomplete = said(&[("grant_type", "refresh_token"), ("client_id", "K")]).await?;
    ensure!(incomplete.starts_with(r#"400 {"error":"invalid_request""#), "{incomplete}");
    Ok(())
}

#[tokio::test]
async fn a_wrong_verifier_gets_nothing() -> Result<()> {
    let practice = Practice::start().await?;
    let challenge = pkce();
    let query = [
        ("response_type", "code"),
        ("client_id", "K"),
        ("redirect_uri", BACK),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
    ];
    let (_, pairs) = target(&consent(&practice, &query, &practice.account, "allow").await?)?;
    let form = [
        ("grant_type", "authorization_code"),
        ("code", &pairs[0].1),
        ("redirect_uri", BACK),
        ("client_id", "K"),
        ("code_verifier", "wrong"),
    ];
    let said = token(&practice, &form).await?.said();
    ensure!(said.starts_with(r#"400 {"error":"invalid_grant""#), "{said}");
    Ok(())
}

#[tokio::test]
async fn auto_approval_asks_nobody() -> Result<()> {
    let practice = Practice::with(&["--auto-approve"]).await?;
    let query = [("response_type", "code"), ("client_id", "K"), ("redirect_uri", BACK), ("state", "s")];
    let (address, pairs) = target(&send(practice.client.get(practice.url("/oauth2/authorize")).query(&query)).await?)?;
    ensure!(address == BACK && pairs[0].0 == "code", "{pairs:?}");
    Ok(())
}

#[tokio::test]
async fn the_token_endpoint_fails_on_request() -> Result<()> {
    let practice = Practice::start().await?;
    practice.fault("oauth2/token", json!({"kind": "status", "code": 503})).await?;
    let form = [
        ("grant_type", "refresh_token"),
        ("refresh_token", practice.refresh_token.as_str()),
        ("client_id", "conformance"),
    ];
    ensure!(token(&practice, &form).await?.status == 503);
    ensure!(token(&practice, &form).await?.status == 200);
    Ok(())
}
