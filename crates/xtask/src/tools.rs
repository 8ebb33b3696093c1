//! What has to be on the machine: found, or installed where we know how.

mod apt;
mod venv;

use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::program::find;

pub(crate) use venv::Venv;

/// A program that must be there.
pub(crate) struct Need {
    /// Any of these will do.
    programs: &'static [&'static str],
    /// Debian's and Ubuntu's package.
    package: &'static str,
    /// What it is needed for.
    purpose: &'static str,
}

const REDIS: Need =
    Need { programs: &["redis-server", "valkey-server"], package: "redis-server", purpose: "keeps jobs and accounts" };
const FFMPEG: Need = Need { programs: &["ffmpeg"], package: "ffmpeg", purpose: "joins video and sound" };
const FFPROBE: Need = Need { programs: &["ffprobe"], package: "ffmpeg", purpose: "looks into media" };
const PYTHON: Need = Need { programs: &["python3"], package: "python3-venv", purpose: "runs yt-dlp" };
const CHROMIUM: Need = Need {
    programs: &["chromium", "chromium-browser", "google-chrome"],
    package: "chromium",
    purpose: "a real browser",
};
const DRIVER: Need = Need { programs: &["chromedriver"], package: "chromium-driver", purpose: "steers the browser" };
const RCLONE: Need = Need {
    programs: &["rclone"],
    package: "rclone",
    purpose: "judges the Dropbox emulator, and is measured beside Sluice",
};

/// What running Sluice needs.
pub(crate) const RUN: &[Need] = &[REDIS, FFMPEG, FFPROBE, PYTHON];
/// What measuring it beside others needs.
pub(crate) const PEERS: &[Need] = &[REDIS, FFMPEG, FFPROBE, PYTHON, RCLONE];
/// What testing it needs.
pub(crate) const TEST: &[Need] = &[REDIS, FFMPEG, FFPROBE, PYTHON, CHROMIUM, DRIVER, RCLONE];

impl Need {
    fn there(&self) -> Option<PathBuf> {
        self.programs.iter().find_map(|name| find(name))
    }
}

/// Sees to it that all of these are there, and the venv with what it needs.
pub(crate) fn ensure(needs: &[Need], venv: Venv) -> Result<()> {
    let missing: Vec<&Need> = needs.iter().filter(|need| need.there().is_none()).collect();
    let mut packages: Vec<&str> = missing.iter().map(|need| need.package).collect();
    // Debian's python3 alone cannot make a venv.
    if !packages.contains(&PYTHON.package) && find("python3").is_some() && !venv::possible() {
        packages.push(PYTHON.package);
    }
    packages.dedup();
    if !packages.is_empty() && !apt::install(&packages)? {
        bail!("{}", wanted(&missing, &packages));
    }
    let still: Vec<&Need> = needs.iter().filter(|need| need.there().is_none()).collect();
    if !still.is_empty() {
        bail!("{}", wanted(&still, &packages));
    }
    venv.ensure()
}

fn wanted(missing: &[&Need], packages: &[&str]) -> String {
    let mut text =
        "these programs are missing, and only on Debian and Ubuntu, as root or with sudo, can they be installed for \
                    you. Install them, then run this again:\n"
            .to_owned();
    for need in missing {
        text += &format!("  - {} ({})\n", need.programs.join(" or "), need.purpose);
    }
    if packages.contains(&PYTHON.package) {
        text += "  - Python 3.10 or newer with its venv module (runs yt-dlp)\n";
    }
    text + &format!("On Debian and Ubuntu: apt-get install {}", packages.join(" "))
}
