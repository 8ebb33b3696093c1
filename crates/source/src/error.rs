//! What can keep this crate from starting. What goes wrong with one link is a [`sluice_domain::Failure`] instead.

use std::{io, path::PathBuf};

use thiserror::Error;

/// Why extraction or a route cannot be set up.
#[derive(Debug, Error)]
pub enum SourceError {
    /// A program that is neither a path nor on PATH.
    #[error("{program} was not found: install it, or set tools.{setting} to its path")]
    MissingProgram {
        /// The name or path from the settings.
        program: String,
        /// The key that names it.
        setting: &'static str,
    },
    /// A program that is there and does not run.
    #[error("{} does not run: {said}. Mend it, or correct tools.{setting} or tools.python, which starts it ({})", program.display(), python.display())]
    BrokenProgram {
        /// Which one.
        program: PathBuf,
        /// The Python that starts all programs, and may be what is broken.
        python: PathBuf,
        /// The key that names the program.
        setting: &'static str,
        /// How it ended, and what it said last.
        said: String,
    },
    /// The spool directory, or the directory for small working files, cannot be used.
    #[error("the directory {} cannot be used", path.display())]
    Directory {
        /// Which one.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// There is no port, or no thread, for the children's proxy.
    #[error("the proxy of the children cannot start: {0}")]
    Proxy(#[source] io::Error),
    /// The client for the web cannot be made, mostly for want of the system's certificates.
    #[error("no secure connections to the web: {0}. Is the package ca-certificates installed?")]
    Web(String),
}
