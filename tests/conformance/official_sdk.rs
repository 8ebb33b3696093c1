//! Dropbox's official Python SDK, unchanged, over TLS: it must find nothing odd.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use e2e::authority::Authority;
use e2e::emulator::Emulator;
use e2e::tools;

use crate::program::run;

#[tokio::test]
async fn the_official_sdk_is_content() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let authority = Authority::make(directory.path())?;
    let mut flags = authority.flags();
    flags.extend(["--app-key", "K:S"].map(str::to_owned));
    let emulator = Emulator::start(directory.path(), &flags).await?;
    let host = emulator.address().strip_prefix("https://").context("no TLS")?.to_owned();
    let mut environment: BTreeMap<String, String> = tools::environment();
    for name in ["DROPBOX_API_HOST", "DROPBOX_API_CONTENT_HOST", "DROPBOX_API_NOTIFY_HOST", "DROPBOX_WEB_HOST"] {
        environment.insert(name.into(), host.clone());
    }
    environment.insert("REQUESTS_CA_BUNDLE".into(), authority.root().to_string_lossy().into_owned());
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/conformance/official_sdk.py");
    let said = run(&tools::python()?, &[script, emulator.address()], &environment, directory.path()).await?;
    let said = String::from_utf8_lossy(&said).into_owned();
    ensure!(said.lines().last() == Some("all passed"), "{said}");
    Ok(())
}
