//! A private directory for one child.

use std::{io, path::Path};

use tempfile::TempDir;

use crate::{Tools, home::remove};

/// Removed when it is dropped, which must be after the child was killed.
#[derive(Debug)]
pub(super) struct Scratch(TempDir);

impl Scratch {
    pub(super) fn make(tools: &Tools) -> io::Result<Self> {
        tools.work.directory("pipe-").map(Self)
    }

    pub(super) fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        remove(self.0.path());
    }
}
