//! The Python virtual environment of the repository: yt-dlp with all it can use, pinned; for tests also the judges of the emulator.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
};

use anyhow::{Context as _, Result};

use crate::{
    place,
    program::{command, find, output, run},
};

/// Which requirements.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Venv {
    /// To run Sluice: the same list as in the container image.
    Run,
    /// To test it, in addition.
    Test,
}

impl Venv {
    fn lists(self) -> Vec<PathBuf> {
        let run = place::root().join("config/container/requirements.txt");
        match self {
            Self::Run => vec![run],
            Self::Test => vec![run, place::root().join("tests/requirements.txt")],
        }
    }

    /// Makes the venv, or renews it where the lists changed. Nothing to do takes some milliseconds.
    pub(super) fn ensure(self) -> Result<()> {
        let venv = place::venv();
        if !works() {
            println!("Making a Python virtual environment in {} …", venv.display());
            let python = find("python3").context("python3 is missing")?;
            output(command(python).args(["-m", "venv", "--clear"]).arg(&venv))?;
        }
        for list in self.lists() {
            let wanted = fs::read_to_string(&list).with_context(|| format!("cannot read {}", list.display()))?;
            let stamp = stamp(&venv, &list);
            if fs::read_to_string(&stamp).is_ok_and(|had| had == wanted) {
                continue;
            }
            println!("Installing {} with pip …", names(&wanted));
            run(command(place::in_venv("python"))
                .args([
                    "-m",
                    "pip",
                    "install",
                    "--quiet",
                    "--disable-pip-version-check",
                    "--require-hashes",
                    "--requirement",
                ])
                .arg(&list))?;
            fs::write(&stamp, wanted).with_context(|| format!("cannot write {}", stamp.display()))?;
        }
        Ok(())
    }
}

/// Can this machine's python3 make a venv?
pub(super) fn possible() -> bool {
    works() || python(Path::new("python3"), "import ensurepip, venv")
}

/// A venv stops working when it is moved or its Python goes.
fn works() -> bool {
    python(&place::in_venv("python"), "import pip")
}

fn python(program: &Path, script: &str) -> bool {
    let status = command(program).args(["-c", script]).stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

/// What was installed last from a list, kept in the venv so that it goes with it.
fn stamp(venv: &Path, list: &Path) -> PathBuf {
    let relative = list.strip_prefix(place::root()).unwrap_or(list);
    venv.join(format!("installed-{}", relative.display().to_string().replace('/', "-")))
}

/// The packages of a list, without their versions and the hashes that follow on lines of their own.
fn names(list: &str) -> String {
    packages(list).filter_map(|line| line.split("==").next()).collect::<Vec<_>>().join(", ")
}

/// The lines of a list that name a package.
fn packages(list: &str) -> impl Iterator<Item = &str> {
    list.lines().filter(|line| line.starts_with(|first: char| first.is_ascii_alphanumeric()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_there_and_pinned_by_hash() {
        for list in Venv::Test.lists() {
            let text = fs::read_to_string(&list).unwrap();
            let hashed = text.split("\n    --hash=sha256:").count() - 1;
            assert!(hashed > 0 && hashed == text.matches("--hash=").count(), "{}", list.display());
            for line in packages(&text) {
                assert!(line.contains("==") && line.ends_with('\\'), "{}: {line} is not pinned", list.display());
            }
        }
        assert_eq!(names("# c\na==1 \\\n    --hash=sha256:0 \\\n    --hash=sha256:1\nb==2\n"), "a, b");
    }
}
