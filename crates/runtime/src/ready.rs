//! How a server says that it is ready: one line on standard output and, where asked for, a file.

use std::{fs, io, io::Write as _, path::Path};

/// Prints `listening on http://ADDR` and writes `http://ADDR` to the ready file.
///
/// `addr_text` is an address and port, such as `127.0.0.1:8080`.
///
/// # Errors
/// When the file cannot be written.
pub fn announce(addr_text: &str, ready_file: Option<&Path>) -> io::Result<()> {
    let url = format!("http://{addr_text}");
    say(&format!("listening on {url}"), &url, ready_file)
}

/// The same for a process that listens nowhere: prints `ready` and writes it to the ready file.
///
/// # Errors
/// When the file cannot be written.
pub(crate) fn announce_without_address(ready_file: Option<&Path>) -> io::Result<()> {
    say("ready", "ready", ready_file)
}

fn say(line: &str, content: &str, ready_file: Option<&Path>) -> io::Result<()> {
    if let Some(path) = ready_file {
        // Renamed into place: whoever sees the file reads it whole.
        let mut partial = path.as_os_str().to_owned();
        partial.push(".partial");
        fs::write(&partial, content)?;
        fs::rename(&partial, path)?;
    }
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_holds_the_address() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("ready");
        announce("127.0.0.1:8080", Some(&file)).unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "http://127.0.0.1:8080");
        announce_without_address(Some(&file)).unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "ready");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
