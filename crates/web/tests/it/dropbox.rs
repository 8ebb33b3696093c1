//! The practice Dropbox, for what the pages ask Dropbox about: the real binary, freshly built.

use std::{
    io::{BufRead as _, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::OnceLock,
};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::house::json;

pub(crate) struct Dropbox {
    pub(crate) base: String,
    folder: TempDir,
    child: Child,
}

impl Drop for Dropbox {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Dropbox {
    /// One with an account called Ada.
    pub(crate) async fn start() -> Self {
        sluice_runtime::install_crypto();
        let folder = tempfile::tempdir().unwrap();
        let files = folder.path().join("files");
        let (base, child) = tokio::task::spawn_blocking(move || start(files)).await.unwrap();
        Self { base, folder, child }
    }

    /// Connects the account: its id and its refresh token.
    pub(crate) async fn connect(&self) -> (String, String) {
        let request = reqwest::Client::new().post(format!("{}/emulator/grant", self.base));
        let grant = json(request.json(&json!({ "account": "Ada", "client_id": "k" })).send().await.unwrap()).await;
        let word = |name: &str| grant[name].as_str().unwrap().to_owned();
        (word("account_id"), word("refresh_token"))
    }

    /// Where the account's file of this path lies.
    pub(crate) fn file(&self, path: &str) -> PathBuf {
        self.folder.path().join("files/Ada").join(path.trim_start_matches('/'))
    }

    /// Puts a file there.
    pub(crate) fn put(&self, path: &str, content: &[u8]) {
        let path = self.file(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
}

#[expect(clippy::disallowed_methods, reason = "tests start one known program, without a shell")]
fn start(files: PathBuf) -> (String, Child) {
    let mut command = Command::new(binary());
    command.arg("--folder").arg(files).args(["--account", "Ada", "--bind", "127.0.0.1:0"]);
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let base = line.trim().strip_prefix("listening on ").unwrap().trim_end_matches('/').to_owned();
    (base, child)
}

/// Another package's binary has no `CARGO_BIN_EXE_*`, and a guessed path may be stale: cargo names it.
#[expect(clippy::disallowed_methods, reason = "tests start one known program, without a shell")]
fn binary() -> PathBuf {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    let path = PATH.get_or_init(|| {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["build", "-q", "-p", "sluice-dropbox-emulator", "--message-format=json"]);
        // ring's build script watches what cargo tells a test about its own package: with it ring, and all that stands on it, would be
        // compiled again, here and once more after the test.
        for (variable, _) in std::env::vars_os() {
            let name = variable.to_str().unwrap_or_default();
            if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
                cargo.env_remove(variable);
            }
        }
        let built = cargo.current_dir(env!("CARGO_MANIFEST_DIR")).stderr(Stdio::inherit()).output().unwrap();
        assert!(built.status.success(), "the emulator does not build");
        let lines = built.stdout.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok());
        lines.filter_map(|line: Value| line["executable"].as_str().map(PathBuf::from)).next_back().unwrap()
    });
    path.clone()
}
