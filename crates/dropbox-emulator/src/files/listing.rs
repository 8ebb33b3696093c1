//! Listing a folder in pages, and what has changed since.
//!
//! A page takes entries in the order of their change numbers, so a cursor needs no memory here: it says how far it
//! has come, and everything newer, also what changes later, simply follows. Refuses cursors of its own past that
//! would miss forgotten deletions: those listings start over.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::files::names::parent_key;
use crate::files::node::Node;
use crate::files::tree::Tree;

/// What is listed, and how far the listing has come. Travels to the client and back as an opaque text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Cursor {
    /// Guards against one account's cursor used in another.
    pub(crate) account: String,
    /// Key of the folder, empty for the root.
    pub(crate) folder: String,
    pub(crate) recursive: bool,
    pub(crate) include_deleted: bool,
    /// Entries to a page.
    pub(crate) limit: usize,
    /// The account's change number when the listing began: older deletions are no news to the client.
    pub(crate) began: u64,
    /// Changes up to here have been listed.
    pub(crate) seen: u64,
}

impl Cursor {
    /// For one look at what is directly in a folder.
    pub(crate) fn once(account: &str, folder: String, limit: usize) -> Self {
        let account = account.to_owned();
        Self { account, folder, recursive: false, include_deleted: false, limit, began: u64::MAX, seen: 0 }
    }

    /// The opaque text.
    pub(crate) fn encode(&self) -> String {
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).unwrap_or_default())
    }

    /// Reads the opaque text; `None` when it is not one of ours.
    pub(crate) fn decode(text: &str) -> Option<Self> {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()
    }
}

/// One page.
pub(crate) struct Page {
    /// Entries with their keys.
    pub(crate) entries: Vec<(String, Node)>,
    pub(crate) cursor: Cursor,
    pub(crate) has_more: bool,
}

/// The listing has to begin anew.
#[derive(Debug)]
pub(crate) enum ListError {
    Reset,
    Broken(Error),
}

impl Tree {
    /// The number of the last change; a new cursor begins here.
    pub(crate) fn change(&self) -> u64 {
        self.entries.change
    }

    /// Looks at the disk and returns the next page.
    pub(crate) fn list(&mut self, mut cursor: Cursor) -> Result<Page, ListError> {
        if cursor.seen > 0 && cursor.seen < self.entries.forgotten {
            return Err(ListError::Reset);
        }
        let synced = if cursor.recursive { self.sync_below(&cursor.folder) } else { self.sync_folder(&cursor.folder) };
        synced.map_err(ListError::Broken)?;
        let mut waiting: Vec<(&String, &Node)> =
            self.at_or_below(&cursor.folder).filter(|(key, node)| belongs(&cursor, key, node)).collect();
        waiting.sort_unstable_by_key(|(_, node)| node.change);
        let has_more = waiting.len() > cursor.limit;
        waiting.truncate(cursor.limit);
        let hidden = waiting.iter().filter(|(key, _)| self.is_hidden(key)).map(|(_, node)| node.change).min();
        waiting.retain(|(key, _)| !self.is_hidden(key));
        let entries: Vec<_> = waiting.into_iter().map(|(key, node)| (key.clone(), node.clone())).collect();
        cursor.seen = match entries.last() {
            Some((_, last)) if has_more => last.change,
            _ => self.entries.change,
        };
        // What is hidden now must come on a later page.
        cursor.seen = hidden.map_or(cursor.seen, |change| cursor.seen.min(change - 1));
        Ok(Page { entries, cursor, has_more })
    }
}

fn belongs(cursor: &Cursor, key: &str, node: &Node) -> bool {
    let within = key != cursor.folder && (cursor.recursive || parent_key(key) == cursor.folder);
    let news = node.is_live() || node.change > cursor.began || cursor.include_deleted;
    within && news && node.change > cursor.seen
}
