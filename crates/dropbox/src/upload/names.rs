//! Which name to commit under, one after the other. Dropbox's `autorename` is never used: after a lost answer nobody would know the name.

use sluice_domain::{Failure, FailureKind, FileName, Folder, UploadIntent};

/// The highest number that is tried: "clip (99).mp4".
const MOST_NUMBERS: u32 = 99;

/// The names for one file.
#[derive(Debug)]
pub(super) struct Names {
    base: FileName,
    number: u32,
    plain: bool,
}

impl Names {
    pub(super) fn new(base: FileName) -> Self {
        Self { base, number: 1, plain: false }
    }

    /// What is about to be committed, under the name that is up.
    pub(super) fn intent(&self, folder: &Folder, size: u64, content_hash: String) -> UploadIntent {
        let name = if self.number == 1 { self.base.clone() } else { self.base.numbered(self.number) };
        UploadIntent { path: folder.join(name).to_string(), size, content_hash }
    }

    /// The name is taken by something else: the next number.
    pub(super) fn taken(&mut self) -> Result<(), Failure> {
        if self.number == MOST_NUMBERS {
            return Err(Failure::new(FailureKind::NameTaken, format!("{MOST_NUMBERS} files of this name"))
                .explained("There are too many files of this name in that folder. Choose another folder."));
        }
        self.number += 1;
        Ok(())
    }

    /// Dropbox does not like the name: a plainer one, once.
    pub(super) fn refused(&mut self) -> Result<(), Failure> {
        let plain = self.base.plain();
        if self.plain || plain == self.base {
            return Err(Failure::new(FailureKind::DropboxRefused, "malformed or disallowed name")
                .explained("Dropbox does not accept this file name or folder. Choose another folder."));
        }
        *self = Self { base: plain, number: 1, plain: true };
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(names: &Names) -> String {
        names.intent(&Folder::default(), 0, String::new()).path
    }

    #[test]
    fn numbers_count_up_and_end() {
        let mut names = Names::new(FileName::from_title("clip", "mp4"));
        assert_eq!(path(&names), "/clip.mp4");
        names.taken().unwrap();
        assert_eq!(path(&names), "/clip (2).mp4");
        while names.taken().is_ok() {}
        assert_eq!(path(&names), "/clip (99).mp4");
    }

    #[test]
    fn a_plainer_name_is_tried_once() {
        let mut names = Names::new(FileName::from_title("what? ♥", "mp4"));
        names.taken().unwrap();
        names.refused().unwrap();
        assert_eq!(path(&names), "/what_ _.mp4");
        assert_eq!(names.refused().unwrap_err().kind, FailureKind::DropboxRefused);
        let mut plain = Names::new(FileName::from_title("clip", "mp4"));
        assert!(plain.refused().is_err(), "a plain name cannot become plainer");
    }
}
