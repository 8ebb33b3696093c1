//! A person with a Dropbox: signs in through the consent page like everybody, then uses the API.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use reqwest::{Client, Response, header};

use crate::{api::Api, http::body};

/// The emulator's first account.
pub const ADA: &str = "Ada Example";
/// The emulator's second account.
pub const BEN: &str = "Ben Example";

const PAGE: usize = 1 << 20;

/// Somebody who is signed in.
#[derive(Debug, Clone)]
pub struct Person {
    /// Dropbox's id of the account.
    pub account: String,
    /// The `Cookie` header of their browser.
    pub cookie: String,
    /// Their way into the API.
    pub api: Api,
    /// Where the files of their account lie.
    pub files: PathBuf,
}

/// What a sign-in leaves in the browser.
pub(crate) struct SignedIn {
    pub(crate) account: String,
    pub(crate) cookie: String,
}

/// Follows the way of a browser, which must trust Dropbox's certificate: login, consent of the account called `name`, and back.
pub(crate) async fn sign_in(client: &Client, web: &str, name: &str) -> Result<SignedIn> {
    let way = way_back(client, web, name, "").await?;
    let cookie = go_back(client, &way).await?;
    Ok(SignedIn { account: way.account, cookie })
}

/// The same for a browser that has these cookies already; those that it has afterwards.
pub async fn sign_in_with(client: &Client, web: &str, name: &str, cookies: &str) -> Result<String> {
    go_back(client, &way_back(client, web, name, cookies).await?).await
}

/// The same up to the consent: the address of the way back, which is not gone, and the cookies of the browser that would go it.
pub async fn begin_sign_in(client: &Client, web: &str, name: &str, cookies: &str) -> Result<(String, String)> {
    let way = way_back(client, web, name, cookies).await?;
    Ok((way.address, way.cookies))
}

/// The way back from Dropbox.
struct WayBack {
    account: String,
    address: String,
    cookies: String,
}

async fn go_back(client: &Client, way: &WayBack) -> Result<String> {
    let back = client.get(&way.address).header(header::COOKIE, &way.cookies).send().await?;
    ensure!(back.status().is_redirection(), "the callback answered {}: {}", back.status(), text(back).await?);
    let fresh = self::cookies(&back);
    ensure!(!fresh.is_empty(), "the callback set no cookie");
    Ok(fresh)
}

async fn way_back(client: &Client, web: &str, name: &str, before: &str) -> Result<WayBack> {
    let login = client.get(format!("{web}/login")).header(header::COOKIE, before).send().await?;
    let cookies =
        [before, &cookies(&login)].into_iter().filter(|cookie| !cookie.is_empty()).collect::<Vec<_>>().join("; ");
    let (consent, address) = page(client, &location(&login)?).await?;
    let ticket = between(&consent, "name=\"ticket\" value=\"", "\"")?;
    let (before, _) = consent.split_once(&format!("> {name}<")).with_context(|| format!("no account {name}"))?;
    let account = before.rsplit_once("value=\"").map(|(_, rest)| rest.split('"').next().unwrap_or_default());
    let account = account.context("no account id on the consent page")?.to_owned();
    let action = reqwest::Url::parse(&address)?.join("/oauth2/authorize")?;
    let form = [("ticket", ticket.as_str()), ("account", &account), ("decision", "allow")];
    let allowed = client.post(action).form(&form).send().await?;
    Ok(WayBack { account, address: location(&allowed)?, cookies })
}

async fn page(client: &Client, address: &str) -> Result<(String, String)> {
    let response = client.get(address).send().await?;
    ensure!(response.status().is_success(), "{address}: {}", response.status());
    Ok((text(response).await?, address.to_owned()))
}

async fn text(response: Response) -> Result<String> {
    Ok(String::from_utf8_lossy(&body(response, PAGE).await?).into_owned())
}

fn location(response: &Response) -> Result<String> {
    let target = response.headers().get(header::LOCATION).with_context(|| format!("no redirect: {response:?}"))?;
    Ok(response.url().join(target.to_str()?)?.into())
}

/// The cookies that a response sets, as the next request sends them; those that it deletes are left out.
fn cookies(response: &Response) -> String {
    let set = response.headers().get_all(header::SET_COOKIE).iter().filter_map(|value| value.to_str().ok());
    let kept = set.filter(|cookie| !cookie.contains("Max-Age=0")).filter_map(|cookie| cookie.split(';').next());
    kept.collect::<Vec<_>>().join("; ")
}

fn between(text: &str, start: &str, end: &str) -> Result<String> {
    let found = text.split_once(start).and_then(|(_, rest)| rest.split_once(end));
    found.map(|(found, _)| found.to_owned()).with_context(|| format!("no {start} on the page"))
}
