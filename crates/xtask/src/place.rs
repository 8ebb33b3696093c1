//! Where things are in the repository. Everything that is made goes below `.sluice` or cargo's target folder, both ignored by git.

use std::{
    env,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};

/// The repository's root.
pub(crate) fn root() -> &'static Path {
    // Two folders above this crate's; the program is built in the clone that it works on.
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap_or(Path::new("."))
}

/// Tools that belong to the repository, not to the machine.
pub(crate) fn venv() -> PathBuf {
    root().join(".sluice/tools/venv")
}

/// A program in the venv.
pub(crate) fn in_venv(name: &str) -> PathBuf {
    venv().join("bin").join(name)
}

/// What the demo makes: a data directory of `sluice up`, and the sample clip.
pub(crate) fn demo() -> PathBuf {
    root().join(".sluice/demo")
}

/// A binary of the workspace: cargo puts all of them beside this one.
pub(crate) fn binary(name: &str) -> Result<PathBuf> {
    let ours = env::current_exe().context("where am I?")?;
    Ok(ours.with_file_name(name))
}
