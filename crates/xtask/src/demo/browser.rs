//! The way of a browser, without one: sign in through the consent page, step by step, as a person does.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use ureq::{Agent, Body, http::Response};

const TIMEOUT: Duration = Duration::from_secs(30);
const MAX_PAGE_BYTES: u64 = 1 << 20;

/// Who signed in.
pub(super) struct Person {
    /// Dropbox's account id.
    pub(super) account: String,
    /// The name on the consent page, which is also that of the account's folder.
    pub(super) name: String,
}

/// Signs in at the server as the first account that the practice Dropbox offers.
pub(super) fn sign_in(web: &str) -> Result<Person> {
    let config = Agent::config_builder().max_redirects(0).http_status_as_error(false).timeout_global(Some(TIMEOUT));
    let agent: Agent = config.build().into();
    let login = agent.get(format!("{web}/login")).call().context("the sign-in page")?;
    let cookies = cookies(&login);
    let consent = location(&login, web)?;
    let page = text(agent.get(&consent).call().context("the consent page")?)?;
    let ticket = between(&page, "name=\"ticket\" value=\"", "\"")?;
    let account = between(&page, "name=\"account\" value=\"", "\"")?;
    let name = between(&page, "checked> ", "</label>")?;
    let origin = origin(&consent)?;
    let allowed = agent
        .post(format!("{origin}/oauth2/authorize"))
        .send_form([("ticket", ticket), ("account", account), ("decision", "allow")])
        .context("the answer to the consent page")?;
    let callback = location(&allowed, origin)?;
    ensure!(callback.starts_with(web), "the practice Dropbox sends the browser to {callback}");
    let back = agent.get(&callback).header("cookie", cookies).call().context("the way back")?;
    ensure!(back.status().is_redirection(), "the sign-in was not completed: {}", text(back)?);
    ensure!(!self::cookies(&back).is_empty(), "the sign-in left no session");
    Ok(Person { account: account.to_owned(), name: name.to_owned() })
}

fn text(mut response: Response<Body>) -> Result<String> {
    Ok(response.body_mut().with_config().limit(MAX_PAGE_BYTES).read_to_string()?)
}

/// Where it redirects to; a path is one on `base`.
fn location(response: &Response<Body>, base: &str) -> Result<String> {
    let target =
        response.headers().get("location").with_context(|| format!("no redirect, but {}", response.status()))?;
    let target = target.to_str()?;
    Ok(if target.starts_with('/') { format!("{base}{target}") } else { target.to_owned() })
}

/// The cookies that it sets, as the next request sends them.
fn cookies(response: &Response<Body>) -> String {
    let set = response.headers().get_all("set-cookie").iter().filter_map(|value| value.to_str().ok());
    let kept = set.filter(|cookie| !cookie.contains("Max-Age=0")).filter_map(|cookie| cookie.split(';').next());
    kept.collect::<Vec<_>>().join("; ")
}

/// Scheme and host of a URL.
fn origin(url: &str) -> Result<&str> {
    let host = url.find("://").with_context(|| format!("{url} is no address"))? + 3;
    Ok(url[host..].find('/').map_or(url, |end| &url[..host + end]))
}

fn between<'a>(page: &'a str, start: &str, end: &str) -> Result<&'a str> {
    let found = page.split_once(start).and_then(|(_, rest)| rest.split_once(end));
    found.map(|(found, _)| found).with_context(|| format!("the consent page has no {start}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_cut() {
        assert_eq!(origin("http://127.0.0.1:9/oauth2/authorize?x=/").unwrap(), "http://127.0.0.1:9");
        assert_eq!(origin("http://127.0.0.1:9").unwrap(), "http://127.0.0.1:9");
        assert!(origin("/login").is_err());
        assert_eq!(between("a<b>c", "<", ">").unwrap(), "b");
    }
}
