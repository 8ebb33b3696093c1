//! Who may use the proxy, and what became of it.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use rand::RngCore as _;
use tokio::sync::Semaphore;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::{Refusal, limits::MAX_CONNECTIONS_OF_ONE};

/// The right to use a proxy. When it is dropped, whatever came with it ends.
pub struct Pass {
    key: String,
    port: u16,
    state: Arc<PassState>,
    passes: Passes,
    _end: DropGuard,
}

/// What the proxy knows about one.
pub(crate) struct PassState {
    refusal: Mutex<Option<Refusal>>,
    pub(crate) slots: Arc<Semaphore>,
    pub(crate) end: CancellationToken,
}

/// All passes that are held.
#[derive(Clone, Default)]
pub(crate) struct Passes(Arc<Mutex<HashMap<String, Weak<PassState>>>>);

impl fmt::Debug for Pass {
    /// Without the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pass").field("port", &self.port).finish_non_exhaustive()
    }
}

impl Pass {
    /// The proxy as a child is told of it. A secret: it belongs into an environment, never into an argument.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}:x@127.0.0.1:{}", self.key, self.port)
    }

    /// What it was refused first, if anything.
    #[must_use]
    pub fn refusal(&self) -> Option<Refusal> {
        self.state.refusal.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        self.passes.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.key);
    }
}

impl PassState {
    pub(crate) fn refused(&self, refusal: Refusal) {
        self.refusal.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(refusal);
    }
}

impl Passes {
    pub(crate) fn make(&self, port: u16) -> Pass {
        let mut secret = [0; 16];
        rand::rng().fill_bytes(&mut secret);
        let key = hex::encode(secret);
        let end = CancellationToken::new();
        let state = Arc::new(PassState {
            refusal: Mutex::default(),
            slots: Arc::new(Semaphore::new(MAX_CONNECTIONS_OF_ONE)),
            end: end.clone(),
        });
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key.clone(), Arc::downgrade(&state));
        Pass { key, port, state, passes: self.clone(), _end: end.drop_guard() }
    }

    /// Whose pass is this header?
    pub(crate) fn of(&self, authorization: &str) -> Option<Arc<PassState>> {
        let (scheme, encoded) = authorization.trim().split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("basic") {
            return None;
        }
        let decoded = STANDARD.decode(encoded.trim()).ok()?;
        let key = std::str::from_utf8(&decoded).ok()?.split(':').next()?;
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(key)?.upgrade()
    }
}
