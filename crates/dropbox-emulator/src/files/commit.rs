//! A commit: a finished upload becomes a file of the account, or the account says why not.
//!
//! Nothing is written unless everything is in order; the bytes arrive by one rename, so a file is there whole or not.

use std::fs;
use std::path::Path;

use crate::error::Error;
use crate::files::names::{RemotePath, disk_name, other_names, parent_key};
use crate::files::node::{Content, Kind, Node};
use crate::files::sync::{mtime_ns, new_id, new_rev};
use crate::files::tree::Tree;

/// What to do when something is already there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum WriteMode {
    Add,
    Overwrite,
    /// Only over this revision.
    Update(String),
}

/// Where and how a file is to appear.
#[derive(Debug, Clone)]
pub(crate) struct Placement {
    pub(crate) path: RemotePath,
    pub(crate) mode: WriteMode,
    pub(crate) autorename: bool,
    /// The first number that `autorename` tries.
    pub(crate) autorename_first: u32,
    pub(crate) strict_conflict: bool,
    /// In Dropbox's form; `None`: the time of the commit.
    pub(crate) client_modified: Option<String>,
}

/// The bytes to place.
pub(crate) struct Staged<'a> {
    pub(crate) file: &'a Path,
    pub(crate) size: u64,
    pub(crate) content_hash: String,
}

/// Dropbox's `WriteError`, the part that can happen here.
#[derive(Debug)]
pub(crate) enum WriteError {
    MalformedPath,
    DisallowedName,
    Conflict(Conflict),
    InsufficientSpace,
    /// Somebody else is writing to the namespace.
    TooManyWriteOperations,
    /// The emulator's own failure.
    Broken(Error),
}

/// What is in the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Conflict {
    File,
    Folder,
    FileAncestor,
}

impl From<Error> for WriteError {
    fn from(error: Error) -> Self {
        Self::Broken(error)
    }
}

enum Decision {
    Write {
        over: Option<Node>,
    },
    /// The same bytes are there already: nothing is written.
    Keep(Node),
    Refuse(Conflict),
}

impl Tree {
    /// Places staged bytes at a path. Returns the file with its key; `now` is in Dropbox's form.
    pub(crate) fn commit(
        &mut self,
        staged: &Staged<'_>,
        to: &Placement,
        now: &str,
    ) -> Result<(String, Node), WriteError> {
        if to.path.is_root() {
            return Err(WriteError::MalformedPath);
        }
        if to.path.is_disallowed() {
            return Err(WriteError::DisallowedName);
        }
        let update = matches!(to.mode, WriteMode::Update(_));
        let others = other_names(to.path.name(), to.autorename_first, update).map(|name| to.path.renamed(name));
        let mut conflict = Conflict::File;
        for path in std::iter::once(to.path.clone()).chain(others.take_while(|_| to.autorename)) {
            let renamed = path != to.path;
            match self.decide(&path, to, renamed, &staged.content_hash)? {
                Decision::Keep(node) => return Ok((path.key(), node)),
                Decision::Write { over } => return self.write(staged, to, &path, over, now),
                Decision::Refuse(Conflict::FileAncestor) => return Err(WriteError::Conflict(Conflict::FileAncestor)),
                Decision::Refuse(found) => conflict = found,
            }
        }
        Err(WriteError::Conflict(conflict))
    }

    fn decide(&mut self, path: &RemotePath, to: &Placement, renamed: bool, hash: &str) -> Result<Decision, Error> {
        let key = path.key();
        let there = self.find(&key)?;
        if self.has_file_above(&key) {
            return Ok(Decision::Refuse(Conflict::FileAncestor));
        }
        let Some(there) = there else {
            // A strict update insists on the revision also when the file has been deleted meanwhile.
            let lost = matches!(to.mode, WriteMode::Update(_)) && to.strict_conflict && !renamed;
            return Ok(if lost { Decision::Refuse(Conflict::File) } else { Decision::Write { over: None } });
        };
        let Some(content) = there.content() else { return Ok(Decision::Refuse(Conflict::Folder)) };
        let same = content.content_hash == hash;
        let replaces = match &to.mode {
            WriteMode::Overwrite => true,
            WriteMode::Update(rev) => *rev == content.rev,
            WriteMode::Add => false,
        };
        Ok(match (renamed, same, replaces) {
            (false, true, _) if replaces || !to.strict_conflict => Decision::Keep(there),
            (false, false, true) => Decision::Write { over: Some(there) },
            _ => Decision::Refuse(Conflict::File),
        })
    }

    /// Whether a file is where `key` needs a folder.
    pub(super) fn has_file_above(&self, key: &str) -> bool {
        let parent = parent_key(key);
        !parent.is_empty()
            && (self.entries.nodes.get(parent).is_some_and(|node| node.content().is_some())
                || self.has_file_above(parent))
    }

    fn write(
        &mut self,
        staged: &Staged<'_>,
        to: &Placement,
        path: &RemotePath,
        over: Option<Node>,
        now: &str,
    ) -> Result<(String, Node), WriteError> {
        let (used, quota) = self.space();
        let freed = over.as_ref().and_then(Node::content).map_or(0, |content| content.size);
        if used.saturating_sub(freed).saturating_add(staged.size) > quota {
            return Err(WriteError::InsufficientSpace);
        }
        let key = path.key();
        let (folder, folder_disk) = self.make_folders(path)?;
        let (display, disk, id) = match over {
            Some(old) => (old.display, old.disk, old.id),
            None => (format!("{folder}/{}", path.name()), folder_disk.join(disk_name(path.name())), new_id()),
        };
        let mut node = Node { display, disk, id, change: 0, kind: Kind::Folder };
        let target = self.on_disk(&node);
        let metadata =
            fs::rename(staged.file, &target).and_then(|()| fs::metadata(&target)).map_err(Error::file(&target))?;
        node.kind = Kind::File(Content {
            rev: new_rev(),
            size: staged.size,
            content_hash: staged.content_hash.clone(),
            client_modified: to.client_modified.clone().unwrap_or_else(|| now.to_owned()),
            server_modified: now.to_owned(),
            mtime_ns: mtime_ns(&metadata),
        });
        let node = self.put(key.clone(), node);
        self.save()?;
        Ok((key, node))
    }

    /// Makes the missing folders above a path. Returns how the nearest one is shown and where it lies.
    pub(super) fn make_folders(&mut self, path: &RemotePath) -> Result<(String, std::path::PathBuf), Error> {
        let (mut display, mut disk, mut key) = (String::new(), std::path::PathBuf::new(), String::new());
        let above = path.names().len().saturating_sub(1);
        for name in &path.names()[..above] {
            key = crate::files::names::child_key(&key, name);
            match self.find(&key)? {
                Some(node) => (display, disk) = (node.display, node.disk),
                None => {
                    (display, disk) = (format!("{display}/{name}"), disk.join(disk_name(name)));
                    let node = Node {
                        display: display.clone(),
                        disk: disk.clone(),
                        id: new_id(),
                        change: 0,
                        kind: Kind::Folder,
                    };
                    let folder = self.on_disk(&node);
                    fs::create_dir_all(&folder).map_err(Error::file(folder))?;
                    self.put(key.clone(), node);
                }
            }
        }
        Ok((display, disk))
    }
}

#[cfg(test)]
#[path = "commit_tests.rs"]
mod tests;
