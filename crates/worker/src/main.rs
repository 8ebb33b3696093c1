//! `sluice-worker`: takes jobs from Redis and carries them out. Any number of them may run, on any hosts.

mod app;
mod attempt;
mod handler;
mod listing;

use clap::Parser;

/// Takes jobs from Redis, fetches what they link to, and puts it into the owner's Dropbox.
///
/// Run as many as you like on one Redis. Settings come from --config, then from `SLUICE__SECTION__KEY` in the environment.
#[derive(Debug, Parser)]
#[command(name = "sluice-worker", version)]
struct Args {
    #[command(flatten)]
    boot: sluice_runtime::BootArgs,
}

fn main() -> std::process::ExitCode {
    let args = Args::parse();
    sluice_runtime::run("sluice-worker", &args.boot, app::run)
}
