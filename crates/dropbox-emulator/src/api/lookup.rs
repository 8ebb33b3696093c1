//! From a path argument to the entry it means, or Dropbox's `LookupError`.

use serde_json::{Value, json};

use crate::api::argument::PathArg;
use crate::api::refusal::Refusal;
use crate::error::Error;
use crate::files::account::Account;
use crate::files::names::RemotePath;
use crate::files::node::Node;
use crate::files::tree::Tree;
use crate::settings::NonBmp;

/// Why there is nothing.
#[derive(Debug)]
pub(crate) enum LookupError {
    MalformedPath,
    NotFound,
    NotFile,
    NotFolder,
    Broken(Error),
}

impl From<Error> for LookupError {
    fn from(error: Error) -> Self {
        Self::Broken(error)
    }
}

impl LookupError {
    /// The refusal of a route that wraps this error in `tag`.
    pub(crate) fn under(self, tag: &str) -> Refusal {
        let inner = match self {
            Self::MalformedPath => "malformed_path",
            Self::NotFound => "not_found",
            Self::NotFile => "not_file",
            Self::NotFolder => "not_folder",
            Self::Broken(error) => return Refusal::Broken(error),
        };
        Refusal::nested(tag, &json!({ ".tag": inner }))
    }
}

/// The entry that readers see there, with its key.
pub(crate) fn entry(tree: &mut Tree, account: &Account, path: &PathArg) -> Result<(String, Node), LookupError> {
    let found = match path {
        PathArg::Id(id) => tree.find_id(id)?,
        PathArg::Rev(rev) => tree.find_rev(rev)?,
        PathArg::Path(_) | PathArg::Namespace(..) => {
            let key = key(account, path)?;
            tree.find(&key)?.map(|node| (key, node))
        }
    };
    found.filter(|(key, _)| !tree.is_hidden(key)).ok_or(LookupError::NotFound)
}

/// The file that readers see there.
pub(crate) fn file(tree: &mut Tree, account: &Account, path: &PathArg) -> Result<(String, Node), LookupError> {
    let (key, node) = entry(tree, account, path)?;
    if node.content().is_some() { Ok((key, node)) } else { Err(LookupError::NotFile) }
}

/// The key of the folder to list, empty for the root.
pub(crate) fn folder(tree: &mut Tree, account: &Account, path: &PathArg) -> Result<String, LookupError> {
    if matches!(path, PathArg::Path(_) | PathArg::Namespace(..)) && key(account, path)?.is_empty() {
        return Ok(String::new());
    }
    let (key, node) = entry(tree, account, path)?;
    if node.content().is_none() { Ok(key) } else { Err(LookupError::NotFolder) }
}

/// The key that a path stands for. Names that could never have been written are malformed; emoji may exist whatever
/// the switch says now.
pub(crate) fn key(account: &Account, path: &PathArg) -> Result<String, LookupError> {
    match path.inside(&account.namespace, NonBmp::Accept) {
        Ok(path) => path.as_ref().map(RemotePath::key).ok_or(LookupError::NotFound),
        Err(_) => Err(LookupError::MalformedPath),
    }
}

/// `FileMetadata` with its tag, where a route wants `Metadata`.
pub(crate) fn tagged((key, node): &(String, Node)) -> Value {
    node.tagged(key)
}
