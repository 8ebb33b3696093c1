//! Why the emulator cannot start or go on. Refuses to carry answers to clients: those are `api::refusal`.

use std::path::PathBuf;

/// Failures of the emulator itself.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A flag or environment variable has a value that means nothing.
    #[error("{0}")]
    Setting(String),
    /// A file or folder could not be used.
    #[error("{path}: {source}")]
    File {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// One of the emulator's own records is not what it wrote.
    #[error("{path} is damaged: {source}")]
    Record {
        /// The record's file.
        path: PathBuf,
        /// Where its JSON goes wrong.
        source: serde_json::Error,
    },
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address asked for.
        address: std::net::SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// The certificate or its key cannot be used.
    #[error("TLS: {0}")]
    Tls(String),
}

impl Error {
    /// For `map_err`: an I/O failure at `path`.
    pub(crate) fn file(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { path, source }
    }
}
