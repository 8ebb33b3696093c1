//! Running somebody else's program to its end, within a time.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::process::Command;

const TIME: Duration = Duration::from_secs(180);

/// Runs a program with just this environment and returns what it printed; an error with its messages when it fails.
pub(crate) async fn run(
    program: &Path,
    arguments: &[&str],
    environment: &BTreeMap<String, String>,
    directory: &Path,
) -> Result<Vec<u8>> {
    #[expect(clippy::disallowed_methods, reason = "the one place where these tests start a program")]
    let mut command = Command::new(program);
    command.args(arguments.iter().map(OsStr::new)).env_clear().envs(environment).current_dir(directory);
    command.stdin(Stdio::null()).kill_on_drop(true);
    let running = tokio::time::timeout(TIME, command.output());
    let what = format!("{} {}", program.display(), arguments.join(" "));
    let output = running.await.with_context(|| format!("{what}: too slow"))?;
    let output = output.with_context(|| format!("{what} cannot be started; is it installed?"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{what}: {}\n{}\n{said}", output.status, String::from_utf8_lossy(&output.stdout));
    Ok(output.stdout)
}
