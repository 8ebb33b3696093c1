//! Words that nobody guesses, and the names under which they are kept.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use rand::{TryRngCore as _, rngs::OsRng};
use sha2::{Digest as _, Sha256};

use crate::StoreError;

/// So many bytes from the operating system, as URL-safe text.
pub(crate) fn random_text<const BYTES: usize>() -> Result<String, StoreError> {
    Ok(BASE64_URL_SAFE_NO_PAD.encode(random_bytes::<BYTES>()?))
}

/// So many bytes from the operating system.
pub(crate) fn random_bytes<const BYTES: usize>() -> Result<[u8; BYTES], StoreError> {
    let mut bytes = [0; BYTES];
    OsRng.try_fill_bytes(&mut bytes).map_err(|error| StoreError::Config(format!("no random numbers: {error}")))?;
    Ok(bytes)
}

/// The name of a secret word: its SHA-256. Enough for random words; it would not be for passwords.
pub(crate) fn hash_of(word: &str) -> String {
    hex::encode(Sha256::digest(word))
}
