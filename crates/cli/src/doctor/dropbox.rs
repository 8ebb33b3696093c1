//! The Dropbox app: is there a key, does Dropbox know it, is the redirect one that Dropbox takes?

use std::time::Duration;

use secrecy::ExposeSecret as _;
use sluice_runtime::Settings;
use url::{Host, Url};

use super::check::Check;

const TIMEOUT: Duration = Duration::from_secs(10);
const MAX_ANSWER_BYTES: usize = 16 * 1024;
const APPS: &str = "https://www.dropbox.com/developers/apps";

pub(super) async fn checks(settings: &Settings) -> Vec<Check> {
    if settings.dropbox.app_key.is_empty() {
        return vec![Check::warning(
            "dropbox",
            "no app key: practice mode, files stay on this machine",
            format!("create an app on {APPS} and set dropbox.app_key"),
        )];
    }
    vec![app(settings).await, redirect(settings)]
}

/// Asks the token endpoint with a refresh token that cannot exist: its answer tells whether the app is known.
async fn app(settings: &Settings) -> Check {
    let url = &settings.dropbox.token_url;
    let mut form = vec![
        ("grant_type", "refresh_token"),
        ("refresh_token", "sluice-doctor"),
        ("client_id", settings.dropbox.app_key.as_str()),
    ];
    let secret = settings.dropbox.app_secret();
    if let Some(secret) = &secret {
        form.push(("client_secret", secret.expose_secret()));
    }
    let answer = async {
        let mut client = reqwest::Client::builder().timeout(TIMEOUT);
        if let Some(upstream) = &settings.egress.upstream_proxy {
            client = client.proxy(reqwest::Proxy::https(upstream.to_string())?);
        }
        let client = client.build()?;
        let mut response = client.post(url).form(&form).send().await?;
        let mut text = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            text.extend_from_slice(&chunk);
            if text.len() > MAX_ANSWER_BYTES {
                break;
            }
        }
        Ok::<_, reqwest::Error>(String::from_utf8_lossy(&text).into_owned())
    };
    match answer.await {
        Ok(text) => judge(&text),
        Err(error) => Check::bad(
            "dropbox",
            format!("{url} does not answer: {}", error.without_url()),
            "check this machine's way to the internet, and dropbox.token_url",
        ),
    }
}

fn judge(answer: &str) -> Check {
    if answer.contains("invalid_grant") {
        Check::good("dropbox", "answers and knows the app")
    } else if answer.contains("invalid_client") {
        Check::bad(
            "dropbox",
            "does not know this app",
            format!("compare dropbox.app_key and dropbox.app_secret with {APPS}"),
        )
    } else {
        let start: String = answer.chars().take(120).collect();
        Check::warning(
            "dropbox",
            format!("answers something unexpected: {start}"),
            "check dropbox.token_url; try again later",
        )
    }
}

/// Dropbox sends people back over https only, except to this very machine.
fn redirect(settings: &Settings) -> Check {
    let public = settings.server.public_url(settings.server.bind);
    let redirect = format!("{public}/oauth/callback");
    let local = Url::parse(&public).is_ok_and(|url| match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    });
    if public.starts_with("https://") || local {
        Check::good("redirect", format!("{redirect} (must be listed in the app's settings)"))
    } else {
        Check::bad(
            "redirect",
            format!("{redirect} is neither https nor this machine: Dropbox refuses it"),
            "put a TLS proxy in front and set server.public_url to its https:// address",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::{super::check::Verdict, *};

    #[test]
    fn the_answer_tells_whether_the_app_is_known() {
        let check = |answer: &str, want| assert_eq!(judge(answer).verdict, want, "{answer}");
        check(r#"{"error": "invalid_grant", "error_description": "refresh token is invalid"}"#, Verdict::Good);
        check(r#"{"error": "invalid_client: Invalid client_id or client_secret"}"#, Verdict::Bad);
        check("<html>", Verdict::Warning);
    }

    #[test]
    fn the_redirect_is_https_or_local() {
        let check = |url: &str, want| {
            let mut settings = Settings::load(None).unwrap();
            settings.server.public_url = url.to_owned();
            assert_eq!(redirect(&settings).verdict, want, "{url}");
        };
        check("", Verdict::Good);
        check("http://localhost:8080", Verdict::Good);
        check("http://[::1]:8080", Verdict::Good);
        check("https://sluice.example.org", Verdict::Good);
        check("http://sluice.example.org", Verdict::Bad);
    }
}
