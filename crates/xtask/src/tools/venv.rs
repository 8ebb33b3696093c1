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
                .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"])
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

/// The packages of a list, without their versions.
fn names(list: &str) -> String {
    let packages = list.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    packages.filter_map(|line| line.split("==").next()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_there_and_pinned() {
        for list in Venv::Test.lists() {
            let text = fs::read_to_string(&list).unwrap();
            for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
                assert!(line.contains("=="), "{}: {line} is not pinned", list.display());
            }
        }
        assert_eq!(names("# c\na==1\nb==2\n"), "a, b");
    }
}
