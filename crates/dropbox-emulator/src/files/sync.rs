//! Keeping a tree in step with the folder behind it.
//!
//! Whatever somebody else puts into the folder, changes or removes is taken up when it is next looked at. Refuses to
//! follow symbolic links, and to guess at names that are not UTF-8: they are not listed.

use std::collections::BTreeMap;
use std::fs::{self, Metadata};
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::chance;
use crate::clock::written;
use crate::content_hash::ContentHash;
use crate::error::Error;
use crate::files::names::{child_key, parent_key};
use crate::files::node::{Content, Kind, Node};
use crate::files::tree::Tree;

impl Tree {
    /// Compares a folder, and every folder below it, with the disk.
    pub(super) fn sync_below(&mut self, key: &str) -> Result<(), Error> {
        self.sync_folder(key)?;
        let is_child_folder = |(child, node): &(&String, &Node)| {
            parent_key(child) == key && !child.is_empty() && node.kind == Kind::Folder
        };
        let folders: Vec<String> = self.at_or_below(key).filter(is_child_folder).map(|(key, _)| key.clone()).collect();
        folders.iter().try_for_each(|folder| self.sync_below(folder))
    }

    /// Compares the entries directly in a folder with the disk, and takes up what differs.
    pub(super) fn sync_folder(&mut self, key: &str) -> Result<(), Error> {
        let disk = match self.entries.nodes.get(key) {
            Some(node) if node.kind == Kind::Folder => node.disk.clone(),
            None if key.is_empty() => PathBuf::new(),
            _ => return Ok(()),
        };
        let before = self.entries.change;
        let mut missing: BTreeMap<PathBuf, String> = self
            .at_or_below(key)
            .filter(|(child, node)| !child.is_empty() && parent_key(child) == key && *child != key && node.is_live())
            .map(|(child, node)| (node.disk.clone(), child.clone()))
            .collect();
        for (name, metadata) in self.folder_entries(&disk)? {
            let disk = disk.join(&name);
            match missing.remove(&disk) {
                Some(known) => self.refresh(&known, &metadata)?,
                None => self.adopt(key, &name, disk, &metadata)?,
            }
        }
        missing.values().for_each(|gone| self.bury(gone));
        if self.entries.change == before { Ok(()) } else { self.save() }
    }

    /// Names in a folder in order, files and folders only. A folder that has just vanished has none.
    fn folder_entries(&self, disk: &Path) -> Result<BTreeMap<String, Metadata>, Error> {
        let folder = self.root.join(disk);
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(BTreeMap::new()),
            Err(e) => return Err(Error::file(folder)(e)),
        };
        let mut found = BTreeMap::new();
        for entry in entries.flatten() {
            if let (Ok(name), Ok(metadata)) = (entry.file_name().into_string(), entry.metadata())
                && (metadata.is_file() || metadata.is_dir())
            {
                found.insert(name, metadata);
            }
        }
        Ok(found)
    }

    /// Takes up an entry that the emulator did not write.
    fn adopt(&mut self, parent: &str, name: &str, disk: PathBuf, metadata: &Metadata) -> Result<(), Error> {
        let key = child_key(parent, name);
        if self.entries.nodes.get(&key).is_some_and(Node::is_live) {
            return Ok(()); // A twin that differs only in case: Dropbox can hold just one of them.
        }
        let folder = self.entries.nodes.get(parent).map_or("", |node| node.display.as_str());
        let display = format!("{folder}/{name}");
        let Some(kind) = self.kind_on_disk(&disk, metadata)? else { return Ok(()) };
        self.put(key, Node { display, disk, id: new_id(), change: 0, kind });
        Ok(())
    }

    /// Takes up what happened to a known entry. It keeps its id.
    fn refresh(&mut self, key: &str, metadata: &Metadata) -> Result<(), Error> {
        let Some(node) = self.entries.nodes.get(key) else { return Ok(()) };
        if is_same(node, metadata) {
            return Ok(());
        }
        let Some(kind) = self.kind_on_disk(&node.disk, metadata)? else { return Ok(()) };
        let node = Node { kind, ..node.clone() };
        self.bury(key);
        self.put(key.to_owned(), node);
        Ok(())
    }

    /// What lies at `disk`; `None` when it has just gone.
    fn kind_on_disk(&self, disk: &Path, metadata: &Metadata) -> Result<Option<Kind>, Error> {
        if metadata.is_dir() {
            return Ok(Some(Kind::Folder));
        }
        let path = self.root.join(disk);
        let content_hash = match ContentHash::of_file(&path) {
            Ok(hash) => hash,
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(Error::file(path)(e)),
        };
        let modified = Timestamp::from_second(metadata.mtime()).unwrap_or_default();
        Ok(Some(Kind::File(Content {
            rev: new_rev(),
            size: metadata.len(),
            content_hash,
            client_modified: written(modified),
            server_modified: written(modified),
            mtime_ns: mtime_ns(metadata),
        })))
    }

    pub(super) fn is_fresh(&self, node: &Node) -> bool {
        node.is_live() && fs::symlink_metadata(self.on_disk(node)).is_ok_and(|metadata| is_same(node, &metadata))
    }
}

fn is_same(node: &Node, metadata: &Metadata) -> bool {
    match &node.kind {
        Kind::Folder => metadata.is_dir(),
        Kind::File(file) => metadata.is_file() && metadata.len() == file.size && mtime_ns(metadata) == file.mtime_ns,
        Kind::Deleted => false,
    }
}

/// When a file was written last, in nanoseconds since 1970.
pub(super) fn mtime_ns(metadata: &Metadata) -> i64 {
    metadata.mtime() * 1_000_000_000 + metadata.mtime_nsec()
}

pub(super) fn new_id() -> String {
    format!("id:{}", chance::letters(22))
}

pub(super) fn new_rev() -> String {
    format!("01{}", chance::hex_digits(29))
}
