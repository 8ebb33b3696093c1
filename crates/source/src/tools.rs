//! The foreign programs, found once at boot. Nothing here starts them.

use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use sluice_egress::{Egress, Proxy};
use tokio::sync::watch;

use crate::{Containment, SourceError, child::readable, home::Home};

/// Which programs to use, as the settings name them.
#[derive(Debug, Clone)]
pub struct ToolsConfig {
    /// yt-dlp: a path, or a name to look for on PATH.
    pub yt_dlp: String,
    /// A Python that can `import yt_dlp`; it also starts every child.
    pub python: String,
    /// ffmpeg.
    pub ffmpeg: String,
    /// ffprobe.
    pub ffprobe: String,
    /// Folders with yt-dlp plugins. None means that no plugin is loaded, not even an installed one.
    pub plugin_dirs: Vec<PathBuf>,
    /// Where children get their private working directories for small files; several processes may share it.
    pub work_dir: PathBuf,
    /// What may be dialled, by us and by every program.
    pub egress: Egress,
    /// The longest that one extraction may take.
    pub extract_timeout: Duration,
    /// How many extractions may run at once; further ones wait. Each takes some 30 MB, a heavy page several times that.
    pub extract_slots: usize,
    /// The longest that a list may be read, from its first item on. No page of it may take longer than an extraction.
    pub list_timeout: Duration,
    /// How many lists may be read at once; further ones wait. They take no slot of the extractions: one whose reader is slow holds up no link.
    pub list_slots: usize,
}

impl Default for ToolsConfig {
    fn default() -> Self {
        Self {
            yt_dlp: "yt-dlp".into(),
            python: "python3".into(),
            ffmpeg: "ffmpeg".into(),
            ffprobe: "ffprobe".into(),
            plugin_dirs: Vec::new(),
            work_dir: env::temp_dir().join("sluice-work"),
            egress: Egress::default(),
            extract_timeout: Duration::from_secs(90),
            extract_slots: 4,
            list_timeout: Duration::from_secs(600),
            list_slots: 4,
        }
    }
}

/// The programs, found.
#[derive(Debug, Clone)]
pub struct Tools {
    pub(crate) yt_dlp: PathBuf,
    pub(crate) python: PathBuf,
    pub(crate) ffmpeg: PathBuf,
    pub(crate) ffprobe: PathBuf,
    pub(crate) plugin_dirs: Vec<PathBuf>,
    /// Where children get their working directories; swept at the next boot if this process dies.
    pub(crate) work: Arc<Home>,
    pub(crate) egress: Egress,
    /// The only way out to the network for yt-dlp and what it starts.
    pub(crate) proxy: Proxy,
    /// What every child may read.
    pub(crate) readable: Vec<PathBuf>,
    /// What children are held to, as soon as there was one.
    pub(crate) containment: Arc<watch::Sender<Option<Containment>>>,
    pub(crate) extract_timeout: Duration,
    pub(crate) extract_slots: usize,
    pub(crate) list_timeout: Duration,
    pub(crate) list_slots: usize,
    /// PATH for the children: yt-dlp looks there for a JavaScript runtime, which its package puts beside yt-dlp.
    pub(crate) search_path: OsString,
}

impl Tools {
    /// Looks every program up.
    ///
    /// # Errors
    /// When one is missing, or the working directory cannot be made.
    pub fn find(config: ToolsConfig) -> Result<Self, SourceError> {
        let path = env::var_os("PATH").unwrap_or_default();
        let find = |program: &str, setting| {
            locate(program, &path).ok_or_else(|| SourceError::MissingProgram { program: program.to_owned(), setting })
        };
        let yt_dlp = find(&config.yt_dlp, "yt_dlp")?;
        let beside = yt_dlp.parent().map(Path::to_path_buf).into_iter();
        let search_path = env::join_paths(beside.chain(env::split_paths(&path))).unwrap_or_else(|_| path.clone());
        let python = find(&config.python, "python")?;
        let (ffmpeg, ffprobe) = (find(&config.ffmpeg, "ffmpeg")?, find(&config.ffprobe, "ffprobe")?);
        let plugin_dirs: Vec<_> = config.plugin_dirs.iter().map(|folder| absolute(folder)).collect();
        let folders = env::split_paths(&search_path).map(|folder| absolute(&folder)).chain(plugin_dirs.clone());
        Ok(Self {
            readable: readable([&yt_dlp, &python, &ffmpeg, &ffprobe], folders),
            yt_dlp,
            python,
            ffmpeg,
            ffprobe,
            plugin_dirs,
            work: Arc::new(Home::open(&absolute(&config.work_dir))?),
            proxy: Proxy::start(config.egress.clone()).map_err(SourceError::Proxy)?,
            egress: config.egress,
            containment: Arc::new(watch::Sender::new(None)),
            extract_timeout: config.extract_timeout,
            extract_slots: config.extract_slots.max(1),
            list_timeout: config.list_timeout,
            list_slots: config.list_slots.max(1),
            search_path,
        })
    }
}

/// The program's absolute path. Children run elsewhere, so a relative one would not do.
fn locate(program: &str, path: &OsString) -> Option<PathBuf> {
    if program.contains('/') {
        return Some(absolute(Path::new(program))).filter(|path| path.is_file());
    }
    env::split_paths(path).map(|folder| absolute(&folder).join(program)).find(|candidate| candidate.is_file())
}

/// Absolute, with its symbolic links as they are: a venv's `python` is a link whose own place matters.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf())
}
