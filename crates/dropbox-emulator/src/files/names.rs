//! Dropbox's rules for paths and names, as pure functions.
//!
//! Refuses whatever could leave the account's folder (`.` and `..`), so a parsed path is safe to join to it.

use std::path::PathBuf;

use sha2::{Digest as _, Sha256};
use unicode_normalization::UnicodeNormalization as _;

use crate::settings::NonBmp;

/// Longest name of a file or folder, in UTF-16 units.
const NAME_UNITS: usize = 255;
/// Longest name on disk, in bytes: Linux takes 255, but overlay file systems in user space, as in some containers, take 251.
const DISK_NAME_BYTES: usize = 250;
/// Names that Dropbox keeps for itself or never synchronises, in lower case.
const DISALLOWED: [&str; 6] = ["desktop.ini", "thumbs.db", ".ds_store", "icon\r", ".dropbox", ".dropbox.attr"];

/// A well-formed absolute path below the root of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RemotePath(Vec<String>);

/// The path holds a name that Dropbox cannot hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MalformedPath;

impl RemotePath {
    /// Reads `/a/b`; the empty string is the root.
    pub(crate) fn parse(text: &str, non_bmp: NonBmp) -> Result<Self, MalformedPath> {
        let Some(below) = text.strip_prefix('/') else {
            return if text.is_empty() { Ok(Self(Vec::new())) } else { Err(MalformedPath) };
        };
        let names: Vec<String> = below.split('/').map(str::to_owned).collect();
        if names.iter().all(|name| well_formed(name, non_bmp)) { Ok(Self(names)) } else { Err(MalformedPath) }
    }

    pub(crate) fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// How the path is compared: lower case, composed (NFC). Also what Dropbox calls `path_lower`.
    pub(crate) fn key(&self) -> String {
        self.0.iter().fold(String::new(), |key, name| child_key(&key, name))
    }

    /// The names from the root down.
    pub(crate) fn names(&self) -> &[String] {
        &self.0
    }

    /// The same place under another last name.
    pub(crate) fn renamed(&self, name: String) -> Self {
        let mut names = self.0.clone();
        names.pop();
        names.push(name);
        Self(names)
    }

    /// The last name, empty for the root.
    pub(crate) fn name(&self) -> &str {
        self.0.last().map_or("", String::as_str)
    }

    /// Whether Dropbox refuses to store a file or folder of one of these names.
    pub(crate) fn is_disallowed(&self) -> bool {
        self.0.iter().any(|name| disallowed(name))
    }
}

/// The key of `name` inside the folder `parent` (a key; empty for the root).
pub(crate) fn child_key(parent: &str, name: &str) -> String {
    format!("{parent}/{}", name.to_lowercase().nfc())
}

/// The key of the folder that holds `key`.
pub(crate) fn parent_key(key: &str) -> &str {
    key.rfind('/').map_or("", |slash| &key[..slash])
}

fn well_formed(name: &str, non_bmp: NonBmp) -> bool {
    !matches!(name, "" | "." | "..")
        && name.encode_utf16().count() <= NAME_UNITS
        && !name.contains(['\\', '\0', '\u{7f}'])
        && !name.ends_with(' ')
        && (non_bmp == NonBmp::Accept || name.chars().all(|c| c <= '\u{ffff}'))
}

fn disallowed(name: &str) -> bool {
    let name = name.to_lowercase();
    let temporary =
        name.starts_with("~$") || name.starts_with(".~") || (name.starts_with('~') && name.ends_with(".tmp"));
    temporary || DISALLOWED.contains(&name.as_str())
}

/// The name on the disk. Dropbox counts UTF-16 units, Linux bytes: 200 Chinese characters fit there and not here,
/// so a longer name keeps its beginning and its extension and gets a digest between them.
pub(crate) fn disk_name(name: &str) -> PathBuf {
    if name.len() <= DISK_NAME_BYTES {
        return name.into();
    }
    let digest = hex::encode(&Sha256::digest(name.as_bytes())[..8]);
    let extension = match name.rfind('.') {
        Some(dot) if name.len() - dot <= 20 => &name[dot..],
        _ => "",
    };
    let mut head = DISK_NAME_BYTES - digest.len() - extension.len() - 1;
    while !name.is_char_boundary(head) {
        head -= 1;
    }
    format!("{}~{digest}{extension}", &name[..head]).into()
}

/// The names that `autorename` tries, best first: `clip (1).mp4`, or `clip (conflicted copy).mp4` for an update.
pub(crate) fn other_names(name: &str, first: u32, update: bool) -> impl Iterator<Item = String> {
    let dot = name.rfind('.').filter(|&dot| dot > 0).unwrap_or(name.len());
    let (stem, extension) = (name[..dot].to_owned(), name[dot..].to_owned());
    (first..first + 1000).map(move |number| match (update, number == first) {
        (false, _) => format!("{stem} ({number}){extension}"),
        (true, true) => format!("{stem} (conflicted copy){extension}"),
        (true, false) => format!("{stem} (conflicted copy {number}){extension}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, malformed: bool, disallowed: bool) {
        match RemotePath::parse(path, NonBmp::Accept) {
            Ok(path) => assert!(!malformed && path.is_disallowed() == disallowed, "{path:?}"),
            Err(MalformedPath) => assert!(malformed, "{path:?}"),
        }
    }

    #[test]
    fn names_follow_the_rules() {
        check("", false, false);
        check("/a/b.mp4", false, false);
        check("/a:b?.mp4", false, false);
        check("/🎬.mp4", false, false);
        check("a", true, false);
        check("/", true, false);
        check("/a/", true, false);
        check("/a//b", true, false);
        check("/a/../b", true, false);
        check("/.", true, false);
        check("/a\\b", true, false);
        check("/a\0b", true, false);
        check("/a\u{7f}", true, false);
        check("/trailing ", true, false);
        check(&format!("/{}", "é".repeat(255)), false, false);
        check(&format!("/{}", "é".repeat(256)), true, false);
        check(&format!("/{}", "🎬".repeat(127)), false, false);
        check(&format!("/{}", "🎬".repeat(128)), true, false);
        check("/x/Thumbs.db", false, true);
        check("/.dropbox/x", false, true);
        check("/~$report.docx", false, true);
        check("/~x.tmp", false, true);
        assert_eq!(RemotePath::parse("/🎬", NonBmp::MalformedPath), Err(MalformedPath));
        assert!(RemotePath::parse("/é", NonBmp::MalformedPath).is_ok());
    }

    #[test]
    fn twins_share_a_key() {
        let key = |path| RemotePath::parse(path, NonBmp::Accept).unwrap().key();
        assert_eq!(key("/Caf\u{e9}/A"), key("/cafe\u{301}/a"));
        assert_eq!(parent_key("/a/b"), "/a");
        assert_eq!(parent_key("/a"), "");
    }

    #[test]
    fn long_names_fit_the_disk() {
        let long = format!("{}.mp4", "漢".repeat(200));
        let disk = disk_name(&long);
        assert!(disk.as_os_str().len() <= DISK_NAME_BYTES);
        assert_eq!(disk.extension().unwrap(), "mp4");
        assert_ne!(disk, disk_name(&format!("{}.mp4", "漢".repeat(199))));
        assert_eq!(disk_name("a.mp4"), PathBuf::from("a.mp4"));
    }

    #[test]
    fn autorename_counts() {
        let names = |name, update| other_names(name, 1, update).take(2).collect::<Vec<_>>();
        assert_eq!(names("a.b.mp4", false), ["a.b (1).mp4", "a.b (2).mp4"]);
        assert_eq!(names(".hidden", false), [".hidden (1)", ".hidden (2)"]);
        assert_eq!(names("a.mp4", true), ["a (conflicted copy).mp4", "a (conflicted copy 2).mp4"]);
    }
}
