//! Places in a person's Dropbox.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::FileName;

/// The deepest folder that may be asked for.
const MAX_DEPTH: usize = 20;
/// The longest folder in bytes.
const MAX_BYTES: usize = 1000;

/// Why a text is no folder. The messages are shown to people.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum BadPath {
    /// Too deep or too long.
    #[error("That folder is too deep or its name too long.")]
    TooLong,
    /// A part that Dropbox would refuse, or that tries to climb out.
    #[error(
        "Dropbox does not accept the folder name \"{0}\". Leave out \\ : ? * \" < > | and dots or spaces at the ends."
    )]
    Part(String),
}

/// A folder in the account (or in the app's own folder): `/` or `/Videos/Talks`. Never has `.` or `..`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Folder(Vec<FileName>);

impl Folder {
    /// The path of a file in this folder.
    #[must_use]
    pub fn join(&self, name: FileName) -> RemotePath {
        RemotePath { folder: self.clone(), name }
    }
}

impl FromStr for Folder {
    type Err = BadPath;

    fn from_str(text: &str) -> Result<Self, BadPath> {
        if text.len() > MAX_BYTES {
            return Err(BadPath::TooLong);
        }
        let part = |part: &str| FileName::try_from(part.to_owned()).map_err(|_| BadPath::Part(part.to_owned()));
        let parts = text.trim().split('/').filter(|part| !part.is_empty()).map(part).collect::<Result<Vec<_>, _>>()?;
        if parts.len() > MAX_DEPTH { Err(BadPath::TooLong) } else { Ok(Self(parts)) }
    }
}

impl TryFrom<String> for Folder {
    type Error = BadPath;

    fn try_from(text: String) -> Result<Self, BadPath> {
        text.parse()
    }
}

impl From<Folder> for String {
    fn from(folder: Folder) -> Self {
        folder.to_string()
    }
}

impl fmt::Display for Folder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("/");
        }
        self.0.iter().try_for_each(|part| write!(f, "/{part}"))
    }
}

/// The path of a file: a folder and a name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RemotePath {
    /// Where.
    pub folder: Folder,
    /// What.
    pub name: FileName,
}

impl fmt::Display for RemotePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.folder.0.iter().try_for_each(|part| write!(f, "/{part}"))?;
        write!(f, "/{}", self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_parsed() {
        let check = |text: &str, want: &str| {
            assert_eq!(text.parse::<Folder>().map(|folder| folder.to_string()), Ok(want.to_owned()));
        };
        check("", "/");
        check("/", "/");
        check("Videos", "/Videos");
        check(" /Videos//Talks/ ", "/Videos/Talks");
        for bad in ["/a/../b", "..", "/a\\b", "/a:b", "/CON", "/trailing./x", "/nul\0", "/a\u{2002}/b", "a\u{3000}/"] {
            assert!(bad.parse::<Folder>().is_err(), "{bad:?}");
        }
        assert_eq!("/x".repeat(21).parse::<Folder>(), Err(BadPath::TooLong));
    }

    #[test]
    fn a_file_joins_its_folder() {
        let name = FileName::from_title("clip", "mp4");
        assert_eq!("/".parse::<Folder>().unwrap().join(name.clone()).to_string(), "/clip.mp4");
        assert_eq!("/Videos".parse::<Folder>().unwrap().join(name).to_string(), "/Videos/clip.mp4");
    }
}
