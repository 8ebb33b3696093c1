//! Sluice's API as a program uses it: bearer token, JSON.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use jiff::Timestamp;
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    eventually::eventually,
    http::{body, client},
};

/// Longest reply that any call may give.
const REPLY: usize = 4 << 20;

/// A job as the API shows it; fields that no test reads are left out.
#[derive(Debug, Clone, Deserialize)]
pub struct Job {
    /// Its name.
    pub id: String,
    /// Where the file goes: `dropbox` or `device`.
    pub destination: String,
    /// Where it is in its life.
    pub state: String,
    /// What it is doing while it runs.
    pub phase: Option<String>,
    /// Title, once known.
    pub title: Option<String>,
    /// Attempts begun.
    pub attempt: u32,
    /// Bytes fetched.
    pub bytes_in: u64,
    /// Bytes that Dropbox acknowledged.
    pub bytes_out: u64,
    /// Bytes expected in all.
    pub bytes_total: Option<u64>,
    /// How well that is known.
    pub length: String,
    /// How the bytes travel, once planned.
    pub route: Option<String>,
    /// Where the file landed.
    pub dropbox_path: Option<String>,
    /// Bytes of the file that landed.
    pub size: Option<u64>,
    /// Dropbox's hash of the file that landed.
    pub content_hash: Option<String>,
    /// Why it did not.
    pub error: Option<JobError>,
    /// When it was taken.
    pub created_at: Timestamp,
    /// When its last attempt began.
    pub started_at: Option<Timestamp>,
    /// When it was over.
    pub finished_at: Option<Timestamp>,
    /// How far its items are, when it is a list.
    pub items: Option<Items>,
    /// The list that it is an item of.
    pub parent: Option<String>,
    /// The job that brings the same.
    pub duplicate_of: Option<String>,
    /// The attempts that have ended.
    #[serde(default)]
    pub attempts: Vec<Value>,
}

/// How far the items of a list are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct Items {
    /// Jobs made of it.
    pub found: u32,
    /// The limit at which it was cut.
    pub cut_at: Option<u32>,
    /// Items that landed.
    pub completed: u32,
    /// Items that the person had already.
    pub duplicate: u32,
    /// Items that failed.
    pub failed: u32,
    /// Items that were cancelled.
    pub cancelled: u32,
}

/// A failure as its owner sees it.
#[derive(Debug, Clone, Deserialize)]
pub struct JobError {
    /// What it is.
    pub kind: String,
    /// What happened and what to do next.
    pub message: String,
    /// May it succeed when tried again?
    pub retryable: bool,
}

impl Job {
    /// Will nothing more happen by itself?
    pub fn is_final(&self) -> bool {
        ["completed", "failed", "cancelled", "refused"].contains(&self.state.as_str())
    }

    /// From its acceptance to its end.
    pub fn took(&self) -> Option<Duration> {
        self.finished_at.and_then(|end| Duration::try_from(end.duration_since(self.created_at)).ok())
    }

    /// The kind of its failure; empty without one.
    pub fn failure(&self) -> &str {
        self.error.as_ref().map_or("", |error| &error.kind)
    }
}

/// One person's way into the API.
#[derive(Debug, Clone)]
pub struct Api {
    client: Client,
    base: String,
    token: String,
}

impl Api {
    /// Calls the server at `base` with `token`.
    pub fn new(base: &str, token: &str) -> Result<Self> {
        Ok(Self { client: client()?, base: base.trim_end_matches('/').to_owned(), token: token.to_owned() })
    }

    /// The same person's way into a server at another address.
    #[must_use]
    pub fn moved_to(&self, base: &str) -> Self {
        Self { base: base.trim_end_matches('/').to_owned(), ..self.clone() }
    }

    /// The token.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// The address at which the file behind this link can be had.
    pub fn save_address(&self, url: &str, preset: &str) -> Result<String> {
        let query = [("url", url), ("preset", preset)];
        Ok(reqwest::Url::parse_with_params(&format!("{}/save", self.base), query)?.into())
    }

    /// A request for the file behind this link.
    pub fn save(&self, method: Method, url: &str, preset: &str) -> Result<RequestBuilder> {
        Ok(self.client.request(method, self.save_address(url, preset)?).bearer_auth(&self.token))
    }

    /// The newest job.
    pub async fn newest(&self) -> Result<Job> {
        let (status, reply) = self.call(self.request(Method::GET, "/jobs?limit=1")).await?;
        ensure!(status == StatusCode::OK, "{status} {reply}");
        serde_json::from_value(reply["jobs"][0].clone()).context("no job")
    }

    /// A request to `path` below `/api/v1`.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}/api/v1{path}", self.base)).bearer_auth(&self.token)
    }

    /// Sends a request and reads the JSON of its reply.
    pub async fn call(&self, request: RequestBuilder) -> Result<(StatusCode, Value)> {
        let response = request.send().await?;
        let status = response.status();
        let bytes = body(response, REPLY).await?;
        let value = if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes).context("no JSON")? };
        Ok((status, value))
    }

    /// Sends a link; an error unless it is accepted.
    pub async fn send(&self, url: &str, preset: &str) -> Result<Job> {
        let (status, reply) = self.try_send(&json!({ "url": url, "preset": preset })).await?;
        ensure!(status == StatusCode::ACCEPTED, "{url}: {status} {reply}");
        Ok(serde_json::from_value(reply)?)
    }

    /// Sends any body to where links go.
    pub async fn try_send(&self, body: &Value) -> Result<(StatusCode, Value)> {
        self.call(self.request(Method::POST, "/jobs").json(body)).await
    }

    /// The job as it is now.
    pub async fn job(&self, id: &str) -> Result<Job> {
        let (status, reply) = self.call(self.request(Method::GET, &format!("/jobs/{id}"))).await?;
        ensure!(status == StatusCode::OK, "{id}: {status} {reply}");
        Ok(serde_json::from_value(reply)?)
    }

    /// All items of a list, in its order.
    pub async fn items(&self, id: &str) -> Result<Vec<Job>> {
        let mut all = Vec::new();
        let mut path = format!("/jobs/{id}/items?limit=100");
        loop {
            let (status, reply) = self.call(self.request(Method::GET, &path)).await?;
            ensure!(status == StatusCode::OK, "{id}: {status} {reply}");
            let page: Vec<Job> = serde_json::from_value(reply["jobs"].clone())?;
            all.extend(page);
            let Some(next) = reply["next"].as_str() else { return Ok(all) };
            path = format!("/jobs/{id}/items?limit=100&after={next}");
        }
    }

    /// Posts to `/jobs/{id}/{verb}`.
    pub async fn act(&self, id: &str, verb: &str) -> Result<Job> {
        let (status, reply) = self.call(self.request(Method::POST, &format!("/jobs/{id}/{verb}"))).await?;
        ensure!(status.is_success(), "{verb} {id}: {status} {reply}");
        Ok(serde_json::from_value(reply)?)
    }

    /// Asks for the job to be cancelled.
    pub async fn cancel(&self, id: &str) -> Result<()> {
        let (status, reply) = self.call(self.request(Method::POST, &format!("/jobs/{id}/cancel"))).await?;
        ensure!(status.is_success(), "{id}: {status} {reply}");
        Ok(())
    }

    /// Waits until the job satisfies `enough`.
    pub async fn until(&self, id: &str, limit: Duration, enough: impl Fn(&Job) -> bool) -> Result<Job> {
        let mut last = None;
        let found = eventually("the job gets there", limit, async || {
            let job = self.job(id).await?;
            let done = enough(&job);
            last = Some(job.clone());
            Ok(done.then_some(job))
        })
        .await;
        found.with_context(|| format!("{last:#?}"))
    }

    /// Waits until nothing more will happen to the job.
    pub async fn finished(&self, id: &str, limit: Duration) -> Result<Job> {
        self.until(id, limit, Job::is_final).await
    }

    /// Sends a link and waits until nothing more will happen to it.
    pub async fn run(&self, url: &str, preset: &str, limit: Duration) -> Result<Job> {
        let job = self.send(url, preset).await?;
        self.finished(&job.id, limit).await.with_context(|| url.to_owned())
    }
}

/// Live events as they arrive.
#[derive(Debug)]
pub struct Events {
    response: reqwest::Response,
    heard: String,
}

impl Api {
    /// Subscribes to the person's live events.
    pub async fn events(&self) -> Result<Events> {
        let response = self.request(Method::GET, "/events").send().await?;
        ensure!(response.status() == StatusCode::OK, "events: {}", response.status());
        Ok(Events { response, heard: String::new() })
    }
}

impl Events {
    /// All that was heard so far, once it contains `text`; an error after half a minute.
    pub async fn until(&mut self, text: &str) -> Result<&str> {
        /// More than any test sends.
        const MOST: usize = 1 << 20;
        let listening = async {
            while !self.heard.contains(text) {
                let chunk = self.response.chunk().await?.context("the stream of events ended")?;
                self.heard.push_str(&String::from_utf8_lossy(&chunk));
                ensure!(self.heard.len() < MOST, "too much was heard");
            }
            Ok(())
        };
        tokio::time::timeout(Duration::from_secs(30), listening).await.context("the event did not come")??;
        Ok(&self.heard)
    }
}
