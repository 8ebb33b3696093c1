//! What can be wrong with the set-up. What goes wrong later is a [`sluice_domain::Failure`].

use thiserror::Error;

/// The client cannot be built from its configuration.
#[derive(Debug, Error)]
pub enum DropboxError {
    /// An address is not an http(s) URL.
    #[error("dropbox.{setting} is not an http(s) URL")]
    Address {
        /// Which one.
        setting: &'static str,
    },
    /// The extra certificates are not PEM.
    #[error("the extra certificates are not PEM")]
    Certificate(#[source] reqwest::Error),
    /// The HTTP client cannot start; most often the system has no certificates.
    #[error("the HTTP client cannot start (are the system's certificates installed?)")]
    Http(#[source] reqwest::Error),
}
