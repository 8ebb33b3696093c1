//! Rules about files: where they may be, what they may say, how long they should be.

use std::{collections::BTreeSet, fs, path::Path};

use anyhow::Result;

use crate::{
    place,
    program::{command, output},
};

/// The folders that may stand at the top.
const FOLDERS: [&str; 7] = [".cargo", ".ci", "config", "crates", "docs", "migrations", "tests"];
/// Longer files have more than one reason to change.
const LONG_LINES: usize = 400;
/// Files that people write line by line.
const WRITTEN: [&str; 6] = ["rs", "lua", "js", "css", "py", "html"];

/// A file of the repository.
pub(super) struct File {
    /// Relative to the root.
    path: String,
    /// Empty for files that are not text.
    text: String,
}

impl File {
    fn extension(&self) -> &str {
        Path::new(&self.path).extension().and_then(|extension| extension.to_str()).unwrap_or_default()
    }
}

/// Every file that git knows or would take.
pub(super) fn list() -> Result<Vec<File>> {
    let git = output(command("git").current_dir(place::root()).args(["ls-files", "-z", "-co", "--exclude-standard"]))?;
    let paths: BTreeSet<&str> = git.split('\0').filter(|path| !path.is_empty()).collect();
    let read = |path: &str| fs::read_to_string(place::root().join(path)).unwrap_or_default();
    Ok(paths.into_iter().map(|path| File { path: path.to_owned(), text: read(path) }).collect())
}

/// Files that ought to be split.
pub(super) fn long(files: &[File]) -> Vec<String> {
    let lines = |file: &File| file.text.lines().count();
    let long = files.iter().filter(|file| WRITTEN.contains(&file.extension()) && lines(file) > LONG_LINES);
    long.map(|file| format!("{} has {} lines: what are its reasons to change?", file.path, lines(file))).collect()
}

/// What may not be.
pub(super) fn faults(files: &[File]) -> Vec<String> {
    let home = std::env::var_os("HOME").unwrap_or_default();
    // A path as short as /src or /root would be found in many that are not ours.
    let mut ours = vec![place::root().display().to_string(), home.to_string_lossy().into_owned()];
    ours.retain(|path| path.matches('/').count() > 1);
    let mut faults = BTreeSet::new();
    for file in files {
        if let Some((folder, _)) = file.path.split_once('/')
            && !FOLDERS.contains(&folder)
        {
            faults.insert(format!("{folder}/ may not stand at the top: there are {}", FOLDERS.join(", ")));
        }
        if let Some(path) = machine_path(&file.text, &ours) {
            faults.insert(format!("{} names a path of one machine: {path}", file.path));
        }
        // A module of unit tests is told by the module that it tests.
        let wants_words = file.extension() == "rs" && !file.path.ends_with("tests.rs");
        if wants_words && !is_documented(&file.text) {
            faults
                .insert(format!("{} does not begin with //!: what does it do, what does it refuse to do?", file.path));
        }
    }
    faults.into_iter().collect()
}

/// A path in the clone or the home of whoever runs this.
fn machine_path(text: &str, ours: &[String]) -> Option<String> {
    let found = ours.iter().find_map(|start| text.find(start.as_str()))?;
    Some(text[found..].chars().take_while(|c| !c.is_whitespace() && !"\"'`),;".contains(*c)).collect())
}

fn is_documented(text: &str) -> bool {
    let first = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    first.starts_with("//!") || first.starts_with("#![doc")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn machine_paths_are_found() {
        let ours = ["/one/clone".to_owned(), "/homes/ada".to_owned()];
        let check = |text: &str, want: Option<&str>| assert_eq!(machine_path(text, &ours).as_deref(), want);
        check("cd /one/clone/x now", Some("/one/clone/x"));
        check("\"/homes/ada/x\"", Some("/homes/ada/x"));
        check("~/.local and /etc/passwd", None);
    }

    #[test]
    fn modules_say_what_they_do() {
        assert!(is_documented("\n//! Words.\n"));
        assert!(is_documented("#![doc = include_str!(\"../README.md\")]\n"));
        assert!(!is_documented("use std::fs;\n"));
        assert!(!is_documented(""));
    }
}
