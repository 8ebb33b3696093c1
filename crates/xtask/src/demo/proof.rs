//! Proof that the file is whole: its content hash, computed here from the bytes on the disk, by nothing that Sluice uses.

use std::{fs::File, io::Read, path::Path};

use anyhow::{Context as _, Result, ensure};
use sha2::{Digest as _, Sha256};

/// Dropbox's block: the content hash is the SHA-256 of the blocks' SHA-256s.
const BLOCK: usize = 4 << 20;

/// Compares what is on the disk with what Sluice says.
pub(super) fn check(file: &Path, size: u64, content_hash: &str) -> Result<()> {
    let open = File::open(file).with_context(|| format!("{} is not there", file.display()))?;
    let on_disk = open.metadata()?.len();
    ensure!(on_disk == size, "{} has {on_disk} bytes, but Sluice says {size}", file.display());
    let hash = hash(open)?;
    ensure!(hash == content_hash, "{} has the content hash {hash}, but Sluice says {content_hash}", file.display());
    Ok(())
}

fn hash(mut from: impl Read) -> Result<String> {
    let mut whole = Sha256::new();
    let mut block = Vec::with_capacity(BLOCK);
    loop {
        block.clear();
        from.by_ref().take(BLOCK as u64).read_to_end(&mut block)?;
        if block.is_empty() {
            return Ok(whole.finalize().iter().map(|byte| format!("{byte:02x}")).collect());
        }
        whole.update(Sha256::digest(&block));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_dropboxs() {
        // Two blocks, the second of one byte; the values were computed with Python's hashlib.
        let check = |bytes: usize, want: &str| assert_eq!(hash(vec![b'a'; bytes].as_slice()).unwrap(), want);
        check(0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        check(1, "bf5d3affb73efd2ec6c36ad3112dd933efed63c4e1cbffcfa88e2759c144f2d8");
        check(BLOCK + 1, "5f858b62ccd88447586305aec6fd53c96747cfebf527cbba129a6dfed47d9624");
    }
}
