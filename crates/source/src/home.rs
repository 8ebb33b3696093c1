//! Where the files of one process live, and how the files of dead processes are found.
//!
//! `DIR/owner-XXXX/` belongs to one process, which holds a lock on the file `lock` in it for as long as it lives: the kernel lets go
//! of the lock whatever the process dies of, and knows nothing of process ids that mean something else in the next container.
//! `DIR/sweep` is locked while an owner's directory is made or swept, so that nobody sweeps one whose lock is not taken yet.

use std::{
    fs::{self, DirBuilder, File},
    io,
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::Path,
    thread,
    time::Duration,
};

use nix::fcntl::{Flock, FlockArg};
use tempfile::TempDir;

use crate::SourceError;

const OWNER: &str = "owner-";
const LOCK: &str = "lock";
const SWEEP: &str = "sweep";

/// This process's part of a directory that several may share.
#[derive(Debug)]
pub(crate) struct Home {
    /// Removed when it is dropped. Before the lock, or another process would sweep it at the same time.
    directory: TempDir,
    _lock: Flock<File>,
}

impl Home {
    /// Makes the directory for its owner alone, sweeps it, and makes this process's part of it.
    pub(crate) fn open(shared: &Path) -> Result<Self, SourceError> {
        Self::make(shared).map_err(|source| SourceError::Directory { path: shared.to_path_buf(), source })
    }

    fn make(shared: &Path) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(shared)?;
        let _sweeping = lock(&shared.join(SWEEP), FlockArg::LockExclusive)?;
        let swept = sweep(shared)?;
        if swept > 0 {
            tracing::info!(swept, directory = %shared.display(), "Removed what dead processes left behind");
        }
        let directory = private(OWNER, shared)?;
        let lock = lock(&directory.path().join(LOCK), FlockArg::LockExclusiveNonblock)?;
        Ok(Self { directory, _lock: lock })
    }

    /// A private directory in it, removed when it is dropped.
    pub(crate) fn directory(&self, prefix: &str) -> io::Result<TempDir> {
        private(prefix, self.directory.path())
    }
}

/// Removes the directory of a child that was killed.
pub(crate) fn remove(directory: &Path) {
    // A process that was killed a moment ago may still be in the middle of making a file; on a busy machine a moment is long.
    for _ in 0..200 {
        match fs::remove_dir_all(directory) {
            Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => {
                thread::sleep(Duration::from_millis(5));
            }
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(%error, "A private directory cannot be removed");
                return;
            }
            _ => return,
        }
    }
    tracing::warn!("A private directory fills up while it is removed; it goes when this process ends");
}

/// Removes the directories whose owners are dead. The sweep lock must be held.
fn sweep(shared: &Path) -> io::Result<usize> {
    let mut swept = 0;
    for entry in fs::read_dir(shared)? {
        let entry = entry?;
        if !entry.file_name().as_encoded_bytes().starts_with(OWNER.as_bytes()) {
            continue;
        }
        // Without a lock file, its owner died between two calls.
        let dead = match lock(&entry.path().join(LOCK), FlockArg::LockExclusiveNonblock) {
            Ok(_) => true,
            Err(error) => error.kind() == io::ErrorKind::NotFound,
        };
        if dead {
            match fs::remove_dir_all(entry.path()) {
                Ok(()) => swept += 1,
                // Its owner lived, and has just gone in good order.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(swept)
}

fn private(prefix: &str, parent: &Path) -> io::Result<TempDir> {
    tempfile::Builder::new().prefix(prefix).permissions(fs::Permissions::from_mode(0o700)).tempdir_in(parent)
}

fn lock(path: &Path, how: FlockArg) -> io::Result<Flock<File>> {
    let file = File::options().write(true).create(true).truncate(false).open(path)?;
    Flock::lock(file, how).map_err(|(_, errno)| errno.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owners_come_and_go_at_once() {
        let spool = tempfile::tempdir().unwrap();
        let come_and_go = || {
            for _ in 0..200 {
                Home::open(spool.path()).unwrap();
            }
        };
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(come_and_go);
            }
        });
    }

    #[test]
    fn only_the_dead_are_swept() {
        let spool = tempfile::tempdir().unwrap();
        let home = Home::open(spool.path()).unwrap();
        let fetch = home.directory("fetch-").unwrap();
        fs::create_dir(spool.path().join("owner-dead")).unwrap();
        fs::write(spool.path().join("owner-dead/lock"), "").unwrap();
        fs::create_dir(spool.path().join("somebody-elses")).unwrap();
        let second = Home::open(spool.path()).unwrap();
        assert!(fetch.path().exists());
        assert!(!spool.path().join("owner-dead").exists());
        assert!(spool.path().join("somebody-elses").exists());
        let mode = fs::metadata(second.directory.path()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        drop((fetch, home));
        assert_eq!(fs::read_dir(spool.path()).unwrap().count(), 3, "sweep, somebody-elses, the second owner");
    }
}
