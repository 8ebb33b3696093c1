//! The emulator's own records: JSON files that are replaced whole or not at all.
//!
//! Refuses partial writes: a reader sees the old record or the new one, also after a kill in the middle.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::Error;

/// Reads a record; `None` when there is none yet.
pub(crate) fn load<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, Error> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(Error::file(path)(e)),
    };
    serde_json::from_slice(&bytes).map(Some).map_err(|source| Error::Record { path: path.into(), source })
}

/// Writes a record beside its place and moves it there.
pub(crate) fn save<T: Serialize>(path: &Path, record: &T) -> Result<(), Error> {
    let bytes = serde_json::to_vec(record).map_err(|source| Error::Record { path: path.into(), source })?;
    let beside = path.with_extension("new");
    fs::write(&beside, bytes).and_then(|()| fs::rename(&beside, path)).map_err(Error::file(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_replaced_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("r.json");
        assert_eq!(load::<Vec<u8>>(&path).unwrap(), None);
        save(&path, &vec![1, 2]).unwrap();
        save(&path, &vec![3]).unwrap();
        assert_eq!(load::<Vec<u8>>(&path).unwrap(), Some(vec![3]));
        fs::write(&path, "[1,").unwrap();
        assert!(matches!(load::<Vec<u8>>(&path), Err(Error::Record { .. })));
    }
}
