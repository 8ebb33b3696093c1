//! One upload session and what it knows of itself.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::chance;
use crate::clock::written;
use crate::content_hash::ContentHash;
use crate::error::Error;
use crate::record;

/// How long a second request to a sequential session waits for the first one.
const TURN: Duration = Duration::from_secs(2);

/// An upload session. Bytes beyond its length may lie on disk: they are what a broken append left, and count for nothing.
pub(crate) struct Session {
    /// `pid_upload_session:` and 50 characters.
    pub(crate) id: String,
    /// Id of the account it belongs to.
    pub(crate) account: String,
    /// Blocks may come in any order and side by side.
    pub(crate) concurrent: bool,
    /// Where the bytes are.
    pub(crate) bytes: PathBuf,
    record: PathBuf,
    /// One request at a time, but for the blocks of a concurrent session.
    turn: Semaphore,
    state: Mutex<State>,
}

/// What the record holds.
#[derive(Serialize, Deserialize)]
pub(super) struct State {
    id: String,
    account: String,
    concurrent: bool,
    /// Seconds since 1970.
    created: i64,
    /// Acknowledged bytes; of a concurrent session the end of its last block.
    pub(super) length: u64,
    /// Acknowledged blocks of a concurrent session: length by offset.
    pub(super) blocks: BTreeMap<u64, u64>,
    pub(super) closed: bool,
    /// The answer of the successful finish.
    committed: Option<Value>,
    /// Hash of the acknowledged bytes. `None` after a restart and for concurrent sessions: the file is read instead.
    #[serde(skip)]
    pub(super) hash: Option<ContentHash>,
}

impl Session {
    pub(super) fn start(folder: &Path, account: &str, concurrent: bool, now: i64) -> Result<Self, Error> {
        let id = format!("pid_upload_session:{}", chance::letters(50));
        let state = State {
            id,
            account: account.to_owned(),
            concurrent,
            created: now,
            length: 0,
            blocks: BTreeMap::new(),
            closed: false,
            committed: None,
            hash: (!concurrent).then(ContentHash::default),
        };
        let session = Self::from_state(folder, state);
        fs::write(&session.bytes, []).map_err(Error::file(&session.bytes))?;
        session.save()?;
        Ok(session)
    }

    /// Reads a session's record; `None` when its bytes are gone without having been committed.
    pub(super) fn reopen(record: &Path) -> Result<Option<Self>, Error> {
        let Some(state) = record::load::<State>(record)? else { return Ok(None) };
        let session = Self::from_state(record.parent().unwrap_or(Path::new("")), state);
        if session.committed().is_none() && !session.bytes.exists() {
            session.remove();
            return Ok(None);
        }
        Ok(Some(session))
    }

    fn from_state(folder: &Path, state: State) -> Self {
        let name = state.id.rsplit(':').next().unwrap_or_default();
        Self {
            id: state.id.clone(),
            account: state.account.clone(),
            concurrent: state.concurrent,
            bytes: folder.join(format!("{name}.bin")),
            record: folder.join(format!("{name}.json")),
            turn: Semaphore::new(1),
            state: Mutex::new(state),
        }
    }

    /// Waits for the requests before this one; `None` when they take too long.
    pub(crate) async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        tokio::time::timeout(TURN, self.turn.acquire()).await.ok()?.ok()
    }

    /// The turn, if nobody has it.
    pub(crate) fn turn_now(&self) -> Option<SemaphorePermit<'_>> {
        self.turn.try_acquire().ok()
    }

    /// Seconds since 1970.
    pub(super) fn created(&self) -> i64 {
        self.state().created
    }

    pub(crate) fn length(&self) -> u64 {
        self.state().length
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.state().closed
    }

    /// The answer of the successful finish, once there was one.
    pub(crate) fn committed(&self) -> Option<Value> {
        self.state().committed.clone()
    }

    /// Marks the session as done; its bytes have become a file.
    pub(crate) fn commit(&self, answer: Value) -> Result<(), Error> {
        {
            let mut state = self.state();
            (state.committed, state.closed, state.hash) = (Some(answer), true, None);
        }
        let _absent = fs::remove_file(&self.bytes);
        self.save()
    }

    /// Whether every byte up to the length has been acknowledged.
    pub(crate) fn is_complete(&self) -> bool {
        let state = self.state();
        let mut reached = 0;
        for (&offset, &length) in &state.blocks {
            if offset > reached {
                return false;
            }
            reached = reached.max(offset + length);
        }
        !state.concurrent || reached >= state.length
    }

    /// The content hash of the acknowledged bytes. May read the file: blocks the thread.
    pub(crate) fn content_hash(&self) -> Result<String, Error> {
        let known = self.state().hash.clone();
        match known {
            Some(hash) => Ok(hash.finish()),
            None => ContentHash::of_file(&self.bytes).map_err(Error::file(&self.bytes)),
        }
    }

    /// Forgets the last `bytes` acknowledged bytes (a fault).
    pub(crate) fn lose(&self, bytes: u64) -> Result<(), Error> {
        {
            let mut state = self.state();
            state.length = state.length.saturating_sub(bytes);
            state.hash = None;
        }
        self.truncate()?;
        self.save()
    }

    /// Cuts the file to the acknowledged length.
    pub(super) fn truncate(&self) -> Result<(), Error> {
        let length = self.length();
        fs::OpenOptions::new()
            .write(true)
            .open(&self.bytes)
            .and_then(|file| file.set_len(length))
            .map_err(Error::file(&self.bytes))
    }

    /// Makes the file on disk hold just the acknowledged bytes. Returns how many these are.
    pub(crate) fn settle(&self) -> Result<u64, Error> {
        self.truncate()?;
        Ok(self.length())
    }

    /// For the control API.
    pub(crate) fn describe(&self) -> Value {
        let state = self.state();
        let created = jiff::Timestamp::from_second(state.created).map(written).unwrap_or_default();
        json!({
            "session_id": state.id, "account_id": state.account, "concurrent": state.concurrent,
            "length": state.length, "closed": state.closed, "created": created,
        })
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn save(&self) -> Result<(), Error> {
        // Under the lock: blocks of a concurrent session arrive at the same time, and one record is written at a time.
        let state = self.state();
        record::save(&self.record, &*state)
    }

    pub(super) fn remove(&self) {
        for path in [&self.bytes, &self.record] {
            let _absent = fs::remove_file(path);
        }
    }
}
