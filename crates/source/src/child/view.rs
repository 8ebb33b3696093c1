//! What a child may read and write of the file system.

use std::{
    collections::BTreeSet,
    ffi::OsStr,
    fs::{self, File},
    io::Read as _,
    path::{Path, PathBuf},
};

use serde::Serialize;

use super::Program;
use crate::Tools;

/// Where systems keep programs, their libraries and what these look up. Nothing here is anybody's own: no home, no settings, no data, no other job.
const SYSTEM: [&str; 35] = [
    "/bin",
    "/sbin",
    "/usr",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/nix/store",
    "/gnu/store",
    "/run/current-system",
    "/etc/alternatives",
    "/etc/ca-certificates",
    "/etc/fonts",
    "/etc/gai.conf",
    "/etc/group",
    "/etc/host.conf",
    "/etc/hosts",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/localtime",
    "/etc/mime.types",
    "/etc/nsswitch.conf",
    "/etc/passwd",
    "/etc/pki",
    "/etc/protocols",
    "/etc/resolv.conf",
    "/etc/services",
    "/etc/ssl",
    "/etc/static",
    "/etc/timezone",
    // Landlock itself keeps a child from looking into other processes there.
    "/proc",
    "/sys/devices/system",
    "/sys/fs/cgroup",
    "/sys/kernel/mm/transparent_hugepage",
];

/// The places of one child.
#[derive(Debug, Serialize)]
pub(crate) struct View<'a> {
    read: Vec<&'a Path>,
    write: Vec<&'a Path>,
}

impl<'a> View<'a> {
    pub(crate) fn of(tools: &'a Tools, program: &'a Program<'_>) -> Self {
        let read = tools.readable.iter().map(PathBuf::as_path).chain(program.reads.iter().copied());
        Self { read: read.collect(), write: vec![program.directory, program.scratch] }
    }
}

/// What every child of these programs may read: the system's part, the programs' own folders and libraries, and the folders on PATH.
pub(crate) fn readable<'a>(
    programs: impl IntoIterator<Item = &'a PathBuf>,
    folders: impl IntoIterator<Item = PathBuf>,
) -> Vec<PathBuf> {
    let mut all: BTreeSet<PathBuf> = SYSTEM.iter().map(PathBuf::from).collect();
    let programs = programs.into_iter().flat_map(|program| [Some(program.clone()), interpreter(program)]).flatten();
    let places = programs.flat_map(|program| {
        // A venv's programs are links; both ends matter.
        let real = fs::canonicalize(&program).ok();
        [Some(program), real].into_iter().flatten().filter_map(|path| path.parent().map(Path::to_path_buf))
    });
    for place in places.chain(folders) {
        all.extend(around(&place));
        all.insert(place);
    }
    // Whoever has everything on PATH gets no view of everything.
    all.remove(Path::new("/"));
    all.into_iter().filter(|path| path.exists()).collect()
}

/// Who runs a script, by its first line.
fn interpreter(program: &Path) -> Option<PathBuf> {
    let mut start = [0; 256];
    let read = File::open(program).and_then(|mut file| file.read(&mut start)).ok()?;
    let line = start[..read].strip_prefix(b"#!")?.split(|byte| *byte == b'\n').next()?;
    let path = Path::new(std::str::from_utf8(line).ok()?.split_whitespace().next()?);
    path.is_absolute().then(|| path.to_path_buf())
}

/// What belongs to a folder of programs: the whole venv, the libraries beside a `bin`, or what a version manager's shims lead to.
fn around(folder: &Path) -> Vec<PathBuf> {
    if let (Some(root), Some("shims")) = (folder.parent(), folder.file_name().and_then(OsStr::to_str)) {
        return vec![root.to_path_buf()];
    }
    let Some(root) = folder.parent().filter(|_| folder.file_name() == Some(OsStr::new("bin"))) else {
        return Vec::new();
    };
    if root.join("pyvenv.cfg").is_file() {
        return vec![root.to_path_buf()];
    }
    ["lib", "lib64", "libexec", "share"].map(|name| root.join(name)).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_brings_its_libraries_and_no_home() {
        let home = tempfile::tempdir().unwrap();
        let at = |path: &str| home.path().join(path);
        for folder in ["bin", "lib", "data", "venv/bin", "venv/lib", "real/bin", "real/lib"] {
            fs::create_dir_all(at(folder)).unwrap();
        }
        fs::write(at("venv/pyvenv.cfg"), "").unwrap();
        fs::write(at("real/bin/python"), "").unwrap();
        std::os::unix::fs::symlink(at("real/bin/python"), at("venv/bin/python")).unwrap();
        fs::create_dir(at("scripts")).unwrap();
        fs::write(at("scripts/yt-dlp"), format!("#!{} -I\nimport x", at("venv/bin/python").display())).unwrap();
        let all = readable([&at("scripts/yt-dlp")], [at("bin"), PathBuf::from("/")]);
        let seen = |path: &str| all.iter().any(|place| at(path).starts_with(place));
        for good in ["venv/lib/x.py", "venv/bin/python", "real/lib/x.so", "real/bin/python", "bin/tool", "lib/tool.so"]
        {
            assert!(seen(good), "{good}: {all:?}");
        }
        assert!(!seen("data/secret.key") && !seen("secret") && !seen("real/other"), "{all:?}");
    }
}
