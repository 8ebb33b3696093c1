//! curl, as people use it: what it thinks of a download is what everybody's tools think.

use std::{path::Path, process::Stdio};

use anyhow::{Context, Result};
use tokio::process::{Child, Command};

/// Exit codes by which curl tells that a file is torn: fewer bytes than announced or no end, a reset, a stream of HTTP/2 that was not closed.
pub const TORN: [i32; 3] = [18, 56, 92];

/// A download to a file, with what is there already kept and gone on with when `resume` is set.
pub fn download(address: &str, token: &str, to: &Path, resume: bool, more: &[&str]) -> Result<Child> {
    #[expect(clippy::disallowed_methods, reason = "the one place where the harness starts curl")]
    let mut command = Command::new("curl");
    command.args(["--silent", "--show-error", "--fail", "--max-time", "120", "--header"]);
    command.arg(format!("Authorization: Bearer {token}")).args(more);
    if resume {
        command.args(["--continue-at", "-"]);
    }
    command.arg("--output").arg(to).arg(address);
    command.stdin(Stdio::null()).stdout(Stdio::null()).kill_on_drop(true);
    command.spawn().context("curl is missing")
}

/// Its exit code once it has ended.
pub async fn ended(mut curl: Child) -> Result<i32> {
    curl.wait().await?.code().context("curl was killed")
}
