//! The practice Dropbox of a world: the real binary, and the control calls that only tests make.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use reqwest::{Client, Method};
use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    authority::Authority,
    binaries::binary,
    http::{body, client, client_trusting},
    process::{Launch, Process},
    tools,
};

/// The app key that Sluice uses with it.
pub const APP_KEY: &str = "practice";
/// Longest reply to a control call.
const REPLY: usize = 16 << 20;

/// How slow the emulator's line is. Zeros: as fast as it goes.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Throttle {
    /// Bytes per second of everything together.
    pub total_bytes_per_second: u64,
    /// Bytes per second of each connection.
    pub connection_bytes_per_second: u64,
    /// Added to every call.
    pub round_trip_ms: u64,
}

/// A running emulator.
#[derive(Debug)]
pub struct Emulator {
    process: Process,
    folder: PathBuf,
    client: Client,
}

impl Emulator {
    /// Starts it over `directory/dropbox` with extra arguments.
    pub async fn start(directory: &Path, extra: &[String]) -> Result<Self> {
        Self::start_with(directory, extra, client()?).await
    }

    /// The same over TLS, with the certificate of `authority`.
    pub async fn start_secure(directory: &Path, extra: &[String], authority: &Authority) -> Result<Self> {
        let extra = [extra, &authority.flags()].concat();
        Self::start_with(directory, &extra, client_trusting(authority)?).await
    }

    async fn start_with(directory: &Path, extra: &[String], client: Client) -> Result<Self> {
        let folder = directory.join("dropbox");
        std::fs::create_dir_all(&folder)?;
        let place = folder.to_str().context("the path is not UTF-8")?;
        let mut arguments = ["--folder", place, "--bind", "127.0.0.1:0"].map(str::to_owned).to_vec();
        arguments.extend_from_slice(extra);
        let launch = Launch {
            name: "emulator".into(),
            program: binary("dropbox-emulator")?,
            arguments,
            environment: tools::environment(),
            announces: true,
        };
        Ok(Self { process: Process::start(directory, launch).await?, folder, client })
    }

    /// A client that trusts its certificate.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Its base address.
    pub fn address(&self) -> &str {
        self.process.address().trim_end_matches('/')
    }

    /// Where the files of the account called `name` lie.
    pub fn files(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Scripts a fault, for example `{"route": "files/upload_session/append_v2", "nth": 3, "fault": {"kind": "lose_response"}}`.
    pub async fn fault(&self, fault: &Value) -> Result<Value> {
        self.control(Method::POST, "faults", Some(fault)).await
    }

    /// Forgets all scripted faults and lets held calls go on.
    pub async fn clear_faults(&self) -> Result<()> {
        self.control(Method::DELETE, "faults", None).await?;
        Ok(())
    }

    /// Sets an account's space, for example `{"quota": 1000}`.
    pub async fn account(&self, id: &str, change: &Value) -> Result<Value> {
        self.control(Method::POST, &format!("accounts/{id}"), Some(change)).await
    }

    /// Slows its line down from now on.
    pub async fn shape(&self, throttle: &Throttle) -> Result<()> {
        self.control(Method::POST, "throttle", Some(&serde_json::to_value(throttle)?)).await?;
        Ok(())
    }

    /// Connects the account called `name` with an app of this key, without a browser: `refresh_token` and more.
    pub async fn grant(&self, name: &str, app_key: &str) -> Result<Value> {
        self.control(Method::POST, "grant", Some(&json!({ "account": name, "client_id": app_key }))).await
    }

    /// The log of calls.
    pub async fn calls(&self) -> Result<Value> {
        self.control(Method::GET, "calls", None).await
    }

    /// Upload sessions that were opened and not finished.
    pub async fn open_sessions(&self) -> Result<Value> {
        self.control(Method::GET, "sessions", None).await
    }

    /// The ids of upload sessions that were opened and not finished.
    pub async fn open_session_ids(&self) -> Result<Vec<String>> {
        let reply = self.open_sessions().await?;
        let list = reply["sessions"].as_array().or(reply.as_array()).context("no list of sessions")?;
        Ok(list.iter().map(|session| session["id"].as_str().unwrap_or_default().to_owned()).collect())
    }

    /// The answers of all successful finishes of upload sessions, repeated finishes left out; read from the emulator's own records.
    pub fn commits(&self) -> Result<Vec<Value>> {
        let records = self.folder.join(".emulator/sessions");
        let mut commits = Vec::new();
        for entry in std::fs::read_dir(&records).with_context(|| records.display().to_string())? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "json") {
                let record: Value = serde_json::from_slice(&std::fs::read(&path)?)?;
                commits.extend(Some(record["committed"].clone()).filter(|answer| !answer.is_null()));
            }
        }
        Ok(commits)
    }

    /// How often a route was called.
    pub async fn calls_of(&self, route: &str) -> Result<usize> {
        let reply = self.calls().await?;
        let list = reply["calls"].as_array().or(reply.as_array()).context("no list of calls")?;
        Ok(list.iter().filter(|call| call["route"] == route).count())
    }

    /// Bytes of file content that it took from an account in all, whether they stayed or not.
    pub async fn bytes_sent(&self, account: &str) -> Result<u64> {
        let reply = self.control(Method::GET, &format!("calls?account={account}"), None).await?;
        let calls = reply["calls"].as_array().context("no list of calls")?;
        let uploads = calls.iter().filter(|call| {
            let route = call["route"].as_str().unwrap_or_default();
            route == "files/upload" || route.starts_with("files/upload_session/") && !route.contains("finish_batch")
        });
        Ok(uploads.filter_map(|call| call["bytes"].as_u64()).sum())
    }

    /// Lets all access tokens of an account expire (`expire`), or withdraws its consent (`revoke`).
    pub async fn tokens(&self, what: &str, account: &str) -> Result<Value> {
        self.control(Method::POST, &format!("tokens/{what}"), Some(&json!({ "account": account }))).await
    }

    async fn control(&self, method: Method, path: &str, json: Option<&Value>) -> Result<Value> {
        let mut request = self.client.request(method, format!("{}/emulator/{path}", self.address()));
        if let Some(json) = json {
            request = request.json(json);
        }
        let response = request.send().await?;
        let status = response.status();
        let bytes = body(response, REPLY).await?;
        ensure!(status.is_success(), "emulator/{path}: {status} {}", String::from_utf8_lossy(&bytes));
        if bytes.is_empty() { Ok(Value::Null) } else { Ok(serde_json::from_slice(&bytes)?) }
    }

    /// Its process id.
    pub fn process_id(&self) -> i32 {
        self.process.group().as_raw()
    }

    pub(crate) fn process(&self) -> &Process {
        &self.process
    }
}
