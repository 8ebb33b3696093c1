//! A folder of encoded media, one subfolder per recipe, named by the recipe's hash.
//!
//! It never deletes: the whole folder may be removed at any time.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use super::ffmpeg;

/// Where encoded media is kept between runs.
#[derive(Debug, Clone)]
pub struct Library {
    folder: PathBuf,
}

impl Library {
    /// A library in `folder`, which is made when it does not exist.
    pub fn open(folder: &Path) -> Result<Self> {
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        Ok(Self { folder: folder.canonicalize()? })
    }

    /// The tests' own library, below the repository's `target/`.
    pub fn of_the_repository() -> Result<Self> {
        Self::open(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/test-media"))
    }

    /// The folder that holds what ffmpeg makes from `arguments`; it runs only when the folder does not exist yet.
    /// Output names in the arguments are relative to that folder.
    pub(super) async fn make(&self, name: &str, arguments: &[String]) -> Result<PathBuf> {
        let digest = hex::encode(Sha256::digest(arguments.join("\0")));
        let folder = self.folder.join(format!("{name}-{}", &digest[..16]));
        if folder.is_dir() {
            return Ok(folder);
        }
        // Made aside and renamed, so that nobody ever sees half a clip; a neighbour who was faster is as good.
        let aside = tempfile::tempdir_in(&self.folder)?;
        ffmpeg::run(aside.path(), arguments).await.with_context(|| format!("encoding {name}"))?;
        let aside = aside.keep();
        if std::fs::rename(&aside, &folder).is_err() {
            std::fs::remove_dir_all(&aside)?;
        }
        folder.is_dir().then_some(folder).context("the encoded clip cannot be put into the library")
    }
}
