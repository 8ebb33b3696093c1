//! Making a folder and deleting, the two writes that carry no bytes.

use std::fs;
use std::io::ErrorKind;

use crate::error::Error;
use crate::files::commit::{Conflict, WriteError};
use crate::files::names::{RemotePath, disk_name, other_names};
use crate::files::node::{Kind, Node};
use crate::files::sync::new_id;
use crate::files::tree::Tree;

impl Tree {
    /// Makes a folder, and the missing ones above it. Returns it with its key.
    pub(crate) fn create_folder(
        &mut self,
        path: &RemotePath,
        autorename: Option<u32>,
    ) -> Result<(String, Node), WriteError> {
        if path.is_root() {
            return Err(WriteError::MalformedPath);
        }
        if path.is_disallowed() {
            return Err(WriteError::DisallowedName);
        }
        let mut conflict = Conflict::Folder;
        let others = autorename.into_iter().flat_map(|first| other_names(path.name(), first, false));
        for path in std::iter::once(path.clone()).chain(others.map(|name| path.renamed(name))) {
            let key = path.key();
            match self.find(&key)? {
                Some(node) => conflict = if node.content().is_some() { Conflict::File } else { Conflict::Folder },
                None if self.has_file_above(&key) => return Err(WriteError::Conflict(Conflict::FileAncestor)),
                None => return Ok(self.put_folder(key, &path)?),
            }
        }
        Err(WriteError::Conflict(conflict))
    }

    fn put_folder(&mut self, key: String, path: &RemotePath) -> Result<(String, Node), Error> {
        let (above, disk) = self.make_folders(path)?;
        let display = format!("{above}/{}", path.name());
        let node =
            Node { display, disk: disk.join(disk_name(path.name())), id: new_id(), change: 0, kind: Kind::Folder };
        let folder = self.on_disk(&node);
        fs::create_dir_all(&folder).map_err(Error::file(folder))?;
        let node = self.put(key.clone(), node);
        self.save()?;
        Ok((key, node))
    }

    /// Removes an entry and everything below it.
    pub(crate) fn delete(&mut self, key: &str, node: &Node) -> Result<(), Error> {
        let path = self.on_disk(node);
        let removed = if node.content().is_some() { fs::remove_file(&path) } else { fs::remove_dir_all(&path) };
        match removed {
            Err(e) if e.kind() != ErrorKind::NotFound => return Err(Error::file(path)(e)),
            Ok(()) | Err(_) => self.bury(key),
        }
        self.save()
    }
}
