//! What a program may leave behind: processes, and files in the spool.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Result;
use nix::unistd::Pid;

/// Processes that have anything to do with `directory`: their working directory, an argument or an open file lies there.
/// A child that changed its group or lost its parent is found all the same.
pub(super) fn processes(directory: &Path) -> Vec<(Pid, String)> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let numbers = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let own = nix::unistd::getpid().as_raw();
    numbers
        .filter(|&number| number != own)
        .filter_map(|number| {
            let place = Path::new("/proc").join(number.to_string());
            let line = fs::read(place.join("cmdline")).ok()?;
            let line = String::from_utf8_lossy(&line).replace('\0', " ");
            let inside = |link: &Path| fs::read_link(link).is_ok_and(|target| target.starts_with(directory));
            let touches = line.contains(directory.to_str()?)
                || inside(&place.join("cwd"))
                || fs::read_dir(place.join("fd")).is_ok_and(|files| files.flatten().any(|file| inside(&file.path())));
            touches.then(|| (Pid::from_raw(number), line))
        })
        .collect()
}

/// What lies in the spool: directories, and files that hold anything. An empty file is a lock, and may stay.
pub(super) fn spooled(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let data = entry.metadata()?;
        if data.is_dir() || data.len() > 0 {
            found.push(entry.path());
        }
    }
    Ok(found)
}
