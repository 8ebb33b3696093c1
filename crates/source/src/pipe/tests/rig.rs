//! The route on its own, sources in memory, and what films are compared by.

use std::{
    ffi::OsStr,
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, future::try_join_all, stream};
use nix::unistd::Pid;
use sluice_domain::{
    ByteSize, Codec, Failure, FailureKind, FileName, Format, Length, Limits, MediaInfo, Plan, Preset, Route,
    plan::{self, Container, Encoding},
};
use sluice_transfer::{BufferBudget, ByteStream, Gate, Source};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use crate::{
    Extraction, Extractor, Fetched, Found, Renew, Tools, ToolsConfig,
    extract::PlainYtDlp,
    http::{Media, OpenError, Web},
    labels::Labels,
    pipe::{Native, Pipe},
    testing::{link, loopback, tools, tools_config},
};

pub(super) struct Rig {
    pipe: Pipe,
    native: bool,
    /// Where its children work.
    work: TempDir,
}

impl Rig {
    pub(super) fn new() -> Self {
        let work = tempfile::tempdir().unwrap();
        let tools = Tools::find(ToolsConfig { work_dir: work.path().to_path_buf(), ..tools_config() }).unwrap();
        // Room for one transfer: what a test leaves behind is in the way of the next.
        Self {
            pipe: Pipe::new(tools, BufferBudget::new(ByteSize(super::UPLOAD_WINDOW)), super::UPLOAD_WINDOW),
            native: false,
            work,
        }
    }

    /// Its links' segments are fetched by ourselves.
    pub(super) fn native() -> Self {
        Self { native: true, ..Self::new() }
    }

    /// Fetches a link, by yt-dlp unless told otherwise.
    pub(super) async fn fetch_link(&self, url: &str, gate: &Gate) -> Result<Fetched, Failure> {
        let plain = PlainYtDlp::new(tools());
        let Found::Media(extraction) = plain.extract(&link(url), None, gate).await? else { panic!("a list") };
        let plan = plan::plan(&extraction.info, Preset::Best, &Limits::default(), None)?;
        assert_eq!(plan.route, Route::Pipe);
        let media = Arc::new(Media::new(&extraction, Arc::new(NoRenewal)));
        let films = plan.formats.iter().map(async |format| {
            if !self.native {
                return Ok(None);
            }
            let film = Web::new(loopback(), ByteSize(0), sluice_egress::READ_BYTES)
                .unwrap()
                .open_film(&media, format, gate)
                .await;
            film.map(|film| Some(Native::Film(Box::new(film))))
        });
        let films = try_join_all(films).await.map_err(|error| match error {
            OpenError::Failed(failure) => failure,
            OpenError::Unsuitable(why) => panic!("{why}"),
        })?;
        self.fetch_planned(&plan, &extraction, films, gate).await
    }

    /// Puts these parts together.
    pub(super) async fn fetch(
        &self,
        container: Container,
        duration: Option<f64>,
        inputs: impl IntoIterator<Item = Memory>,
        gate: &Gate,
    ) -> Result<Fetched, Failure> {
        let native: Vec<_> = inputs.into_iter().map(|input| Some(Native::File(Arc::new(input)))).collect();
        let formats = native.iter().enumerate().map(|(number, _)| Format { format_id: number.to_string(), ..part() });
        let info = MediaInfo { duration, formats: formats.collect(), ..MediaInfo::default() };
        let plan = Plan {
            route: Route::Pipe,
            formats: info.formats.iter().map(|format| format.format_id.clone()).collect(),
            container,
            file_name: FileName::from_title("film", "mp4"),
            length: Length::Estimate(7),
            sound_only: false,
            encode: None,
            prove_codecs: None,
        };
        self.fetch_planned(&plan, &Extraction { info, json: "{}".into() }, native, gate).await
    }

    /// Converts the sound of this; why not, where it cannot be done here.
    pub(super) async fn convert(
        &self,
        encoding: Encoding,
        duration: Option<f64>,
        input: Memory,
        gate: &Gate,
    ) -> Result<Vec<u8>, OpenError> {
        let format = Format { format_id: "0".into(), ..part() };
        let plan = Plan {
            route: Route::Pipe,
            formats: vec!["0".into()],
            container: Container::AsIs,
            file_name: FileName::from_title("sound", encoding.extension()),
            length: Length::Unknown,
            sound_only: true,
            encode: Some(encoding),
            prove_codecs: None,
        };
        let info = MediaInfo { duration, formats: vec![format], ..MediaInfo::default() };
        let (extraction, native) = (Extraction { info, json: "{}".into() }, vec![Some(Native::File(Arc::new(input)))]);
        let labels = Labels { title: Some("A title".into()), ..Labels::default() };
        let fetched = self.pipe.fetch(&plan, &extraction, native, &labels, gate).await?;
        Ok(self.read(&fetched, gate).await?)
    }

    async fn fetch_planned(
        &self,
        plan: &Plan,
        extraction: &Extraction,
        native: Vec<Option<Native>>,
        gate: &Gate,
    ) -> Result<Fetched, Failure> {
        let fetched = self.pipe.fetch(plan, extraction, native, &Labels::default(), gate).await;
        fetched.map_err(|error| match error {
            OpenError::Failed(failure) => failure,
            OpenError::Unsuitable(why) => panic!("{why}"),
        })
    }

    /// Reads to the end, and releases what was read.
    pub(super) async fn read(&self, fetched: &Fetched, gate: &Gate) -> Result<Vec<u8>, Failure> {
        let (mut reader, mut all) = (fetched.source.open(0, None).await?, Vec::new());
        while let Some(chunk) = reader.try_next().await? {
            all.extend(chunk);
            gate.reached(all.len() as u64)?;
            fetched.source.release(all.len() as u64);
        }
        Ok(all)
    }

    pub(super) async fn whole(
        &self,
        container: Container,
        duration: Option<f64>,
        inputs: impl IntoIterator<Item = Memory>,
        gate: &Gate,
    ) -> Result<Vec<u8>, Failure> {
        let fetched = self.fetch(container, duration, inputs, gate).await?;
        self.read(&fetched, gate).await
    }

    pub(super) async fn whole_link(&self, url: &str, gate: &Gate) -> Result<Vec<u8>, Failure> {
        let fetched = self.fetch_link(url, gate).await?;
        self.read(&fetched, gate).await
    }

    /// The processes that work for it: those in its directories.
    pub(super) fn children(&self) -> Vec<Pid> {
        let processes = fs::read_dir("/proc").unwrap().flatten();
        let ours = processes.filter(|process| {
            fs::read_link(process.path().join("cwd")).is_ok_and(|place| place.starts_with(self.work.path()))
        });
        ours.filter_map(|process| process.file_name().to_str()?.parse().ok()).map(Pid::from_raw).collect()
    }

    /// The files that lie where its children work.
    pub(super) fn files(&self) -> Vec<PathBuf> {
        let (mut folders, mut files) = (vec![self.work.path().to_path_buf()], Vec::new());
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
                match entry.metadata() {
                    Ok(known) if known.is_dir() => folders.push(entry.path()),
                    // Locks have no bytes.
                    Ok(known) if known.len() > 0 => files.push(entry.path()),
                    _ => {}
                }
            }
        }
        files
    }

    /// Waits until no process and no file is left.
    pub(super) async fn nothing_is_left(&self) {
        let deadline = Instant::now() + Duration::from_secs(5);
        let directories = || {
            let owners = fs::read_dir(self.work.path()).unwrap().flatten().filter(|entry| entry.path().is_dir());
            owners
                .flat_map(|owner| fs::read_dir(owner.path()).unwrap().flatten())
                .filter(|entry| entry.path().is_dir())
                .count()
        };
        while !self.children().is_empty() || directories() > 0 {
            assert!(Instant::now() < deadline, "{:?} live on, {} directories are left", self.children(), directories());
            sleep(Duration::from_millis(5)).await;
        }
    }
}

/// The addresses of these films do not expire.
struct NoRenewal;

#[async_trait]
impl Renew for NoRenewal {
    async fn renew(&self) -> Result<Extraction, Failure> {
        Err(Failure::internal("nothing expires here"))
    }
}

fn part() -> Format {
    Format { ext: "mp4".into(), video: Codec::Unknown, plain_get: true, ..Format::default() }
}

/// How a source in memory ends.
#[derive(Debug, Clone, Copy)]
enum End {
    Well,
    Fails,
    Stalls,
}

/// A source that has these bytes, and may stop before their end.
#[derive(Debug, Clone)]
pub(super) struct Memory {
    bytes: Bytes,
    at: usize,
    end: End,
    asked: Arc<AtomicU64>,
}

impl Memory {
    fn new(bytes: &[u8], at: usize, end: End) -> Self {
        Self { bytes: Bytes::copy_from_slice(bytes), at, end, asked: Arc::default() }
    }

    pub(super) fn whole(bytes: &[u8]) -> Self {
        Self::new(bytes, bytes.len(), End::Well)
    }

    /// Fails there.
    pub(super) fn fails(bytes: &[u8], at: usize) -> Self {
        Self::new(bytes, at, End::Fails)
    }

    /// Ends there, although it announces more.
    pub(super) fn short(bytes: &[u8], at: usize) -> Self {
        Self::new(bytes, at, End::Well)
    }

    /// Gives no more from there on.
    pub(super) fn stalls(bytes: &[u8], at: usize) -> Self {
        Self::new(bytes, at, End::Stalls)
    }

    /// How many bytes were asked for.
    pub(super) fn asked(&self) -> u64 {
        self.asked.load(Ordering::Relaxed)
    }
}

#[async_trait]
impl Source for Memory {
    fn length(&self) -> Length {
        Length::Exact(self.bytes.len() as u64)
    }

    async fn open(&self, from: u64, _: Option<u64>) -> Result<ByteStream, Failure> {
        assert_eq!(from, 0);
        let (bytes, asked) = (self.bytes.slice(..self.at), self.asked.clone());
        let chunks = (0..bytes.len()).step_by(10_000).map(move |from| {
            let chunk = bytes.slice(from..bytes.len().min(from + 10_000));
            asked.fetch_add(chunk.len() as u64, Ordering::Relaxed);
            Ok(chunk)
        });
        let end = match self.end {
            End::Well => stream::empty().boxed(),
            End::Fails => stream::iter([Err(Failure::new(FailureKind::Network, "test"))]).boxed(),
            End::Stalls => stream::pending().boxed(),
        };
        Ok(stream::iter(chunks).chain(end).boxed())
    }
}

/// The packets of a film in memory, in digests: one for each stream.
pub(super) fn hash(film: &[u8], ext: &str) -> String {
    let mut file = tempfile::Builder::new().suffix(&format!(".{ext}")).tempfile().unwrap();
    file.write_all(film).unwrap();
    // What decodes badly is no film.
    ffmpeg(file.path(), &["-f", "null"]);
    of(file.path())
}

/// The packets of a film on disk. Segments and files name codecs and frame sound in their own ways, which is taken out here.
pub(super) fn of(film: &Path) -> String {
    let same = ["-bsf:v", "h264_mp4toannexb,filter_units=remove_types=7-9", "-bsf:a", "aac_adtstoasc"];
    let filters = if film.extension() == Some(OsStr::new("webm")) { &[][..] } else { &same };
    ffmpeg(film, &[&["-c", "copy"], filters, &["-f", "streamhash", "-hash", "md5"]].concat())
}

#[expect(clippy::disallowed_methods, reason = "test media; nothing of it comes from outside")]
fn ffmpeg(film: &Path, args: &[&str]) -> String {
    let done = std::process::Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-i"])
        .arg(film)
        .args(["-map", "0:v?", "-map", "0:a?"])
        .args(args)
        .arg("-")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let complaints = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success() && complaints.is_empty(), "{complaints}");
    String::from_utf8(done.stdout).unwrap()
}
