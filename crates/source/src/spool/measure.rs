//! What lies in a fetch's directory.

use std::{fs, io, os::unix::fs::MetadataExt, path::Path};

/// Sizes in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Measure {
    /// What will become the file, as far as it is here: the figure for the gate.
    ///
    /// While a pair is merged, or a file is rewritten into another container, both old and new lie on the disk, but only one of them
    /// will be uploaded. So the parts count together, each result counts alone, and the largest of these counts.
    ///
    /// It errs on the safe side: transport streams are some per cent larger than the MP4 that is made of them, and while yt-dlp appends a
    /// finished fragment to the rest it is there twice for a moment. What ends that close below the cap may be refused.
    pub(super) file: u64,
    /// Everything, for the spool's budget.
    pub(super) disk: u64,
}

/// Measures a flat directory.
pub(super) fn measure(directory: &Path) -> io::Result<Measure> {
    let (mut parts, mut largest_result, mut disk) = (0, 0, 0);
    for entry in fs::read_dir(directory)? {
        // What vanishes between the two calls was renamed or deleted: the next look sees it as it is then.
        let Ok(entry) = entry else { continue };
        let Ok(file) = entry.metadata() else { continue };
        let (size, name) = (file.size(), entry.file_name());
        disk += size;
        if is_part(&name.to_string_lossy()) {
            parts += size;
        } else {
            largest_result = size.max(largest_result);
        }
    }
    Ok(Measure { file: parts.max(largest_result), disk })
}

/// yt-dlp's names: `media.mp4.part`, `media.mp4.part-Frag7`, `media.mp4.ytdl`, and `media.fp0.mp4` for one format of a pair.
fn is_part(name: &str) -> bool {
    name.contains(".part") || name.ends_with(".ytdl") || name.starts_with("media.fp")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(files: &[(&str, usize)], file: u64, disk: u64) {
        let directory = tempfile::tempdir().unwrap();
        for (name, size) in files {
            fs::write(directory.path().join(name), vec![0; *size]).unwrap();
        }
        assert_eq!(measure(directory.path()).unwrap(), Measure { file, disk });
    }

    #[test]
    fn only_what_will_be_the_file_counts() {
        check(&[], 0, 0);
        check(&[("media.mp4.part", 5)], 5, 5);
        check(&[("media.mp4.part", 5), ("media.mp4.part-Frag3", 2), ("media.mp4.ytdl", 1)], 8, 8);
        check(&[("media.fp0.mp4", 5), ("media.fp1.m4a.part", 2)], 7, 7);
        check(&[("media.fp0.mp4", 5), ("media.fp1.m4a", 2), ("media.temp.mp4", 6)], 7, 13);
        check(&[("media.fp0.mp4", 5), ("media.fp1.m4a", 2), ("media.mp4", 8)], 8, 15);
        check(&[("media.mp4", 8), ("media.m4a", 3)], 8, 11);
        check(&[("media.mp4", 8), ("media.temp.mp4", 8)], 8, 16);
    }
}
