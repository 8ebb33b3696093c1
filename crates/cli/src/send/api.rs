//! The server's API as `send` needs it: hand in a job, ask how it is. Every wait is bounded, every answer is capped.

use std::time::Duration;

use anyhow::{Context as _, Result};
use reqwest::{Client, Method, Response, StatusCode, header::RETRY_AFTER};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use url::Url;

/// The longest one request may take.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// A job's record is far smaller.
const MAX_ANSWER_BYTES: usize = 1 << 20;

/// Why the server did not do what was asked.
#[derive(Debug, Error)]
pub(super) enum ApiError {
    /// No connection, or no answer in time.
    #[error(
        "no Sluice answers at {server}: is it running? `sluice up` starts one here, --server names another ({why})"
    )]
    Unreachable {
        /// Where was asked.
        server: Url,
        /// What the network said.
        why: String,
    },
    /// It cannot work now and will later.
    #[error("the server cannot take it now: {message}")]
    Busy {
        /// Its own words.
        message: String,
        /// It asked to wait this long.
        after: Option<Duration>,
    },
    /// It does not know the token.
    #[error("the server does not accept this API token: make one on its settings page, or with `sluice token create`")]
    Token,
    /// It says no.
    #[error("{0}")]
    Refused(String),
    /// Its answer makes no sense to us.
    #[error("the server's answer cannot be read: {0}")]
    Answer(String),
}

/// What is asked.
#[derive(Debug, Serialize)]
pub(super) struct NewJob<'a> {
    pub(super) url: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) preset: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) folder: Option<&'a str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) force: bool,
    /// Makes a repeated request after a lost answer harmless.
    pub(super) idempotency_key: &'a str,
}

/// A job as the server tells it; what we do not show, we do not read.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct JobView {
    pub(super) id: String,
    pub(super) state: String,
    /// Was it there already when the link was handed in?
    pub(super) duplicate: bool,
    /// The job that brings, or has brought, the same: why this one was refused.
    pub(super) duplicate_of: Option<String>,
    /// How far its items are, when it is a list.
    pub(super) items: Option<ItemsView>,
    pub(super) folder: Option<String>,
    pub(super) phase: Option<String>,
    pub(super) title: Option<String>,
    /// The state as a sentence.
    pub(super) message: Option<String>,
    pub(super) bytes_in: u64,
    pub(super) bytes_out: u64,
    pub(super) bytes_total: Option<u64>,
    pub(super) rate: Option<u64>,
    pub(super) seconds_left: Option<u64>,
    pub(super) dropbox_path: Option<String>,
    pub(super) size: Option<u64>,
    pub(super) error: Option<ErrorView>,
}

/// How far the items of a list are.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default)]
pub(super) struct ItemsView {
    pub(super) found: u32,
    pub(super) listed: bool,
    pub(super) announced: Option<u32>,
    pub(super) cut_at: Option<u32>,
    pub(super) completed: u32,
    pub(super) duplicate: u32,
    pub(super) failed: u32,
    pub(super) refused: u32,
    pub(super) cancelled: u32,
}

impl ItemsView {
    /// Items that are where they should be.
    pub(super) fn arrived(&self) -> u32 {
        self.completed + self.duplicate
    }

    /// Items that need nothing more.
    pub(super) fn over(&self) -> u32 {
        self.arrived() + self.failed + self.refused + self.cancelled
    }

    /// How many there will be, as far as is known.
    pub(super) fn total(&self) -> u32 {
        if self.listed { self.found } else { self.announced.unwrap_or_default().max(self.found) }
    }
}

/// Why a job did not end well.
#[derive(Debug, Deserialize)]
pub(super) struct ErrorView {
    #[serde(default)]
    pub(super) kind: String,
    pub(super) message: String,
}

/// RFC 9457.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Problem {
    title: Option<String>,
    detail: Option<String>,
}

/// A server and the right to use it.
pub(super) struct Api {
    server: Url,
    token: SecretString,
    http: Client,
}

impl Api {
    pub(super) fn new(server: Url, token: SecretString) -> Result<Self> {
        let http = Client::builder().timeout(REQUEST_TIMEOUT).build().context("no HTTP client")?;
        Ok(Self { server, token, http })
    }

    /// Hands a job in.
    pub(super) async fn enqueue(&self, job: &NewJob<'_>) -> Result<Answer, ApiError> {
        let body = serde_json::to_vec(job).map_err(|error| ApiError::Answer(error.to_string()))?;
        self.ask(Method::POST, "/api/v1/jobs", Some(body)).await
    }

    /// How a job is.
    pub(super) async fn job(&self, id: &str) -> Result<Answer, ApiError> {
        self.ask(Method::GET, &format!("/api/v1/jobs/{id}"), None).await
    }

    async fn ask(&self, method: Method, path: &str, body: Option<Vec<u8>>) -> Result<Answer, ApiError> {
        let base = self.server.as_str().trim_end_matches('/');
        let mut request = self.http.request(method, format!("{base}{path}")).bearer_auth(self.token.expose_secret());
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body);
        }
        let mut response = request.send().await.map_err(|error| self.unreachable(&error))?;
        let status = response.status();
        let after = retry_after(&response);
        let mut text = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.unreachable(&error))? {
            text.extend_from_slice(&chunk);
            if text.len() > MAX_ANSWER_BYTES {
                return Err(ApiError::Answer("it is far too long".to_owned()));
            }
        }
        if status.is_success() {
            let told = |error: serde_json::Error| ApiError::Answer(error.to_string());
            let json: serde_json::Value = serde_json::from_slice(&text).map_err(told)?;
            return Ok(Answer { view: JobView::deserialize(&json).map_err(told)?, json });
        }
        let problem: Problem = serde_json::from_slice(&text).unwrap_or_default();
        let message = problem.detail.or(problem.title).unwrap_or_else(|| format!("the server answers {status}"));
        Err(match status {
            StatusCode::UNAUTHORIZED => ApiError::Token,
            _ if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS => {
                ApiError::Busy { message, after }
            }
            _ => ApiError::Refused(message),
        })
    }

    fn unreachable(&self, error: &reqwest::Error) -> ApiError {
        let mut why = error.to_string();
        let mut cause = std::error::Error::source(error);
        while let Some(inner) = cause {
            why = inner.to_string();
            cause = inner.source();
        }
        ApiError::Unreachable { server: self.server.clone(), why }
    }
}

/// A job, for us and as it was told.
pub(super) struct Answer {
    pub(super) view: JobView,
    pub(super) json: serde_json::Value,
}

fn retry_after(response: &Response) -> Option<Duration> {
    response.headers().get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}
