//! The tree of one account, kept in step with the plain folder behind it.
//!
//! The folder is the truth for what exists and what it contains; the record beside it holds what a folder cannot say:
//! ids, revisions, hashes, deletions. Refuses to serve an entry without a look at the disk.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::files::names::parent_key;
use crate::files::node::{Kind, Node};
use crate::record;

/// Deletions remembered, for listings that continue; beyond that such a listing has to start over.
const GRAVES: usize = 10_000;

/// All entries of an account.
pub(crate) struct Tree {
    pub(super) root: PathBuf,
    record: PathBuf,
    pub(super) entries: Entries,
    /// Entries that readers do not see yet (a fault), and until when.
    hidden: BTreeMap<String, Instant>,
}

/// What the record holds.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Entries {
    /// By key (see `names`).
    pub(super) nodes: BTreeMap<String, Node>,
    /// Number of the last change.
    pub(super) change: u64,
    /// Deletions up to this change may be forgotten.
    pub(super) forgotten: u64,
    /// Room in the account, in bytes.
    pub(super) quota: u64,
    /// Bytes used by what is not in the folder: tests fill an account with it.
    pub(super) used_elsewhere: i64,
    /// Shared links: the path part of the address, by the id of what it shows.
    pub(super) links: BTreeMap<String, String>,
}

impl Tree {
    /// Opens the folder and its record, and takes up everything found.
    pub(crate) fn open(root: &Path, record: &Path, quota: u64) -> Result<Self, Error> {
        fs::create_dir_all(root).map_err(Error::file(root))?;
        let entries = record::load(record)?.unwrap_or_else(|| Entries { quota, ..Entries::default() });
        let mut tree = Self { root: root.into(), record: record.into(), entries, hidden: BTreeMap::new() };
        tree.sync_below("")?;
        Ok(tree)
    }

    /// The live entry at `key`, after a look at the disk.
    pub(crate) fn find(&mut self, key: &str) -> Result<Option<Node>, Error> {
        let ends = key.match_indices('/').map(|(at, _)| at).skip(1).chain([key.len()]);
        for end in ends {
            let (prefix, parent) = (&key[..end], parent_key(&key[..end]));
            if !self.entries.nodes.get(prefix).is_some_and(|node| self.is_fresh(node)) {
                self.sync_folder(parent)?;
            }
        }
        Ok(self.entries.nodes.get(key).filter(|node| node.is_live()).cloned())
    }

    /// The live entry with this id, with its key.
    pub(crate) fn find_id(&mut self, id: &str) -> Result<Option<(String, Node)>, Error> {
        self.find_where(|node| node.id == id)
    }

    /// The file whose present revision is this one, with its key. Older revisions are not kept.
    pub(crate) fn find_rev(&mut self, rev: &str) -> Result<Option<(String, Node)>, Error> {
        self.find_where(|node| node.content().is_some_and(|content| content.rev == rev))
    }

    fn find_where(&mut self, matches: impl Fn(&Node) -> bool) -> Result<Option<(String, Node)>, Error> {
        let live = |(_, node): &(&String, &Node)| node.is_live() && matches(node);
        let Some(key) = self.entries.nodes.iter().find(live).map(|(key, _)| key.clone()) else { return Ok(None) };
        Ok(self.find(&key)?.map(|node| (key, node)))
    }

    /// The shared link of an entry: path and query of its address.
    pub(crate) fn link(&self, id: &str) -> Option<&str> {
        self.entries.links.get(id).map(String::as_str)
    }

    /// All shared links, by the id of what they show.
    pub(crate) fn links(&self) -> BTreeMap<String, String> {
        self.entries.links.clone()
    }

    pub(crate) fn add_link(&mut self, id: &str, link: &str) -> Result<(), Error> {
        self.entries.links.insert(id.to_owned(), link.to_owned());
        self.save()
    }

    /// Keeps an entry from readers for a while; writers meet it at once.
    pub(crate) fn hide(&mut self, key: &str, time: Duration) {
        self.hidden.insert(key.to_owned(), Instant::now() + time);
    }

    pub(crate) fn is_hidden(&self, key: &str) -> bool {
        self.hidden.get(key).is_some_and(|until| Instant::now() < *until)
    }

    /// What is remembered of a deleted entry.
    pub(crate) fn grave(&self, key: &str) -> Option<&Node> {
        self.entries.nodes.get(key).filter(|node| !node.is_live())
    }

    /// Where an entry's bytes lie.
    pub(crate) fn on_disk(&self, node: &Node) -> PathBuf {
        self.root.join(&node.disk)
    }

    /// Bytes used and bytes allowed.
    pub(crate) fn space(&self) -> (u64, u64) {
        let files: u64 = self.entries.nodes.values().filter_map(Node::content).map(|content| content.size).sum();
        (files.saturating_add_signed(self.entries.used_elsewhere), self.entries.quota)
    }

    /// Sets the space for a test: the bytes allowed, and how many of them are used by now.
    pub(crate) fn set_space(&mut self, quota: Option<u64>, used: Option<u64>) -> Result<(), Error> {
        self.entries.quota = quota.unwrap_or(self.entries.quota);
        if let Some(used) = used {
            self.entries.used_elsewhere += used.cast_signed() - self.space().0.cast_signed();
        }
        self.save()
    }

    pub(super) fn save(&self) -> Result<(), Error> {
        record::save(&self.record, &self.entries)
    }

    /// Adds or replaces an entry under the next change number.
    pub(super) fn put(&mut self, key: String, mut node: Node) -> Node {
        self.entries.change += 1;
        node.change = self.entries.change;
        self.entries.nodes.insert(key, node.clone());
        node
    }

    /// Marks `key` and everything below it as deleted.
    pub(super) fn bury(&mut self, key: &str) {
        let doomed: Vec<String> =
            self.at_or_below(key).filter(|(_, node)| node.is_live()).map(|(key, _)| key.clone()).collect();
        for key in doomed {
            if let Some(node) = self.entries.nodes.get(&key) {
                let grave = Node { kind: Kind::Deleted, ..node.clone() };
                self.put(key, grave);
            }
        }
        let graves: BTreeSet<u64> = self.entries.nodes.values().filter(|n| !n.is_live()).map(|n| n.change).collect();
        if graves.len() > GRAVES
            && let Some(&limit) = graves.iter().nth(GRAVES / 2)
        {
            self.entries.forgotten = limit;
            self.entries.nodes.retain(|_, node| node.is_live() || node.change > limit);
        }
    }

    /// The entry at `key` and all below it.
    pub(super) fn at_or_below(&self, key: &str) -> impl Iterator<Item = (&String, &Node)> {
        let below = format!("{key}/");
        let itself = self.entries.nodes.get_key_value(key);
        let descendants = self.entries.nodes.range(below.clone()..).take_while(move |(key, _)| key.starts_with(&below));
        itself.into_iter().chain(descendants)
    }
}
