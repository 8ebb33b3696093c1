//! A person's recent downloads, a page at a time.

use std::{fmt, str::FromStr};

use sluice_domain::JobState;
use thiserror::Error;

/// Which jobs to list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecentsQuery {
    /// Only those in this state.
    pub state: Option<JobState>,
    /// Only those older than the page that gave this cursor.
    pub before: Option<Cursor>,
    /// At most so many; 1 to 100.
    pub limit: u32,
}

impl Default for RecentsQuery {
    /// The newest fifty.
    fn default() -> Self {
        Self { state: None, before: None, limit: 50 }
    }
}

/// Where the next page begins. Opaque.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor(pub(crate) u64);

/// A text that is no cursor.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("not a cursor: use the one that came with the page before")]
pub struct BadCursor;

impl FromStr for Cursor {
    type Err = BadCursor;

    fn from_str(text: &str) -> Result<Self, BadCursor> {
        text.parse().map(Self).map_err(|_| BadCursor)
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Some of a list, newest first.
#[derive(Debug, Clone, PartialEq)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// Where to go on; `None` at the end.
    pub next: Option<Cursor>,
}
