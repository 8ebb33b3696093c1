//! The spool's folder: can it be written, and is there the room that the settings promise?

use std::path::Path;

use nix::sys::statvfs::statvfs;
use sluice_domain::ByteSize;
use sluice_runtime::{Limits, Worker};

use super::check::Check;

pub(super) fn check(dir: &Path, worker: &Worker, limits: &Limits) -> Check {
    // The folder itself may not be made yet: then the nearest one above tells.
    let Some(there) = dir.ancestors().find(|path| path.is_dir()) else {
        return Check::bad("spool", format!("{} is nowhere", dir.display()), "correct worker.spool_dir");
    };
    if let Err(error) = tempfile::tempfile_in(there) {
        return Check::bad(
            "spool",
            format!("{} cannot be written: {error}", there.display()),
            "correct worker.spool_dir, or its owner",
        );
    }
    match statvfs(there) {
        // The widths of these numbers differ between systems.
        Ok(disk) => {
            #[expect(clippy::useless_conversion, reason = "the numbers are 32 bits wide on some systems")]
            let free = u64::from(disk.blocks_available()).saturating_mul(u64::from(disk.fragment_size()));
            judge(dir, ByteSize(free), worker.spool_bytes, limits.max_file_bytes)
        }
        Err(error) => Check::warning("spool", format!("{}: {error}", dir.display()), "check worker.spool_dir"),
    }
}

fn judge(dir: &Path, free: ByteSize, spool: ByteSize, largest: ByteSize) -> Check {
    let found = format!("{free} free at {}", dir.display());
    if free < largest {
        Check::bad(
            "spool",
            format!("{found}: less than one file of {largest}"),
            "free some space, or move worker.spool_dir",
        )
    } else if free < spool {
        let mend = "free some space, move worker.spool_dir, or lower worker.spool_bytes";
        Check::warning("spool", format!("{found}: less than worker.spool_bytes ({spool})"), mend)
    } else {
        Check::good("spool", found)
    }
}

#[cfg(test)]
mod tests {
    use super::{super::check::Verdict, *};

    #[test]
    fn room_is_compared_with_what_is_promised() {
        let check = |free, want| {
            assert_eq!(judge(Path::new("/s"), ByteSize(free), ByteSize(20), ByteSize(4)).verdict, want, "{free}");
        };
        check(3, Verdict::Bad);
        check(4, Verdict::Warning);
        check(20, Verdict::Good);
    }
}
