//! Consents on their way: questions that wait for an answer, and codes that wait for their exchange.
//!
//! In memory only, and only so many: both live for minutes.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

use crate::chance;

const LIFE_SECONDS: i64 = 600;
const KEPT: usize = 1000;

/// What an app asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) client_id: String,
    pub(crate) redirect_uri: Option<String>,
    pub(crate) state: Option<String>,
    pub(crate) scopes: Vec<String>,
    pub(crate) offline: bool,
    pub(crate) challenge: Option<Challenge>,
}

/// What the code's exchange has to prove (PKCE, RFC 7636).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Challenge {
    Plain(String),
    Sha256(String),
}

impl Challenge {
    pub(crate) fn is_met(&self, verifier: &str) -> bool {
        match self {
            Self::Plain(challenge) => challenge == verifier,
            Self::Sha256(challenge) => *challenge == URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes())),
        }
    }
}

/// Things found once by a random name, for a while.
pub(crate) struct Waiting<T>(Mutex<VecDeque<(String, i64, T)>>);

impl<T> Default for Waiting<T> {
    fn default() -> Self {
        Self(Mutex::new(VecDeque::new()))
    }
}

impl<T> Waiting<T> {
    /// Keeps something; returns its name.
    pub(crate) fn keep(&self, thing: T, now: i64) -> String {
        let name = chance::letters(43);
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() >= KEPT {
            waiting.pop_front();
        }
        waiting.push_back((name.clone(), now + LIFE_SECONDS, thing));
        name
    }

    /// Gives it out, once.
    pub(crate) fn take(&self, name: &str, now: i64) -> Option<T> {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let place = waiting.iter().position(|(known, _, _)| known == name)?;
        waiting.remove(place).filter(|(_, until, _)| *until > now).map(|(_, _, thing)| thing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_challenge_is_met_by_its_verifier() {
        // RFC 7636, appendix B.
        let challenge = Challenge::Sha256("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM".into());
        assert!(challenge.is_met("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"));
        assert!(!challenge.is_met("another"));
    }

    #[test]
    fn a_code_is_good_once_and_for_minutes() {
        let waiting = Waiting::default();
        let (first, second) = (waiting.keep(1, 0), waiting.keep(2, 0));
        assert_eq!(waiting.take(&first, 1), Some(1));
        assert_eq!(waiting.take(&first, 1), None);
        assert_eq!(waiting.take(&second, LIFE_SECONDS), None);
    }
}
