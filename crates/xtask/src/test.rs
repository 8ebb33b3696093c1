//! `cargo xtask test`: everything the tests need, then the tests. A missing tool is installed or named; nothing is skipped.

use std::process::Command;

use anyhow::{Context as _, Result};
use clap::Args;

use crate::{
    place,
    program::{command, run},
    tools::{self, Venv},
};

/// Install what the tests need, build, and run all tests
#[derive(Debug, Args)]
pub(crate) struct Test {
    /// Only tests whose names contain this
    filter: Option<String>,
    /// Also the tests of the image and the compose file; they need a Docker engine
    #[arg(long)]
    docker: bool,
}

/// Runs them.
pub(crate) fn run_all(test: &Test) -> Result<()> {
    tools::ensure(tools::TEST, Venv::Test)?;
    build()?;
    run(cargo().args(["test", "--workspace"]).args(&test.filter)).context("some tests failed")?;
    if test.docker {
        run(command(place::root().join("tests/docker/run")).current_dir(place::root()))
            .context("the Docker tests failed")?;
    }
    Ok(())
}

/// Builds every binary: the tests start them as people do.
pub(crate) fn build() -> Result<()> {
    run(cargo().args(["build", "--workspace", "--bins"])).context("the build failed")
}

/// The cargo that runs us, at the repository's root.
pub(crate) fn cargo() -> Command {
    let mut cargo = command(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    // `cargo run` describes this package to us. Build scripts that look at the same names (ring's does) would run again each time we
    // build and each time somebody else does.
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            cargo.env_remove(&name);
        }
    }
    cargo.current_dir(place::root());
    cargo
}
