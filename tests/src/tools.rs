//! Where the tests find the tools that they run for real.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use anyhow::{Result, ensure};

/// The Python that has yt-dlp and the Dropbox SDK: `SLUICE_TEST_PYTHON`, or the one below `.sluice/tools`.
pub fn python() -> Result<PathBuf> {
    #[expect(clippy::disallowed_methods, reason = "tests have no settings: this one name says which Python to use")]
    let named = std::env::var("SLUICE_TEST_PYTHON").ok().map(PathBuf::from);
    let python = named.unwrap_or_else(|| repository().join(".sluice/tools/venv/bin/python"));
    ensure!(
        python.exists(),
        "{} does not exist: make it with `python3 -m venv .sluice/tools/venv` and \
         `.sluice/tools/venv/bin/pip install 'yt-dlp[default,deno]' dropbox`",
        python.display()
    );
    Ok(python)
}

/// What `--plugin-dirs` must name.
pub fn plugins() -> PathBuf {
    repository().join("tests/plugins")
}

/// The root of the repository.
pub fn repository() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// What a program needs of the tests' own environment, and no more: where tools are found.
pub fn environment() -> BTreeMap<String, String> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    BTreeMap::from([("PATH".to_owned(), path.to_string_lossy().into_owned())])
}
