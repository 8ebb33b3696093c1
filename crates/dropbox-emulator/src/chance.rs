//! Random names: ids, revisions, tokens, request ids, and the dots behind an error summary.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::Rng as _;

/// `length` characters of the URL-safe base64 alphabet.
pub(crate) fn letters(length: usize) -> String {
    let mut bytes = vec![0_u8; length];
    rand::rng().fill(&mut bytes[..]);
    let mut text = URL_SAFE_NO_PAD.encode(bytes);
    text.truncate(length);
    text
}

/// `length` lower-case hexadecimal digits.
pub(crate) fn hex_digits(length: usize) -> String {
    let mut bytes = vec![0_u8; length.div_ceil(2)];
    rand::rng().fill(&mut bytes[..]);
    let mut text = hex::encode(bytes);
    text.truncate(length);
    text
}

/// None to three dots: Dropbox varies them so that no client compares whole summaries.
pub(crate) fn dots() -> &'static str {
    &"..."[..rand::rng().random_range(0..=3)]
}
