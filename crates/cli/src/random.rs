//! Unguessable text.

use std::{
    fs::File,
    io::{self, Read as _},
};

/// This many bytes of the system's randomness, as hex digits.
///
/// # Errors
/// When the system has none to give.
pub(crate) fn hex<const BYTES: usize>() -> io::Result<String> {
    let mut bytes = [0; BYTES];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
