//! HTTP: the reqwest clients, the addresses, and answers read with a bound. It judges nothing.
//!
//! HTTP/2 where TLS agrees on it, HTTP/1.1 on plain connections. HTTP/2 matters for large bodies: on HTTP/1.1 an answer that comes before
//! the body was read (a 401, a 429) is mostly lost with the connection.

use std::{error::Error, future::Future, sync::OnceLock, time::Duration};

use http::HeaderMap;
use reqwest::{Certificate, Client, Proxy, RequestBuilder, redirect::Policy};
use url::Url;

use crate::{DropboxConfig, DropboxError, Tuning};

/// The longest answer that is read, in bytes. The largest expected one (metadata) has a few kilobytes.
const LONGEST_ANSWER: usize = 256 * 1024;
/// A `Retry-After` beyond this is not believed.
const LONGEST_RETRY_AFTER: u64 = 24 * 3600;

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// From the header; never zero.
    pub(crate) retry_after: Option<Duration>,
    /// Dropbox's support asks for it.
    pub(crate) request_id: Option<String>,
    pub(crate) body: Vec<u8>,
}

/// Nothing usable came back.
#[derive(Debug, thiserror::Error)]
#[error("{why}")]
pub(crate) struct Cut {
    /// Certain that Dropbox never saw the request.
    pub(crate) unsent: bool,
    pub(crate) why: String,
}

/// The connection to Dropbox.
#[derive(Debug)]
pub(crate) struct Wire {
    /// For everything but what is said to go beside it.
    first: Client,
    /// Over HTTP/2 a client puts all its calls on one connection, and on a long way a connection is slow: appends that are made side by
    /// side get one each. Made when they are needed.
    others: Vec<OnceLock<Client>>,
    tuning: Tuning,
    secure: bool,
    proxy: Option<String>,
    api: String,
    content: String,
    pub(crate) token_url: Url,
    pub(crate) authorize_url: Url,
}

impl Wire {
    pub(crate) fn new(config: &DropboxConfig, tuning: &Tuning) -> Result<Self, DropboxError> {
        let api = address("api_url", &config.api_url)?;
        let content = address("content_url", &config.content_url)?;
        let token_url = address("token_url", &config.token_url)?;
        let secure = [&api, &content, &token_url].iter().any(|url| url.scheme() == "https");
        let base = |url: &Url| url.as_str().trim_end_matches('/').to_owned();
        Ok(Self {
            first: http_client(tuning, secure, config.proxy.as_deref())?,
            others: (1..tuning.most_lanes).map(|_| OnceLock::new()).collect(),
            tuning: tuning.clone(),
            secure,
            proxy: config.proxy.clone(),
            api: base(&api),
            content: base(&content),
            token_url,
            authorize_url: address("authorize_url", &config.authorize_url)?,
        })
    }

    /// A POST to what the SDK calls by its public address, over this line.
    pub(crate) fn post(&self, sdk_url: &str, line: usize) -> RequestBuilder {
        let rewritten = [("https://api.dropboxapi.com", &self.api), ("https://content.dropboxapi.com", &self.content)]
            .into_iter()
            .find_map(|(public, ours)| sdk_url.strip_prefix(public).map(|rest| format!("{ours}{rest}")));
        self.line(line).post(rewritten.as_deref().unwrap_or(sdk_url))
    }

    fn line(&self, line: usize) -> &Client {
        let Some(other) = line.checked_sub(1).and_then(|line| self.others.get(line)) else { return &self.first };
        let make = || http_client(&self.tuning, self.secure, self.proxy.as_deref());
        other.get_or_init(|| make().unwrap_or_else(|_| self.first.clone()))
    }

    /// A POST to the token endpoint.
    pub(crate) fn post_token(&self) -> RequestBuilder {
        self.line(0).post(self.token_url.clone())
    }
}

/// Sends and reads the answer, until `patience` ends.
pub(crate) async fn send(request: RequestBuilder, patience: impl Future<Output = ()>) -> Result<Answer, Cut> {
    let exchange = async {
        let response = request.send().await.map_err(|error| cut(&error))?;
        let header = |name: &str| header(response.headers(), name);
        let (status, request_id) = (response.status().as_u16(), header("x-dropbox-request-id"));
        let retry_after = header("retry-after").and_then(|text| text.trim().parse().ok()).and_then(wait);
        Ok(Answer { status, retry_after, request_id, body: read_capped(response).await? })
    };
    tokio::select! {
        answer = exchange => answer,
        () = patience => Err(Cut { unsent: false, why: "no answer in time".into() }),
    }
}

/// Seconds as Dropbox gives them; zero means nothing.
pub(crate) fn wait(seconds: u64) -> Option<Duration> {
    (seconds > 0).then(|| Duration::from_secs(seconds.min(LONGEST_RETRY_AFTER)))
}

async fn read_capped(mut response: reqwest::Response) -> Result<Vec<u8>, Cut> {
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(|error| cut(&error))? {
        if body.len() + piece.len() > LONGEST_ANSWER {
            return Err(Cut { unsent: false, why: format!("the answer is longer than {LONGEST_ANSWER} bytes") });
        }
        body.extend_from_slice(&piece);
    }
    Ok(body)
}

fn header(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(|text| text.chars().take(100).collect())
}

/// The whole chain of causes: "error sending request" alone tells nothing.
fn cut(error: &reqwest::Error) -> Cut {
    let mut why = String::from("connection");
    let mut cause = error.source();
    while let Some(error) = cause {
        why = format!("{why}: {error}");
        cause = error.source();
    }
    Cut { unsent: error.is_connect() || error.is_builder(), why }
}

fn address(setting: &'static str, text: &str) -> Result<Url, DropboxError> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    url.ok_or(DropboxError::Address { setting })
}

fn http_client(tuning: &Tuning, secure: bool, proxy: Option<&str>) -> Result<Client, DropboxError> {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // Somebody else may be first: then theirs is used.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
    let mut builder = Client::builder()
        .redirect(Policy::none())
        .connect_timeout(tuning.connect_timeout)
        .pool_idle_timeout(Duration::from_secs(60))
        .tcp_nodelay(true)
        .tcp_keepalive(Duration::from_secs(30))
        .http2_keep_alive_interval(Duration::from_secs(20))
        .http2_keep_alive_timeout(Duration::from_secs(20));
    builder = match proxy {
        Some(proxy) => builder.proxy(Proxy::https(proxy).map_err(DropboxError::Http)?),
        None => builder.no_proxy(),
    };
    builder = match &tuning.extra_roots_pem {
        Some(pem) => builder.tls_certs_merge(Certificate::from_pem_bundle(pem).map_err(DropboxError::Certificate)?),
        // A system without certificates is no obstacle where none is needed.
        None if !secure => builder.tls_certs_only([]),
        None => builder,
    };
    builder.build().map_err(DropboxError::Http)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_host_is_rewritten() {
        let config = DropboxConfig {
            api_url: "http://127.0.0.1:1/".into(),
            content_url: "http://127.0.0.1:2/base".into(),
            token_url: "http://127.0.0.1:1/oauth2/token".into(),
            ..DropboxConfig::default()
        };
        let wire = Wire::new(&config, &Tuning::default()).unwrap();
        let check = |sdk: &str, want: &str| assert_eq!(wire.post(sdk, 0).build().unwrap().url().as_str(), want);
        check("https://api.dropboxapi.com/2/files/get_metadata", "http://127.0.0.1:1/2/files/get_metadata");
        check("https://content.dropboxapi.com/2/files/upload", "http://127.0.0.1:2/base/2/files/upload");
    }

    #[test]
    fn wrong_addresses_are_named() {
        for wrong in ["", "127.0.0.1:8080", "ftp://a/"] {
            let config = DropboxConfig { content_url: wrong.into(), ..DropboxConfig::default() };
            let error = Wire::new(&config, &Tuning::default()).unwrap_err();
            assert!(matches!(error, DropboxError::Address { setting: "content_url" }), "{error}");
        }
    }
}
