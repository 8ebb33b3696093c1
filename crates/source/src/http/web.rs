//! The client, its bounds, and one GET.

use std::{sync::Arc, time::Duration};

use http::{
    HeaderMap, HeaderValue, StatusCode,
    header::{ACCEPT_ENCODING, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, COOKIE, IF_RANGE, LOCATION, RANGE},
};
use reqwest::Response;
use sluice_domain::ByteSize;
use sluice_egress::{Egress, Guarded, NoRequest, READ_BYTES};
use sluice_transfer::FairBudget;
use tokio::time::timeout;
use url::Url;

use super::{
    lanes,
    target::{Target, is_web},
    trouble::{Trouble, host},
};
use crate::SourceError;

const MAX_REDIRECTS: usize = 5;

/// How long things may take. Tests are less patient.
#[derive(Debug, Clone)]
pub(super) struct Tuning {
    /// Until the headers of an answer are there.
    pub(super) headers: Duration,
    /// Without a byte, while somebody waits for one.
    pub(super) stall: Duration,
    /// Before the second try; it doubles from there.
    pub(super) first_pause: Duration,
    /// How long throughput is measured before something is made of it.
    pub(super) window: Duration,
    /// A longer rest is worth a second connection, in bytes.
    pub(super) worth_splitting: u64,
    /// The bounds of a segment, in bytes. All segments of a stream together are at most four times the second.
    pub(super) segment: (u64, u64),
    /// What is read from a connection at once, in bytes.
    pub(super) read: usize,
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            headers: Duration::from_secs(30),
            stall: Duration::from_secs(20),
            first_pause: Duration::from_millis(200),
            window: Duration::from_millis(500),
            worth_splitting: 8 * 1024 * 1024,
            segment: (1024 * 1024, 4 * 1024 * 1024),
            read: READ_BYTES,
        }
    }
}

/// One process's way to the web. Clones share the connections, and what may be fetched ahead.
#[derive(Debug, Clone)]
pub(crate) struct Web(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    client: Guarded,
    ahead: FairBudget,
    tuning: Tuning,
}

/// What a GET asks for.
#[derive(Debug, Clone, Default)]
pub(super) struct Ask {
    /// From this byte to that one, inclusive, or to the end.
    pub(super) range: Option<(u64, Option<u64>)>,
    pub(super) if_range: Option<HeaderValue>,
}

impl Web {
    /// One that dials what `egress` lets it dial. `ahead` is what all its streams together may fetch before its turn, over connections
    /// beyond their first; `read` what is read from a connection at once, in bytes.
    pub(crate) fn new(egress: Egress, ahead: ByteSize, read: usize) -> Result<Self, SourceError> {
        Self::tuned(egress, ahead, Tuning { read, ..Tuning::default() })
    }

    pub(super) fn tuned(egress: Egress, ahead: ByteSize, tuning: Tuning) -> Result<Self, SourceError> {
        let client = Guarded::reading(egress, tuning.read).map_err(|error| SourceError::Web(error.to_string()))?;
        Ok(Self(Arc::new(Inner { client, ahead: FairBudget::new(lanes::units(ahead.0)), tuning })))
    }

    pub(super) fn tuning(&self) -> &Tuning {
        &self.0.tuning
    }

    /// For bytes that come before their turn, in [`lanes::units`].
    pub(super) fn ahead(&self) -> &FairBudget {
        &self.0.ahead
    }

    /// One GET of `url`, through redirects, to an answer of 200, 206 or 416; the headers are there within `patience`. `home` is the address that
    /// the format was given with.
    pub(super) async fn get(
        &self,
        home: &Url,
        url: &Url,
        target: &Target,
        ask: &Ask,
        was_good: bool,
        patience: Duration,
    ) -> Result<Response, Trouble> {
        let exchange = timeout(patience, self.follow(home, url, target, ask, was_good)).await;
        exchange.unwrap_or_else(|_| Err(Trouble::broken(format!("{}: no answer in time", host(url)))))
    }

    async fn follow(
        &self,
        home: &Url,
        url: &Url,
        target: &Target,
        ask: &Ask,
        was_good: bool,
    ) -> Result<Response, Trouble> {
        let mut at = url.clone();
        for _ in 0..=MAX_REDIRECTS {
            let unanswered = |error: NoRequest| Trouble::unanswered(&at, &error);
            let request = self.0.client.get(at.clone()).map_err(unanswered)?;
            let response = request.headers(headers(home, &at, target, ask)).send().await.map_err(unanswered)?;
            let status = response.status();
            match status {
                StatusCode::OK | StatusCode::PARTIAL_CONTENT => return readable(response, target),
                StatusCode::RANGE_NOT_SATISFIABLE => return Ok(response),
                _ if status.is_redirection() => {}
                _ => return Err(Trouble::status(&at, status, response.headers(), was_good)),
            }
            let location = response.headers().get(LOCATION).and_then(|location| location.to_str().ok());
            let next = location.and_then(|location| at.join(location).ok()).filter(is_web);
            at = next.ok_or_else(|| Trouble::absurd(&at, "a redirect to nowhere"))?;
        }
        Err(Trouble::absurd(&at, "too many redirects"))
    }
}

/// The format's own headers and ours. What proves who we are goes only where it belongs, however the redirects lead.
fn headers(home: &Url, at: &Url, target: &Target, ask: &Ask) -> HeaderMap {
    let mut headers = target.headers.clone();
    if home.origin() != at.origin() {
        headers.remove(AUTHORIZATION);
    }
    if let Some(cookies) = target.cookies.header(at).and_then(|cookies| HeaderValue::try_from(cookies).ok()) {
        headers.insert(COOKIE, cookies);
    }
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    let range = ask.range.map(|(from, last)| match last {
        Some(last) => format!("bytes={from}-{last}"),
        None => format!("bytes={from}-"),
    });
    if let Some(range) = range.and_then(|range| HeaderValue::try_from(range).ok()) {
        headers.insert(RANGE, range);
        if let Some(validator) = &ask.if_range {
            headers.insert(IF_RANGE, validator.clone());
        }
    }
    headers
}

/// Are these the bytes of the file, and nothing around them?
fn readable(response: Response, target: &Target) -> Result<Response, Trouble> {
    let said =
        |name| response.headers().get(name).map(|value| value.to_str().unwrap_or("?").trim().to_ascii_lowercase());
    if said(CONTENT_ENCODING).is_some_and(|coding| !matches!(coding.as_str(), "" | "identity")) {
        return Err(Trouble::absurd(response.url(), "an encoding that was not asked for"));
    }
    let kind = said(CONTENT_TYPE).unwrap_or_default();
    if kind.starts_with("multipart/byteranges") {
        return Err(Trouble::absurd(response.url(), "several ranges where one was asked for"));
    }
    if !target.is_page() && (kind.starts_with("text/html") || kind.starts_with("application/xhtml")) {
        return Err(Trouble::page(response.url()));
    }
    Ok(response)
}
