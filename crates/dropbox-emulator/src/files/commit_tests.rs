//! Every cell of Dropbox's table of commits, on a real folder.

use std::fs;

use super::*;
use crate::settings::NonBmp;

struct Desk {
    folder: tempfile::TempDir,
    tree: Tree,
}

impl Desk {
    /// An account that holds `/there.mp4` ("old") and the folder `/Folder`.
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let tree = Tree::open(&folder.path().join("Ada"), &folder.path().join("ada.json"), 1000).unwrap();
        let mut desk = Self { folder, tree };
        desk.commit("/there.mp4", "old", |_| ()).unwrap();
        desk.tree.create_folder(&RemotePath::parse("/Folder", NonBmp::Accept).unwrap(), None).unwrap();
        desk
    }

    fn commit(
        &mut self,
        path: &str,
        content: &str,
        change: impl FnOnce(&mut Placement),
    ) -> Result<(String, Node), WriteError> {
        let file = self.folder.path().join("staged");
        fs::write(&file, content).unwrap();
        let mut to = Placement {
            path: RemotePath::parse(path, NonBmp::Accept).unwrap(),
            mode: WriteMode::Add,
            autorename: false,
            autorename_first: 1,
            strict_conflict: false,
            client_modified: None,
        };
        change(&mut to);
        let content_hash = crate::content_hash::ContentHash::of_file(&file).unwrap();
        let staged = Staged { file: &file, size: content.len() as u64, content_hash };
        self.tree.commit(&staged, &to, "2026-11-20T19:47:31Z")
    }
}

fn check(path: &str, content: &str, change: impl FnOnce(&mut Placement), expected: &str) {
    let mut desk = Desk::new();
    let said = match desk.commit(path, content, change) {
        Ok((_, node)) => {
            let lies = desk.tree.on_disk(&node);
            format!("{} holds {}", node.display, fs::read_to_string(lies).unwrap())
        }
        Err(WriteError::Conflict(conflict)) => format!("{conflict:?}"),
        Err(other) => format!("{other:?}"),
    };
    assert_eq!(said, expected, "{path} {content}");
}

#[test]
fn commits_follow_the_table() {
    let update = |rev: &str| {
        let rev = rev.to_owned();
        move |to: &mut Placement| to.mode = WriteMode::Update(rev)
    };
    let strict = |to: &mut Placement| to.strict_conflict = true;
    check("/New/Clip.mp4", "new", |_| (), "/New/Clip.mp4 holds new");
    check("/folder/x.mp4", "new", |_| (), "/Folder/x.mp4 holds new");
    check("/Folder", "new", |_| (), "Folder");
    check("/there.mp4", "new", |_| (), "File");
    check("/THERE.mp4", "old", |_| (), "/there.mp4 holds old");
    check("/there.mp4", "old", strict, "File");
    check("/there.mp4", "new", |to| to.mode = WriteMode::Overwrite, "/there.mp4 holds new");
    check("/there.mp4", "new", update("0123456789"), "File");
    check("/gone.mp4", "new", update("0123456789"), "/gone.mp4 holds new");
    check("/there.mp4/x", "new", |_| (), "FileAncestor");
    check("/there.mp4", "new", |to| to.autorename = true, "/there (1).mp4 holds new");
    check("/Folder", "new", |to| to.autorename = true, "/Folder (1) holds new");
    check("/desktop.ini", "new", |_| (), "DisallowedName");
    check("/big", &"x".repeat(998), |_| (), "InsufficientSpace");
    check("/fits", &"x".repeat(997), |_| (), &format!("/fits holds {}", "x".repeat(997)));
    check(&format!("/{}.mp4", "漢".repeat(200)), "new", |_| (), &format!("/{}.mp4 holds new", "漢".repeat(200)));
}

#[test]
fn an_overwritten_file_keeps_its_id_and_changes_its_rev() {
    let mut desk = Desk::new();
    let (_, old) = desk.commit("/there.mp4", "old", |_| ()).unwrap();
    let rev = old.content().unwrap().rev.clone();
    let (_, new) = desk.commit("/there.mp4", "new", |to| to.mode = WriteMode::Update(rev.clone())).unwrap();
    assert_eq!(old.id, new.id);
    assert_ne!(new.content().unwrap().rev, rev);
}

#[test]
fn the_folder_is_the_truth() {
    let mut desk = Desk::new();
    let ada = desk.folder.path().join("Ada");
    fs::write(ada.join("dropped in.txt"), "hello").unwrap();
    let found = desk.tree.find("/dropped in.txt").unwrap().unwrap();
    assert_eq!(found.content().unwrap().size, 5);
    fs::write(ada.join("dropped in.txt"), "changed").unwrap();
    let changed = desk.tree.find("/dropped in.txt").unwrap().unwrap();
    assert_eq!((changed.content().unwrap().size, &changed.id), (7, &found.id));
    fs::remove_file(ada.join("there.mp4")).unwrap();
    assert_eq!(desk.tree.find("/there.mp4").unwrap(), None);
    let again = Tree::open(&ada, &desk.folder.path().join("ada.json"), 1000).unwrap().find("/dropped in.txt").unwrap();
    assert_eq!(again, Some(changed));
}
