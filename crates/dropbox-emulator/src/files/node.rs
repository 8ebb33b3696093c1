//! One entry of an account, and how Dropbox words it.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// A file, a folder, or what is remembered of a deleted one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Node {
    /// The full path as it was written; comparing is done by the key it is stored under.
    pub(crate) display: String,
    /// Where it lies, relative to the account's folder.
    pub(crate) disk: PathBuf,
    /// `id:...`, stable over new contents.
    pub(crate) id: String,
    /// Number of the last change in this account, which orders listings.
    pub(crate) change: u64,
    /// What it is.
    pub(crate) kind: Kind,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    Folder,
    File(Content),
    Deleted,
}

/// One revision of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Content {
    pub(crate) rev: String,
    pub(crate) size: u64,
    pub(crate) content_hash: String,
    pub(crate) client_modified: String,
    pub(crate) server_modified: String,
    /// The file's mtime when it was seen last: another one means that somebody wrote to the folder.
    pub(crate) mtime_ns: i64,
}

impl Node {
    pub(crate) fn name(&self) -> &str {
        self.display.rsplit('/').next().unwrap_or_default()
    }

    pub(crate) fn is_live(&self) -> bool {
        self.kind != Kind::Deleted
    }

    pub(crate) fn content(&self) -> Option<&Content> {
        match &self.kind {
            Kind::File(content) => Some(content),
            Kind::Folder | Kind::Deleted => None,
        }
    }

    /// `Metadata` with its `.tag`, for routes that may return any kind.
    pub(crate) fn tagged(&self, key: &str) -> Value {
        let tag = match self.kind {
            Kind::Folder => "folder",
            Kind::File(_) => "file",
            Kind::Deleted => "deleted",
        };
        let mut tagged = json!({ ".tag": tag });
        if let (Some(tagged), Value::Object(plain)) = (tagged.as_object_mut(), self.plain(key)) {
            tagged.extend(plain);
        }
        tagged
    }

    /// `FileMetadata` or `FolderMetadata` without a `.tag`, for routes that return just that kind.
    pub(crate) fn plain(&self, key: &str) -> Value {
        let name = self.name();
        match &self.kind {
            Kind::Deleted => json!({ "name": name, "path_lower": key, "path_display": self.display }),
            Kind::Folder => json!({ "name": name, "path_lower": key, "path_display": self.display, "id": self.id }),
            Kind::File(content) => json!({
                "name": name, "path_lower": key, "path_display": self.display, "id": self.id,
                "client_modified": content.client_modified, "server_modified": content.server_modified,
                "rev": content.rev, "size": content.size, "is_downloadable": true,
                "content_hash": content.content_hash,
            }),
        }
    }
}
