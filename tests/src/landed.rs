//! What lies in an account, judged without trusting anybody: bytes read from the emulator's folder.

use std::{
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use sha2::{Digest, Sha256};

use crate::api::Job;

/// Dropbox hashes blocks of 4 MiB, then the hashes (Dropbox: "Content hash").
const BLOCK: usize = 4 << 20;

/// The bytes that the completed `job` left in the account whose files lie in `folder`, after comparing size and
/// content hash with what the job says.
pub fn landed(folder: &Path, job: &Job) -> Result<Vec<u8>> {
    ensure!(job.state == "completed", "not completed: {job:#?}");
    let file = path(folder, job)?;
    let bytes = fs::read(&file).with_context(|| format!("{} did not land", file.display()))?;
    ensure!(
        job.size == Some(bytes.len() as u64),
        "{}: {} bytes, the job says {:?}",
        file.display(),
        bytes.len(),
        job.size
    );
    let hash = content_hash(&bytes);
    ensure!(
        job.content_hash.as_deref() == Some(&hash),
        "{}: hash {hash}, the job says {:?}",
        file.display(),
        job.content_hash
    );
    Ok(bytes)
}

/// Where the file of the completed `job` lies.
pub fn path(folder: &Path, job: &Job) -> Result<PathBuf> {
    let path = job.dropbox_path.as_deref().context("a completed job has a path")?;
    Ok(folder.join(path.trim_start_matches('/')))
}

/// All files below `folder`, as paths relative to it; none when there is no such folder.
pub fn files(folder: &Path) -> Result<Vec<String>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        let entries = match fs::read_dir(&next) {
            Ok(entries) => entries,
            // Folders come and go while one looks.
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            Err(error) => return Err(error.into()),
        };
        for entry in entries {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path.strip_prefix(folder)?.to_string_lossy().into_owned());
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Dropbox's content hash as lower-case hex.
pub fn content_hash(bytes: &[u8]) -> String {
    let digests: Vec<u8> = bytes.chunks(BLOCK).flat_map(Sha256::digest).collect();
    hex::encode(Sha256::digest(digests))
}
