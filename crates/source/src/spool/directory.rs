//! The directory of one fetch.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use sluice_domain::Failure;
use tempfile::TempDir;

use super::budget::{Ticket, room_on_disk};
use crate::home::{Home, remove};

/// The directory of one fetch, with its share of the budget. Both are given back when it is dropped.
#[derive(Debug)]
pub(super) struct FetchDirectory {
    root: TempDir,
    /// Where yt-dlp works: nothing but media belongs here.
    media: PathBuf,
    /// For temporary files and caches.
    scratch: PathBuf,
    ticket: Ticket,
}

impl FetchDirectory {
    pub(super) fn make(home: &Home, ticket: Ticket) -> Result<Self, Failure> {
        let made = || {
            let root = home.directory("fetch-")?;
            let (media, scratch) = (root.path().join("media"), root.path().join("scratch"));
            fs::create_dir(&media)?;
            fs::create_dir(&scratch)?;
            Ok::<_, io::Error>(Self { root, media, scratch, ticket })
        };
        made().map_err(|error| Failure::internal(format!("spool: {error}")))
    }

    pub(super) fn media(&self) -> &Path {
        &self.media
    }

    pub(super) fn scratch(&self) -> &Path {
        &self.scratch
    }

    /// A place for a file that is neither.
    pub(super) fn beside(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// Empties the place where yt-dlp works.
    pub(super) fn clear(&self) -> Result<(), Failure> {
        let cleared = fs::remove_dir_all(&self.media).and_then(|()| fs::create_dir(&self.media));
        cleared.map_err(|error| Failure::internal(format!("spool: {error}")))
    }

    /// So many bytes will be needed: are they to be had?
    pub(super) fn expect(&self, bytes: u64) -> Result<(), Failure> {
        self.ticket.hold(bytes)?;
        room_on_disk(self.root.path(), bytes)
    }

    /// So many bytes are taken up now: may they be?
    pub(super) fn taken(&self, bytes: u64) -> Result<(), Failure> {
        self.ticket.hold(bytes)?;
        room_on_disk(self.root.path(), 0)
    }
}

impl Drop for FetchDirectory {
    fn drop(&mut self) {
        remove(self.root.path());
    }
}
