//! The data directory's making: private folders, the lock, the secret key.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{ErrorKind, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
};

use anyhow::{Context as _, Result, bail};
use nix::fcntl::{Flock, FlockArg};

use crate::{place::DataDir, random};

/// Bytes of a new secret key.
const KEY_BYTES: usize = 32;

/// Held as long as this `sluice up` runs; the system lets go of it however the process ends.
pub(super) struct Lock(Flock<File>);

impl Lock {
    /// Notes what a second `sluice up` shall tell.
    pub(super) fn note(&mut self, line: &str) -> Result<()> {
        self.0.set_len(0)?;
        self.0.write_all(line.as_bytes()).context("the lock file cannot be written")
    }
}

/// Makes the folders and takes the lock.
pub(super) fn open(data: &DataDir) -> Result<Lock> {
    let private = |dir: &std::path::Path| {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(dir)
            .with_context(|| format!("cannot make {}", dir.display()))
    };
    private(&data.root)?;
    let path = data.lock_file();
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path)
        .with_context(|| format!("cannot open {}", path.display()))?;
    let lock = match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
        Ok(lock) => Lock(lock),
        Err((_, nix::errno::Errno::EWOULDBLOCK)) => {
            let note = fs::read_to_string(&path).unwrap_or_default();
            bail!(
                "Sluice already runs with the data directory {} ({}). Use that one, stop it first, or choose another with --data-dir.",
                data.root.display(),
                if note.is_empty() { "it is just starting" } else { note.trim() },
            );
        }
        Err((_, error)) => return Err(error).with_context(|| format!("cannot lock {}", path.display())),
    };
    match fs::remove_dir_all(data.run_dir()) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error).context("cannot empty the run folder"),
        _ => {}
    }
    for dir in [data.run_dir(), data.redis_dir(), data.dropbox_folder(), data.spool_dir()] {
        private(&dir)?;
    }
    Ok(lock)
}

/// Makes the secret key at the first start. Losing it means that everybody has to connect their Dropbox again.
pub(super) fn ensure_secret_key(data: &DataDir) -> Result<()> {
    let path = data.secret_key_file();
    let key = random::hex::<KEY_BYTES>().context("no random bytes")?;
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path) {
        Ok(mut file) => file
            .write_all(key.as_bytes())
            .and_then(|()| file.sync_all())
            .with_context(|| format!("cannot write {}", path.display())),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error).with_context(|| format!("cannot make {}", path.display())),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_second_owner_is_told_about_the_first() {
        let dir = tempfile::tempdir().unwrap();
        let data = DataDir { root: dir.path().join("data") };
        let mut first = open(&data).unwrap();
        first.note("process 7, http://127.0.0.1:8080").unwrap();
        let told = open(&data).err().unwrap().to_string();
        assert!(told.contains("already runs") && told.contains("process 7"), "{told}");
        drop(first);
        assert!(open(&data).is_ok());
    }

    #[test]
    fn the_key_is_made_once_and_private() {
        let dir = tempfile::tempdir().unwrap();
        let data = DataDir { root: dir.path().to_owned() };
        ensure_secret_key(&data).unwrap();
        let key = fs::read_to_string(data.secret_key_file()).unwrap();
        assert_eq!(key.len(), 2 * KEY_BYTES);
        ensure_secret_key(&data).unwrap();
        assert_eq!(fs::read_to_string(data.secret_key_file()).unwrap(), key);
        assert_eq!(fs::metadata(data.secret_key_file()).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
