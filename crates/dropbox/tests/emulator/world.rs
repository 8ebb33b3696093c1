//! One emulator with one connected account, and the questions that tests ask it.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    process::Stdio,
    sync::{Arc, OnceLock},
    time::Duration,
};

use futures::StreamExt;
use reqwest::{Certificate, Client, Method};
use serde_json::{Value, json};
use sluice_domain::{Checkpoint, Failure, FileName, Folder, Limits, Receipt, UploadIntent};
use sluice_dropbox::{AccountClient, Dropbox, DropboxConfig, Previous, Tuning, UploadSink, content_hash};
use sluice_transfer::{Gate, Sink};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

use crate::memory::{Memory, Notes, Remembered};

pub(crate) const START: &str = "files/upload_session/start";
pub(crate) const APPEND: &str = "files/upload_session/append_v2";
pub(crate) const FINISH: &str = "files/upload_session/finish";
/// Three appends: 4 MiB, 4 MiB, 1 MiB.
pub(crate) const SIZE: usize = 9 * 1024 * 1024;
pub(crate) const APP_KEY: &str = "practice";
pub(crate) const ACCOUNT: &str = "Ada Example";

/// Which way to the emulator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// HTTP/1.1.
    Plain,
    /// HTTP/2 over TLS, as with the real service.
    Tls,
}

pub(crate) struct World {
    pub(crate) dropbox: Dropbox,
    pub(crate) account: AccountClient,
    pub(crate) pauses: Arc<Remembered>,
    pub(crate) journal: Arc<Notes>,
    pub(crate) gate: Gate,
    pub(crate) base: String,
    client: Client,
    folder: TempDir,
    /// Killed when dropped.
    _emulator: Child,
}

/// Patience for tests: short pauses, and budgets that a busy machine does not use up.
pub(crate) fn hasty() -> Tuning {
    let ms = Duration::from_millis;
    Tuning {
        largest_chunk: 4 * 1024 * 1024,
        call_timeout: ms(10_000),
        stall_timeout: ms(3000),
        finish_timeout: ms(3000),
        commit_grace: ms(2000),
        first_wait: ms(5),
        first_busy_wait: ms(20),
        longest_wait: ms(80),
        unreachable_for: ms(30_000),
        busy_for: ms(30_000),
        locked_for: ms(30_000),
        outage_for: ms(30_000),
        settle_waits: [ms(10), ms(50), ms(150)],
        ..Tuning::default()
    }
}

/// Hardly any patience: for what never gets better.
pub(crate) fn impatient() -> Tuning {
    let budget = Duration::from_millis(400);
    Tuning { unreachable_for: budget, busy_for: budget, locked_for: budget, outage_for: budget, ..hasty() }
}

impl World {
    pub(crate) async fn new(way: Way) -> Self {
        Self::tuned(way, hasty()).await
    }

    pub(crate) async fn tuned(way: Way, mut tuning: Tuning) -> Self {
        let folder = TempDir::new().unwrap();
        let mut command = emulator();
        command.arg("--folder").arg(folder.path().join("files")).args(["--account", ACCOUNT, "--app-key", APP_KEY]);
        let mut client = Client::builder().no_proxy();
        if way == Way::Tls {
            let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".into()]).unwrap();
            let (cert, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
            std::fs::write(&cert, made.cert.pem()).unwrap();
            std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
            command.arg("--tls-cert").arg(&cert).arg("--tls-key").arg(&key);
            tuning.extra_roots_pem = Some(made.cert.pem().into_bytes());
            client = client.tls_certs_only([Certificate::from_pem(made.cert.pem().as_bytes()).unwrap()]);
        } else {
            client = client.tls_certs_only([]);
        }
        let (emulator, base) = start(command).await;
        let pauses = Arc::new(Remembered::default());
        let dropbox = Dropbox::new(config(&base), tuning, pauses.clone()).unwrap();
        let client = client.build().unwrap();
        let grant = json!({"account": ACCOUNT, "client_id": APP_KEY});
        let grant = ask(&client, &base, Method::POST, "grant", Some(&grant)).await;
        let id = grant["account_id"].as_str().unwrap().parse().unwrap();
        let account = dropbox.account(&id, grant["refresh_token"].as_str().unwrap().into());
        let gate = Gate::new(&Limits::default());
        Self { dropbox, account, pauses, journal: Arc::default(), gate, base, client, folder, _emulator: emulator }
    }

    /// A control call.
    pub(crate) async fn control(&self, method: Method, what: &str, body: Option<Value>) -> Value {
        ask(&self.client, &self.base, method, what, body.as_ref()).await
    }

    /// Something will go wrong.
    pub(crate) async fn fault(&self, fault: Value) {
        self.control(Method::POST, "faults", Some(fault)).await;
    }

    /// How Dropbox behaves where it is undocumented.
    pub(crate) async fn switch(&self, name: &str, value: &str) {
        self.control(Method::POST, "switches", Some(json!({ name: value }))).await;
    }

    /// The statuses of the calls of this route, in order; 0 where the connection was cut.
    pub(crate) async fn statuses(&self, route: &str) -> Vec<u64> {
        let calls = self.control(Method::GET, &format!("calls?route={route}"), None).await;
        calls["calls"].as_array().unwrap().iter().map(|call| call["status"].as_u64().unwrap_or_default()).collect()
    }

    /// Waits until this route is called.
    pub(crate) async fn called(&self, route: &str) {
        let mut tick = tokio::time::interval(Duration::from_millis(5));
        while self.statuses(route).await.is_empty() {
            tick.tick().await;
        }
    }

    /// How many calls met a fault.
    pub(crate) async fn struck(&self) -> usize {
        let calls = self.control(Method::GET, "calls", None).await;
        calls["calls"].as_array().unwrap().iter().filter(|call| call["fault"] == true).count()
    }

    /// Waits until a call meets a fault.
    pub(crate) async fn strikes(&self) {
        let mut tick = tokio::time::interval(Duration::from_millis(2));
        while self.struck().await == 0 {
            tick.tick().await;
        }
    }

    /// Bytes that the emulator read from all calls of this route.
    pub(crate) async fn bytes(&self, route: &str) -> u64 {
        let calls = self.control(Method::GET, &format!("calls?route={route}"), None).await;
        calls["calls"].as_array().unwrap().iter().map(|call| call["bytes"].as_u64().unwrap()).sum()
    }

    pub(crate) fn sink(&self, name: &str, intent: Option<UploadIntent>) -> UploadSink {
        self.sink_after(name, Previous { intent, checkpoint: None })
    }

    fn sink_after(&self, name: &str, previous: Previous) -> UploadSink {
        let name = FileName::try_from(name.to_owned()).unwrap();
        let folder: Folder = "/Videos".parse().unwrap();
        UploadSink::new(self.account.clone(), folder, name, previous, self.journal.clone())
    }

    /// Uploads as `clip.mp4`, going on from this checkpoint: a later attempt, with a gate of its own.
    pub(crate) async fn resume(&self, source: &Memory, checkpoint: Option<Checkpoint>) -> Result<Receipt, Failure> {
        self.sink_after("clip.mp4", Previous { intent: None, checkpoint }).take(source, &self.gate).await
    }

    /// Uploads as `clip.mp4` until the source stops; then the attempt is dropped, as a kill would.
    pub(crate) async fn upload_until_it_stops(&self, source: &Memory, checkpoint: Option<Checkpoint>) {
        tokio::select! {
            ended = self.resume(source, checkpoint) => panic!("it did not stop: {ended:?}"),
            () = source.stopped.notified() => {}
        }
    }

    /// Uploads as `clip.mp4`.
    pub(crate) async fn upload(&self, source: &Memory) -> Result<Receipt, Failure> {
        self.sink("clip.mp4", None).take(source, &self.gate).await
    }

    /// All files of the account: path and content.
    pub(crate) fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let root = self.folder.path().join("files").join(ACCOUNT);
        let (mut found, mut folders) = (BTreeMap::new(), vec![root.clone()]);
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).into_iter().flatten().map(Result::unwrap) {
                if entry.file_type().unwrap().is_dir() {
                    folders.push(entry.path());
                } else {
                    let path = entry.path().strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
                    found.insert(format!("/{path}"), std::fs::read(entry.path()).unwrap());
                }
            }
        }
        found
    }

    /// Puts a file of somebody else there.
    pub(crate) fn put(&self, path: &str, content: &[u8]) {
        let path = self.folder.path().join("files").join(ACCOUNT).join(path.trim_start_matches('/'));
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    /// The account holds this file and nothing else, and the receipt tells the truth about it.
    #[track_caller]
    pub(crate) fn landed(&self, receipt: Result<Receipt, Failure>, path: &str, source: &Memory) {
        self.landed_beside(receipt, path, source, &[]);
    }

    /// The same, beside other files.
    #[track_caller]
    pub(crate) fn landed_beside(&self, got: Result<Receipt, Failure>, path: &str, source: &Memory, others: &[&str]) {
        let receipt = got.unwrap_or_else(|failure| panic!("{failure}"));
        let files = self.files();
        let mut names: Vec<&str> = others.iter().copied().chain([path]).collect();
        names.sort_unstable();
        assert_eq!(files.keys().collect::<Vec<_>>(), names);
        assert!(files[path] == source.bytes, "the content differs");
        assert_eq!(receipt.path, path);
        assert_eq!((receipt.size, receipt.content_hash), (source.bytes.len() as u64, content_hash(&source.bytes)));
        assert_eq!(self.gate.counts().1, source.bytes.len() as u64, "arrived");
    }
}

pub(crate) fn config(base: &str) -> DropboxConfig {
    DropboxConfig {
        app_key: APP_KEY.into(),
        app_secret: None,
        api_url: base.into(),
        content_url: base.into(),
        authorize_url: format!("{base}/oauth2/authorize"),
        token_url: format!("{base}/oauth2/token"),
        proxy: None,
    }
}

async fn ask(client: &Client, base: &str, method: Method, what: &str, body: Option<&Value>) -> Value {
    let mut request = client.request(method, format!("{base}/emulator/{what}"));
    if let Some(body) = body {
        request = request.json(body);
    }
    let response = request.send().await.unwrap();
    let status = response.status();
    let mut stream = response.bytes_stream();
    let mut answer = Vec::new();
    while let Some(piece) = stream.next().await {
        answer.extend_from_slice(&piece.unwrap());
    }
    assert!(status.is_success(), "{what}: {status} {}", String::from_utf8_lossy(&answer));
    serde_json::from_slice(&answer).unwrap()
}

async fn start(mut command: Command) -> (Child, String) {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = tokio::time::timeout(Duration::from_secs(20), lines.next_line()).await.unwrap().unwrap().unwrap();
    let base = line.strip_prefix("listening on ").unwrap().trim_end_matches('/').to_owned();
    (child, base)
}

/// The emulator's binary, freshly built: another package's binary has no `CARGO_BIN_EXE_*`, and a guessed path may be stale.
#[expect(clippy::disallowed_methods, reason = "tests start one known program, without a shell")]
fn emulator() -> Command {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    let path = PATH.get_or_init(|| {
        let mut cargo = std::process::Command::new(env!("CARGO"));
        cargo.args(["build", "-q", "-p", "sluice-dropbox-emulator", "--message-format=json"]);
        // ring's build script watches what cargo tells a test about its own package: with it ring, and all that stands
        // on it, would be compiled again, here and once more after the test.
        for (variable, _) in std::env::vars_os() {
            if variable
                .to_str()
                .is_some_and(|name| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_"))
            {
                cargo.env_remove(variable);
            }
        }
        let built = cargo.current_dir(env!("CARGO_MANIFEST_DIR")).stderr(Stdio::inherit()).output().unwrap();
        assert!(built.status.success(), "the emulator does not build");
        let lines = built.stdout.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok());
        lines.filter_map(|line: Value| line["executable"].as_str().map(PathBuf::from)).next_back().unwrap()
    });
    let mut command = Command::new(path);
    command.stdin(Stdio::null());
    command
}
