//! Real yt-dlp with the tests' plugin, in a directory of its own.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use e2e::tools;
use serde_json::Value;
use tempfile::TempDir;

const TIMEOUT: Duration = Duration::from_secs(120);

/// Runs yt-dlp; an error with its messages when it fails.
pub(crate) async fn yt_dlp(directory: &Path, arguments: &[&str]) -> Result<String> {
    #[expect(clippy::disallowed_methods, reason = "the one place where these tests start yt-dlp")]
    let mut command = tokio::process::Command::new(tools::python()?);
    command
        .current_dir(directory)
        .args(["-m", "yt_dlp", "--ignore-config", "--no-update", "--no-cache-dir", "--retries", "0", "--plugin-dirs"])
        .arg(tools::plugins())
        .args(arguments)
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let output = tokio::time::timeout(TIMEOUT, command.output()).await.context("yt-dlp takes too long")??;
    let messages = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "yt-dlp {arguments:?}: {}\n{messages}", output.status);
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// What yt-dlp finds behind `url`.
pub(crate) async fn info(url: &str) -> Result<Value> {
    info_with(url, &[]).await
}

/// The same with more options.
pub(crate) async fn info_with(url: &str, options: &[&str]) -> Result<Value> {
    let json = yt_dlp(Path::new("."), &[&["--dump-single-json"], options, &["--", url]].concat()).await?;
    serde_json::from_str(&json).context("yt-dlp did not print JSON")
}

/// Downloads what `selector` picks, without any mending afterwards.
pub(crate) async fn download(url: &str, selector: &str) -> Result<Vec<u8>> {
    let (_directory, file) = fetch(url, selector).await?;
    Ok(std::fs::read(file)?)
}

/// Downloads what `selector` picks into a file that lives as long as its directory.
pub(crate) async fn fetch(url: &str, selector: &str) -> Result<(TempDir, PathBuf)> {
    fetch_with(url, &["-f", selector]).await
}

/// Downloads with these options, without any mending afterwards.
pub(crate) async fn fetch_with(url: &str, options: &[&str]) -> Result<(TempDir, PathBuf)> {
    let directory = tempfile::tempdir()?;
    let common = ["--quiet", "--fixup", "never", "--abort-on-unavailable-fragments", "-o", "got.%(ext)s"];
    yt_dlp(directory.path(), &[&common[..], options, &["--", url]].concat()).await?;
    let file = std::fs::read_dir(directory.path())?.next().context("nothing was downloaded")??.path();
    Ok((directory, file))
}
