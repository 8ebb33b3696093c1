//! Installing packages on Debian and Ubuntu, as root or through sudo. Elsewhere nothing is touched.

use std::{path::Path, process::Command};

use anyhow::{Context as _, Result};

use crate::program::{command, find, run};

/// Installs these packages; `false` where that is not possible.
pub(super) fn install(packages: &[&str]) -> Result<bool> {
    if !Path::new("/etc/debian_version").exists() || find("apt-get").is_none() {
        return Ok(false);
    }
    let root = nix::unistd::geteuid().is_root();
    if !root && find("sudo").is_none() {
        return Ok(false);
    }
    println!("Installing {} …", packages.join(", "));
    run(apt_get(root).args(["update", "-q"])).context("apt-get update")?;
    run(apt_get(root).args(["install", "-q", "-y", "--no-install-recommends"]).args(packages))
        .context("apt-get install")?;
    Ok(true)
}

fn apt_get(root: bool) -> Command {
    let mut apt = command(if root { "env" } else { "sudo" });
    // sudo forgets the environment, so it is told on the command line, as `env` is.
    apt.args(["DEBIAN_FRONTEND=noninteractive", "apt-get"]);
    apt
}
