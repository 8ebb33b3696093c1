//! Finding programs: on PATH, and beside our own.

use std::{
    env,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

/// The program of this name on PATH; a name with a slash is a path already.
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    if name.contains('/') {
        return Some(PathBuf::from(name)).filter(|path| is_program(path));
    }
    env::split_paths(&env::var_os("PATH")?).map(|dir| dir.join(name)).find(|path| is_program(path))
}

/// The program of this name in the folder that our own is in: those that were built together run together.
pub(crate) fn beside_us(name: &str) -> Option<PathBuf> {
    let ours = env::current_exe().ok()?;
    Some(ours.parent()?.join(name)).filter(|path| is_program(path))
}

fn is_program(path: &Path) -> bool {
    path.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_found_on_path_or_by_path() {
        let sh = find("sh").unwrap();
        assert_eq!(find(sh.to_str().unwrap()), Some(sh));
        assert_eq!(find("/etc/passwd"), None);
        assert_eq!(find("no-such-program-anywhere"), None);
    }
}
