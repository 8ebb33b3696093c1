//! `cargo xtask bench`: figures, measured in release builds. Nothing is asserted about time; chaos asserts that nothing is lost.

use std::ffi::OsString;

use anyhow::{Context as _, Result, bail};
use clap::Args;

use crate::{
    program::run,
    test::cargo,
    tools::{self, Venv},
};

/// A bench target of the workspace.
struct Target {
    name: &'static str,
    tells: &'static str,
    /// Whether it measures other programs beside ours.
    has_peers: bool,
}

const TARGETS: [Target; 5] = [
    Target {
        name: "chaos",
        tells: "2,000 small jobs while workers, Redis and connections are killed, paused and cut: nothing is lost or doubled \
                (a quarter of an hour; [--seed N] [--jobs N] [--workers N] [--fsync everysec|always])",
        has_peers: false,
    },
    Target {
        name: "flood",
        tells: "10,000 slow connections to the web server, then floods on the form and on /login: what somebody else notices, and memory \
                (five minutes; [--clients N] [--addresses N] [--seconds N])",
        has_peers: false,
    },
    Target {
        name: "lists",
        tells: "a feed of 5,000 entries, 300 of which are taken, beside five links of somebody else: memory, waits, the cancel of a \
                list (five minutes; [--items N])",
        has_peers: false,
    },
    Target {
        name: "queue",
        tells: "the queue alone over real processes: [pick-up] [enqueue] [drain] [trimming], all by default (ten minutes)",
        has_peers: false,
    },
    Target {
        name: "streaming",
        tells: "a site's files into Dropbox over shaped lines, beside yt-dlp, Dropbox's SDK and rclone: [rate] [lines] [cpu] [memory] [disk] \
                [kills] [tabs] [device], all by default (half an hour; [--megabytes N] [--transfers N] [--seed N])",
        has_peers: true,
    },
];

/// Measure, in release builds: chaos, flood, lists, queue, streaming; without a name, list what there is
///
/// Everything behind the name goes to the bench: `cargo xtask bench chaos --jobs 200 --seed 7`.
#[derive(Debug, Args)]
pub(crate) struct Bench {
    /// Which one
    name: Option<String>,
    /// What it is told
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<OsString>,
}

/// Runs it, or lists all.
pub(crate) fn run_one(bench: &Bench) -> Result<()> {
    let Some(name) = &bench.name else {
        for Target { name, tells, .. } in &TARGETS {
            println!("{name:<10} {tells}");
        }
        return Ok(());
    };
    let Some(target) = TARGETS.iter().find(|target| target.name == name) else {
        bail!("there is no bench {name}: only {}", TARGETS.map(|target| target.name).join(", "));
    };
    if target.has_peers {
        tools::ensure(tools::PEERS, Venv::Test)?;
    } else {
        tools::ensure(tools::RUN, Venv::Run)?;
    }
    // The whole workspace, so that dependencies are built with the same features as the binaries that a bench starts.
    run(cargo().args(["bench", "--workspace", "--bench", target.name, "--"]).args(&bench.arguments))
        .with_context(|| format!("the bench {name} failed"))
}
