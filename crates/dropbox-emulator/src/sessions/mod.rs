//! Upload sessions: their bytes on disk, their state in a small record beside them.
//!
//! A session outlives the emulator's restart. Refuses to hold bytes in memory.

pub(crate) mod append;
pub(crate) mod session;

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::error::Error;
use crate::sessions::session::Session;

const SECONDS_PER_DAY: i64 = 24 * 60 * 60;

/// All sessions that have not expired, committed ones included.
pub(crate) struct Sessions {
    folder: PathBuf,
    by_id: Mutex<HashMap<String, Arc<Session>>>,
}

impl Sessions {
    /// Takes up the sessions of an earlier run.
    pub(crate) fn open(folder: &Path) -> Result<Self, Error> {
        fs::create_dir_all(folder).map_err(Error::file(folder))?;
        let mut by_id = HashMap::new();
        for entry in fs::read_dir(folder).map_err(Error::file(folder))?.flatten() {
            if entry.path().extension().is_some_and(|extension| extension == "json")
                && let Some(session) = Session::reopen(&entry.path())?
            {
                by_id.insert(session.id.clone(), Arc::new(session));
            }
        }
        Ok(Self { folder: folder.into(), by_id: Mutex::new(by_id) })
    }

    /// Where the sessions' bytes are.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Opens a session at `now`, in seconds since 1970.
    pub(crate) fn start(&self, account: &str, concurrent: bool, now: i64) -> Result<Arc<Session>, Error> {
        let session = Arc::new(Session::start(&self.folder, account, concurrent, now)?);
        self.lock().insert(session.id.clone(), Arc::clone(&session));
        Ok(session)
    }

    /// The account's session, unless it is older than `days`.
    pub(crate) fn find(&self, id: &str, account: &str, now: i64, days: i64) -> Option<Arc<Session>> {
        let session = self.lock().get(id).filter(|session| session.account == account).cloned()?;
        if now - session.created() < days * SECONDS_PER_DAY {
            return Some(session);
        }
        self.forget(id);
        None
    }

    /// Loses a session, with its bytes.
    pub(crate) fn forget(&self, id: &str) {
        if let Some(session) = self.lock().remove(id) {
            session.remove();
        }
    }

    /// Sessions that wait for more bytes or for their commit.
    pub(crate) fn uncommitted(&self) -> Vec<Arc<Session>> {
        self.lock().values().filter(|session| session.committed().is_none()).cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Arc<Session>>> {
        self.by_id.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
