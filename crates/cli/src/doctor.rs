//! `sluice doctor`: looks at everything an installation rests on, and says how to mend what is wrong. It changes nothing.

mod check;
mod children;
mod dropbox;
mod exit;
mod proxy;
mod redis;
mod spool;
mod tools;

use std::{path::PathBuf, process::ExitCode};

use anyhow::Result;
use clap::Args;
use jiff::Timestamp;

use self::check::{Check, Verdict};
use crate::{installation::Installation, place::Place};

/// Check everything that Sluice rests on, and say how to mend what is wrong
///
/// Looks at Redis, its durability, its clock, the schema and the secret key; yt-dlp and its age, its JavaScript runtime and its Python; ffmpeg and
/// ffprobe; what the kernel holds these to; the way out; the Dropbox app; the proxy in front; the spool's disk. Exit code 0 when nothing is broken (warnings
/// may remain), 1 otherwise.
#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// Print the findings as JSON
    #[arg(long)]
    json: bool,
}

/// Looks, prints, and tells by exit code.
pub(crate) async fn run(place: &Place, doctor: &Doctor) -> Result<ExitCode> {
    let installation = Installation::open(place)?;
    let settings = &installation.settings;
    let (redis, tools, dropbox, children, exit) = tokio::join!(
        redis::checks(&installation),
        tools::checks(&settings.tools, Timestamp::now()),
        dropbox::checks(settings),
        children::check(settings),
        exit::check(settings)
    );
    let mut checks: Vec<Check> = [redis, tools, dropbox].concat();
    checks.extend([children, exit]);
    checks.extend(proxy::check(&settings.server));
    checks.push(spool::check(&spool_dir(&installation), &settings.worker, &settings.limits));
    if doctor.json {
        println!("{}", serde_json::to_string_pretty(&checks)?);
    } else {
        checks.iter().for_each(Check::print);
    }
    let worst = checks.iter().map(|check| check.verdict).max().unwrap_or(Verdict::Good);
    if !doctor.json {
        println!(
            "\n{}",
            match worst {
                Verdict::Good => "All is well.",
                Verdict::Warning => "It works; mind the warnings.",
                Verdict::Bad => "Something has to be mended.",
            }
        );
    }
    Ok(if worst == Verdict::Bad { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Where the worker of this installation spools: `sluice up` moves the spool into its data directory.
fn spool_dir(installation: &Installation) -> PathBuf {
    let ours = installation.data.spool_dir();
    if installation.private_redis && ours.is_dir() { ours } else { installation.settings.worker.spool_dir.clone() }
}
