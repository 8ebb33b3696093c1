//! rclone, unchanged, through a proxy that leads Dropbox's names to the emulator.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use e2e::authority::Authority;
use e2e::connect_proxy::ConnectProxy;
use e2e::emulator::Emulator;
use e2e::person::ADA;
use e2e::tools;
use reqwest::{Certificate, Client, Method};
use serde_json::{Value, json};

use crate::practice::{Practice, bytes, send};
use crate::program::run;

/// rclone with a configuration for one account of one emulator.
struct Rclone {
    practice: Practice,
    proxy: ConnectProxy,
    program: PathBuf,
    environment: BTreeMap<String, String>,
    home: tempfile::TempDir,
}

impl Rclone {
    async fn start() -> Result<Self> {
        let directory = tempfile::tempdir()?;
        let authority = Authority::make(directory.path())?;
        let mut flags = authority.flags();
        flags.extend(["--app-key", "K:S"].map(str::to_owned));
        let emulator = Emulator::start(directory.path(), &flags).await?;
        let target = emulator.address().strip_prefix("https://").context("no TLS")?.to_owned();
        e2e::http::client()?; // Installs the TLS provider.
        let root = Certificate::from_pem(&std::fs::read(authority.root())?)?;
        let client = Client::builder().tls_certs_only([root]).build()?;
        let proxy = ConnectProxy::start(&target).await?;
        let home = tempfile::tempdir()?;
        let mut environment = tools::environment();
        environment.insert("HTTPS_PROXY".into(), proxy.url.clone());
        environment.insert("SSL_CERT_FILE".into(), authority.root().to_string_lossy().into_owned());
        environment.insert("HOME".into(), home.path().to_string_lossy().into_owned());
        let program = find("rclone").context("rclone is not installed: install it with your package system")?;
        let practice = Practice::connect(emulator, directory, client).await?;
        let rclone = Self { practice, proxy, program, environment, home };
        rclone.configure().await?;
        Ok(rclone)
    }

    /// Writes a token that has expired by its own date: the first call has to refresh it.
    async fn configure(&self) -> Result<()> {
        let asked = json!({"account": ADA, "client_id": "K"});
        let grant = self.practice.control(Method::POST, "grant", &asked).await?;
        let token = json!({
            "access_token": "sl.u.long-gone-token-of-another-day", "token_type": "bearer",
            "refresh_token": grant["refresh_token"], "expiry": "2020-01-01T00:00:00Z",
        });
        let config = format!("[dbx]\ntype = dropbox\nclient_id = K\nclient_secret = S\ntoken = {token}\n");
        Ok(std::fs::write(self.home.path().join("rclone.conf"), config)?)
    }

    async fn run(&self, arguments: &[&str]) -> Result<Vec<u8>> {
        let common = ["--config", "rclone.conf", "--low-level-retries", "3", "--retries", "1"];
        run(&self.program, &[&common[..], arguments].concat(), &self.environment, self.home.path()).await
    }

    async fn text(&self, arguments: &[&str]) -> Result<String> {
        Ok(String::from_utf8_lossy(&self.run(arguments).await?).into_owned())
    }
}

fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|program| program.is_file())
}

fn write(folder: &Path, name: &str, content: &[u8]) -> Result<()> {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().context("no parent")?)?;
    Ok(std::fs::write(path, content)?)
}

#[tokio::test]
async fn rclone_is_content() -> Result<()> {
    let rclone = Rclone::start().await?;
    let source = rclone.home.path().join("source");
    let big = bytes(20 << 20);
    write(&source, "big.bin", &big)?;
    write(&source, "Ordner/klein.txt", b"hello")?;
    write(&source, "Ordner/é 🎬.txt", b"emoji")?;
    write(&source, "empty", b"")?;
    rclone.run(&["copy", "source", "dbx:up", "--dropbox-chunk-size", "8M"]).await?;
    // Compares sizes and content hashes.
    rclone.run(&["check", "source", "dbx:up"]).await?;
    rclone.run(&["check", "source", "dbx:up", "--download"]).await?;
    rclone.run(&["copy", "source", "dbx:single", "--dropbox-batch-mode", "off"]).await?;
    rclone.run(&["check", "source", "dbx:single"]).await?;
    let listed = rclone.text(&["lsf", "-R", "dbx:up"]).await?;
    let mut names: Vec<&str> = listed.lines().collect();
    names.sort_unstable();
    ensure!(names == ["Ordner/", "Ordner/klein.txt", "Ordner/é 🎬.txt", "big.bin", "empty"], "{listed}");
    ensure!(rclone.run(&["cat", "dbx:up/big.bin", "--offset", "1000", "--count", "5000"]).await? == big[1000..6000]);
    let about: Value = serde_json::from_slice(&rclone.run(&["about", "dbx:", "--json"]).await?)?;
    ensure!(about["used"] == 2 * ((20 << 20) + 10), "{about}");
    let link = rclone.text(&["link", "dbx:up/Ordner/klein.txt"]).await?;
    ensure!(rclone.text(&["link", "dbx:up/Ordner/klein.txt"]).await? == link, "the second link differs");
    let here = link.trim().replace("https://api.dropboxapi.com", rclone.practice.emulator.address());
    ensure!(send(rclone.practice.client.get(here)).await?.text() == "hello", "{link}");
    rclone.run(&["mkdir", "dbx:new"]).await?;
    ensure!(rclone.text(&["lsf", "dbx:"]).await? == "new/\nsingle/\nup/\n");
    rclone.run(&["rmdir", "dbx:new"]).await?;
    rclone.run(&["deletefile", "dbx:up/empty"]).await?;
    rclone.run(&["purge", "dbx:single"]).await?;
    ensure!(rclone.text(&["lsf", "dbx:"]).await? == "up/\n");
    ensure!(rclone.proxy.strangers().is_empty(), "{:?}", rclone.proxy.strangers());
    let calls = rclone.practice.control(Method::GET, "calls?route=oauth2/token", &Value::Null).await?;
    ensure!(calls["calls"].as_array().is_some_and(|calls| !calls.is_empty()), "rclone never refreshed");
    Ok(())
}

#[tokio::test]
async fn rclone_survives_the_usual_trouble() -> Result<()> {
    let rclone = Rclone::start().await?;
    write(&rclone.home.path().join("source"), "big.bin", &bytes(20 << 20))?;
    let fault = async |route: &str, fault: Value| rclone.practice.fault(route, fault).await;
    fault("files/upload_session/append_v2", json!({"kind": "lose_response"})).await?;
    fault("files/upload_session/append_v2", json!({"kind": "rate_limit", "shape": "json", "retry_after": 1})).await?;
    fault("files/upload_session/finish_batch_v2", json!({"kind": "rate_limit", "shape": "text"})).await?;
    fault("files/get_metadata", json!({"kind": "status", "code": 503})).await?;
    rclone.run(&["copy", "source", "dbx:up", "--dropbox-chunk-size", "8M"]).await?;
    rclone.run(&["check", "source", "dbx:up"]).await.map(|_| ())
}
