//! Secrets at rest: XChaCha20-Poly1305 under a key derived from `security.secret_key`.
//!
//! A sealed value is `v1.<key id>.<nonce and ciphertext, base64url>`. The key id tells which key opens it: to rotate, write the new key in
//! front of the old one, separated by a space; the first seals, all of them open. The place of a value (its account) is authenticated
//! too, so a sealed value copied to another place does not open there.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use chacha20poly1305::{
    AeadCore, Key, KeyInit as _, XChaCha20Poly1305, XNonce,
    aead::{Aead as _, OsRng, Payload},
};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest as _, Sha256};

use crate::StoreError;

const VERSION: &str = "v1";
const NONCE_BYTES: usize = 24;
/// Shorter keys are guessed.
const MIN_KEY_CHARS: usize = 16;

/// Seals and opens.
pub(crate) struct Sealer {
    /// Never empty. The first one seals.
    keys: Vec<SealingKey>,
}

struct SealingKey {
    id: String,
    cipher: XChaCha20Poly1305,
}

impl SealingKey {
    fn derive(secret: &str) -> Self {
        let derive =
            |purpose: &str| Sha256::new().chain_update(purpose).chain_update([0]).chain_update(secret).finalize();
        let cipher = XChaCha20Poly1305::new(Key::from_slice(&derive("sluice seal v1")));
        Self { id: hex::encode(&derive("sluice key id v1")[..4]), cipher }
    }
}

impl Sealer {
    pub(crate) fn new(secret_key: &SecretString) -> Result<Self, StoreError> {
        let secrets: Vec<&str> = secret_key.expose_secret().split_whitespace().collect();
        if secrets.is_empty() || secrets.iter().any(|secret| secret.len() < MIN_KEY_CHARS) {
            return Err(StoreError::Config(format!(
                "security.secret_key must have at least {MIN_KEY_CHARS} characters (`openssl rand -hex 32` makes a good one)"
            )));
        }
        Ok(Self { keys: secrets.into_iter().map(SealingKey::derive).collect() })
    }

    /// Seals a secret for this place.
    pub(crate) fn seal(&self, place: &str, secret: &SecretString) -> Result<String, StoreError> {
        let failed = || StoreError::Sealed { what: place.to_owned() };
        let key = self.keys.first().ok_or_else(failed)?;
        let nonce = XChaCha20Poly1305::generate_nonce(&mut OsRng);
        let payload = Payload { msg: secret.expose_secret().as_bytes(), aad: place.as_bytes() };
        let mut sealed = nonce.to_vec();
        sealed.extend(key.cipher.encrypt(&nonce, payload).map_err(|_| failed())?);
        Ok(format!("{VERSION}.{}.{}", key.id, BASE64_URL_SAFE_NO_PAD.encode(sealed)))
    }

    /// Would a new seal be made with the same key? The others are on their way out.
    pub(crate) fn is_newest(&self, sealed: &str) -> bool {
        let id = sealed.strip_prefix(VERSION).and_then(|rest| rest.strip_prefix('.')?.split_once('.'));
        id.zip(self.keys.first()).is_some_and(|((id, _), key)| id == key.id)
    }

    /// Opens what was sealed for this place.
    pub(crate) fn open(&self, place: &str, sealed: &str) -> Result<SecretString, StoreError> {
        let opened = || {
            let (id, text) = sealed.strip_prefix(VERSION)?.strip_prefix('.')?.split_once('.')?;
            let key = self.keys.iter().find(|key| key.id == id)?;
            let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
            let (nonce, ciphertext) = bytes.split_at_checked(NONCE_BYTES)?;
            let payload = Payload { msg: ciphertext, aad: place.as_bytes() };
            let plain = key.cipher.decrypt(XNonce::from_slice(nonce), payload).ok()?;
            String::from_utf8(plain).ok().map(SecretString::from)
        };
        opened().ok_or_else(|| StoreError::Sealed { what: place.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealer(keys: &str) -> Sealer {
        Sealer::new(&keys.into()).unwrap()
    }

    const OLD: &str = "an old secret key of some length";
    const NEW: &str = "a-new-secret-key-of-some-length";

    #[test]
    fn what_is_sealed_opens_in_its_place_alone() {
        let sealer = sealer(NEW);
        let sealed = sealer.seal("account:1", &"refresh".into()).unwrap();
        assert!(!sealed.contains("refresh"));
        assert_eq!(sealer.open("account:1", &sealed).unwrap().expose_secret(), "refresh");
        for (place, text) in [
            ("account:2", sealed.as_str()),
            ("account:1", &sealed[..sealed.len() - 2]),
            ("account:1", "v1.x.y"),
            ("account:1", ""),
        ] {
            assert!(matches!(sealer.open(place, text), Err(StoreError::Sealed { .. })), "{place} {text}");
        }
    }

    #[test]
    fn keys_rotate() {
        let old = OLD.replace(' ', "-");
        let sealed = sealer(&old).seal("p", &"secret".into()).unwrap();
        let both = sealer(&format!("{NEW} {old}"));
        assert_eq!(both.open("p", &sealed).unwrap().expose_secret(), "secret");
        assert!(!both.is_newest(&sealed) && both.is_newest(&both.seal("p", &"x".into()).unwrap()));
        assert!(sealer(NEW).open("p", &sealed).is_err());
        assert!(sealer(NEW).open("p", &both.seal("p", &"x".into()).unwrap()).is_ok());
    }

    #[test]
    fn short_keys_are_refused() {
        for short in ["", " ", "short", "a-long-enough-secret-key short"] {
            assert!(matches!(Sealer::new(&short.into()), Err(StoreError::Config(_))), "{short:?}");
        }
    }
}
