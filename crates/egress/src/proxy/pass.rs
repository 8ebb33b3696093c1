//! Who may use the proxy, and what became of it.

use std::{
    collections::HashMap,
    fmt,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hyper::{HeaderMap, header::PROXY_AUTHORIZATION};
use rand::RngCore as _;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{Shared, connection::Denial};
use crate::{
    Refusal,
    limits::{MAX_CALLERS, MAX_CONNECTIONS_OF_CALLER, MAX_CONNECTIONS_OF_ONE},
};

/// The right to use a proxy. When it is dropped, whatever came with it ends.
pub struct Pass {
    key: String,
    port: u16,
    state: Arc<PassState>,
    passes: Passes,
    _end: DropGuard,
}

/// Who is let in.
pub(crate) enum Door {
    /// Who has a pass.
    Passes(Passes),
    /// Whoever reaches it; each address has its share.
    Everybody(Callers),
}

/// Everybody who called, by address.
#[derive(Default)]
pub(crate) struct Callers(Mutex<HashMap<Option<IpAddr>, Arc<PassState>>>);

/// The right to one way out.
pub(crate) struct Way(#[expect(dead_code, reason = "held")] [OwnedSemaphorePermit; 2]);

impl Shared {
    /// One way out more, for who has this pass.
    pub(super) fn way(&self, pass: &PassState) -> Result<Way, Denial> {
        let take = |slots: &Arc<Semaphore>| slots.clone().try_acquire_owned().map_err(|_| Denial::TooMany);
        Ok(Way([take(&pass.slots)?, take(&self.ways)?]))
    }
}

impl Door {
    /// In whose name is this asked, if it may be?
    pub(crate) fn admits(&self, peer: Option<IpAddr>, headers: &HeaderMap) -> Option<Arc<PassState>> {
        match self {
            Self::Passes(passes) => passes.of(headers.get(PROXY_AUTHORIZATION)?.to_str().ok()?),
            Self::Everybody(callers) => Some(callers.of(peer)),
        }
    }
}

impl Callers {
    fn of(&self, peer: Option<IpAddr>) -> Arc<PassState> {
        let mut callers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if callers.len() >= MAX_CALLERS && !callers.contains_key(&peer) {
            // Whoever holds a way, or asks for one right now, shares the state.
            callers.retain(|_, state| {
                Arc::strong_count(state) > 1 || state.slots.available_permits() < MAX_CONNECTIONS_OF_CALLER
            });
        }
        callers.entry(peer).or_insert_with(|| Arc::new(PassState::with(MAX_CONNECTIONS_OF_CALLER))).clone()
    }
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
    fn with(slots: usize) -> Self {
        let slots = Arc::new(Semaphore::new(slots));
        Self { refusal: Mutex::default(), slots, end: CancellationToken::new() }
    }

    pub(crate) fn refused(&self, refusal: Refusal) {
        self.refusal.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(refusal);
    }
}

impl Passes {
    pub(crate) fn make(&self, port: u16) -> Pass {
        let mut secret = [0; 16];
        rand::rng().fill_bytes(&mut secret);
        let key = hex::encode(secret);
        let state = Arc::new(PassState::with(MAX_CONNECTIONS_OF_ONE));
        let end = state.end.clone();
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
