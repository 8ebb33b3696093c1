//! A running emulator, one connected account, and raw calls to it.

use anyhow::{Context, Result, ensure};
use e2e::emulator::Emulator;
use e2e::http::{body, client};
use e2e::person::ADA;
use reqwest::header::HeaderMap;
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Longest body that a test reads.
const REPLY: usize = 64 << 20;
/// The app key of these tests.
pub(crate) const APP: &str = "conformance";

/// An emulator with a token for its first account.
pub(crate) struct Practice {
    pub(crate) client: Client,
    pub(crate) emulator: Emulator,
    pub(crate) token: String,
    pub(crate) refresh_token: String,
    pub(crate) account: String,
    pub(crate) directory: TempDir,
}

/// An answer, read whole.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Practice {
    pub(crate) async fn start() -> Result<Self> {
        Self::with(&[]).await
    }

    /// With more arguments for the emulator.
    pub(crate) async fn with(extra: &[&str]) -> Result<Self> {
        let directory = tempfile::tempdir()?;
        let extra: Vec<String> = extra.iter().map(|&text| text.to_owned()).collect();
        let emulator = Emulator::start(directory.path(), &extra).await?;
        Self::connect(emulator, directory, client()?).await
    }

    /// Connects the first account of an emulator that runs.
    pub(crate) async fn connect(emulator: Emulator, directory: TempDir, client: Client) -> Result<Self> {
        let empty = String::new;
        let mut practice =
            Self { client, emulator, token: empty(), refresh_token: empty(), account: empty(), directory };
        let grant = practice.control(Method::POST, "grant", &json!({ "account": ADA, "client_id": APP })).await?;
        let text = |name: &str| grant[name].as_str().map(str::to_owned).context("an incomplete grant");
        (practice.token, practice.refresh_token) = (text("access_token")?, text("refresh_token")?);
        practice.account = text("account_id")?;
        Ok(practice)
    }

    /// An address of the emulator.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.emulator.address())
    }

    /// A control call.
    pub(crate) async fn control(&self, method: Method, path: &str, json: &Value) -> Result<Value> {
        let reply = send(self.client.request(method, self.url(&format!("/emulator/{path}"))).json(json)).await?;
        ensure!(reply.status == 200, "emulator/{path}: {} {}", reply.status, reply.text());
        reply.json()
    }

    /// Scripts a fault for the next call of a route.
    pub(crate) async fn fault(&self, route: &str, fault: Value) -> Result<()> {
        self.control(Method::POST, "faults", &json!({ "route": route, "fault": fault })).await.map(|_| ())
    }

    /// Sets a switch.
    pub(crate) async fn switch(&self, name: &str, value: &str) -> Result<()> {
        self.control(Method::POST, "switches", &json!({ name: value })).await.map(|_| ())
    }

    /// A request with the token, to be completed.
    pub(crate) fn post(&self, route: &str) -> RequestBuilder {
        self.client.post(self.url(&format!("/2/{route}"))).bearer_auth(&self.token)
    }

    /// A call of an rpc route.
    pub(crate) async fn rpc(&self, route: &str, arg: &Value) -> Result<Reply> {
        send(self.post(route).json(arg)).await
    }

    /// A call of an upload route.
    pub(crate) async fn content(&self, route: &str, arg: &Value, bytes: impl Into<reqwest::Body>) -> Result<Reply> {
        send(self.content_request(route, arg, bytes)).await
    }

    pub(crate) fn content_request(&self, route: &str, arg: &Value, bytes: impl Into<reqwest::Body>) -> RequestBuilder {
        let request = self.post(route).header("Dropbox-API-Arg", ascii(arg));
        request.header("Content-Type", "application/octet-stream").body(bytes)
    }

    /// A call of a download route.
    pub(crate) async fn download(&self, arg: &Value, range: Option<&str>) -> Result<Reply> {
        let request = self.post("files/download").header("Dropbox-API-Arg", ascii(arg));
        send(match range {
            Some(range) => request.header("Range", range),
            None => request,
        })
        .await
    }

    /// Uploads a small file and returns its metadata.
    pub(crate) async fn put(&self, path: &str, bytes: &[u8]) -> Result<Value> {
        let reply = self.content("files/upload", &json!({ "path": path, "mode": "overwrite" }), bytes.to_vec()).await?;
        ensure!(reply.status == 200, "{path}: {}", reply.text());
        reply.json()
    }

    /// Opens a sequential session and returns its id.
    pub(crate) async fn session(&self) -> Result<String> {
        let reply = self.content("files/upload_session/start", &json!({}), "").await?;
        let id = reply.json()?["session_id"].as_str().map(str::to_owned);
        id.with_context(|| format!("no session: {}", reply.text()))
    }

    /// Appends to a session.
    pub(crate) async fn append(&self, id: &str, offset: u64, close: bool, bytes: &[u8]) -> Result<Reply> {
        let arg = json!({ "cursor": { "session_id": id, "offset": offset }, "close": close });
        self.content("files/upload_session/append_v2", &arg, bytes.to_vec()).await
    }

    /// Finishes a session with an empty body.
    pub(crate) async fn finish(&self, id: &str, offset: u64, path: &str) -> Result<Reply> {
        let arg = json!({ "cursor": { "session_id": id, "offset": offset }, "commit": { "path": path } });
        self.content("files/upload_session/finish", &arg, "").await
    }

    /// Status and masked body of an rpc call, for comparing.
    pub(crate) async fn said(&self, route: &str, arg: &Value) -> Result<String> {
        Ok(self.rpc(route, arg).await?.said())
    }
}

/// Sends a request and reads the answer.
pub(crate) async fn send(request: RequestBuilder) -> Result<Reply> {
    let response = request.send().await?;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Ok(Reply { status, headers, body: body(response, REPLY).await? })
}

impl Reply {
    pub(crate) fn json(&self) -> Result<Value> {
        serde_json::from_slice(&self.body).with_context(|| format!("not JSON: {}", self.text()))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// Status and body in one line; what differs from run to run is masked, the order of keys is not.
    pub(crate) fn said(&self) -> String {
        let body = self.json().map_or_else(|_| self.text(), |value| masked(value).to_string());
        format!("{} {body}", self.status)
    }

    pub(crate) fn is_ok(&self) -> bool {
        self.status == StatusCode::OK.as_u16()
    }
}

/// Masks ids, revisions, times and addresses, and the dots of a summary.
fn masked(value: Value) -> Value {
    const CHANGING: [&str; 11] = [
        "id",
        "rev",
        "client_modified",
        "server_modified",
        "cursor",
        "session_id",
        "upload_session_id",
        "url",
        "link",
        "account_id",
        "async_job_id",
    ];
    match value {
        Value::Object(map) => map
            .into_iter()
            .map(|(key, value)| {
                let value = match value {
                    Value::String(_) if CHANGING.contains(&key.as_str()) => "*".into(),
                    Value::String(text) if key == "error_summary" => without_dots(&text).into(),
                    other => masked(other),
                };
                (key, value)
            })
            .collect(),
        Value::Array(values) => values.into_iter().map(masked).collect(),
        other => other,
    }
}

/// A summary ends in a slash and up to three dots.
fn without_dots(summary: &str) -> String {
    let tags = summary.trim_end_matches('.');
    let fits = tags.ends_with('/') && summary.len() - tags.len() <= 3;
    if fits { tags.to_owned() } else { format!("WRONG SUMMARY {summary}") }
}

/// JSON for a header.
pub(crate) fn ascii(value: &Value) -> String {
    let units = value.to_string();
    units.chars().fold(String::new(), |mut text, character| {
        if character.is_ascii() && character != '\u{7f}' {
            text.push(character);
        } else {
            character.encode_utf16(&mut [0; 2]).iter().for_each(|unit| text.push_str(&format!("\\u{unit:04x}")));
        }
        text
    })
}

/// `length` bytes that repeat at no block's length.
pub(crate) fn bytes(length: usize) -> Vec<u8> {
    (0..length).map(|at| u8::try_from((at * 31 + at / 251) % 256).unwrap_or_default()).collect()
}
