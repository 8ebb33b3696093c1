//! Finds the workspace's binaries, freshly built.
//!
//! A separate package gets no `CARGO_BIN_EXE_*`, and a test that guesses a path may pass beside a stale binary. So the
//! harness asks cargo, once per test process: some milliseconds when nothing changed. Tests get what is built for tests,
//! benches what is built for people. All binaries are built by one
//! command, because cargo chooses the features of dependencies per command: one at a time would build ring five times.

use std::{collections::BTreeMap, path::PathBuf, process::Stdio, sync::OnceLock};

use anyhow::{Context, Result, anyhow, ensure};
use serde_json::Value;

use crate::tools::repository;

static BUILT: OnceLock<Result<BTreeMap<String, PathBuf>, String>> = OnceLock::new();

/// The path of the binary called `name`.
pub fn binary(name: &str) -> Result<PathBuf> {
    let built = BUILT
        .get_or_init(|| build().map_err(|error| format!("{error:#}")))
        .as_ref()
        .map_err(|error| anyhow!("{error}"))?;
    built.get(name).cloned().with_context(|| format!("cargo named no executable for {name}"))
}

fn build() -> Result<BTreeMap<String, PathBuf>> {
    #[expect(clippy::disallowed_methods, reason = "the one place where the harness starts cargo")]
    let mut cargo = std::process::Command::new(env!("CARGO"));
    cargo
        .args(["build", "--workspace", "--bins", "--message-format=json-render-diagnostics"])
        .args(if cfg!(debug_assertions) { None } else { Some("--release") })
        .current_dir(repository())
        .stdin(Stdio::null())
        .stderr(Stdio::inherit());
    // ring's build script watches the variables that cargo gives a test about its own package: with them ring, and all
    // that stands on it, would be compiled again here and once more after the test.
    for (variable, _) in std::env::vars_os() {
        if variable.to_str().is_some_and(|name| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")) {
            cargo.env_remove(variable);
        }
    }
    let output = cargo.output().context("cargo cannot be started")?;
    ensure!(output.status.success(), "cargo build --bins: {}", output.status);
    let mut binaries = BTreeMap::new();
    for line in output.stdout.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()) {
        let message: Value = serde_json::from_slice(line).context("cargo printed something else than JSON")?;
        if let (Some(name), Some(path)) = (message["target"]["name"].as_str(), message["executable"].as_str()) {
            binaries.insert(name.to_owned(), PathBuf::from(path));
        }
    }
    Ok(binaries)
}
