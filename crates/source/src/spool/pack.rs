//! The sound of a file, moved into a file of its own by ffmpeg: as it is, or converted. What cannot be written in order, or read in order,
//! is done here.
//!
//! ffmpeg gets one file and no network. What it says is believed only when it is bad: the result is proven like any other.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

use sluice_domain::{Failure, FailureKind, Plan};
use sluice_transfer::Gate;
use tokio::{fs, io};

use super::{
    directory::FetchDirectory,
    download::{ABOVE_THE_CAP, Arrived},
    probe::{Look, probe},
};
use crate::{
    Tools,
    child::{Child, ChildLimits, Network, Program, read_tail},
    id3::id3,
    labels::Labels,
    sound::{Holder, Sound},
};

/// What ffmpeg may take the file for. None of these opens anything else.
const DEMUXERS: &str =
    "mpegts,mov,matroska,aac,mp3,ac3,eac3,flac,ogg,flv,wav,avi,asf,aiff,amr,caf,mpeg,w64,ape,wv,tta,dts,au";
/// What is kept of its standard error, in bytes.
const MAX_STDERR_BYTES: usize = 4096;

/// Where it is done, and within what.
pub(super) struct Pack<'a> {
    pub(super) tools: &'a Tools,
    pub(super) directory: &'a FetchDirectory,
    pub(super) gate: &'a Gate,
    /// The result may become no larger than this in any case, in bytes.
    pub(super) file_limit: u64,
}

impl Pack<'_> {
    /// Takes the sound out of what arrived, which is gone afterwards.
    pub(super) async fn sound(&self, raw: Arrived, plan: &Plan, labels: &Labels) -> Result<Arrived, Failure> {
        let found = probe(self.tools, self.directory, &raw.path, Look::Headers).await?;
        let Some(codec) = found.and_then(|found| found.audio) else {
            return Err(Failure::new(FailureKind::NoSuchFormat, "no sound is in the file"));
        };
        // The site may not have said that it has what was asked for.
        let encode = plan.encode.filter(|encoding| encoding.codec() != codec);
        let holder = Holder::of(&encode.map_or(codec, |encoding| encoding.codec()));
        let sound = Sound { holder, encode, labels };
        let path = self.directory.media().join(format!("sound.{}", holder.extension()));
        self.directory.expect(raw.bytes)?;
        self.ffmpeg(&raw.path, &sound, &path).await?;
        let broken = |error: io::Error| Failure::internal(format!("spool: {error}"));
        fs::remove_file(&raw.path).await.map_err(broken)?;
        let path = if holder == Holder::Mp3 { self.with_labels(&path, labels).await.map_err(broken)? } else { path };
        let bytes = fs::metadata(&path).await.map_err(broken)?.len();
        self.gate.fetched(bytes)?;
        Ok(Arrived { path, bytes, announced: None })
    }

    async fn ffmpeg(&self, from: &Path, sound: &Sound<'_>, to: &Path) -> Result<(), Failure> {
        let file = |path: &Path| {
            let mut name = OsString::from("file:");
            name.push(path);
            name
        };
        let mut args: Vec<OsString> =
            ["-nostdin", "-loglevel", "error", "-protocol_whitelist", "file", "-format_whitelist", DEMUXERS, "-i"]
                .map(OsString::from)
                .into();
        args.push(file(from));
        args.extend(sound.arguments().into_iter().map(OsString::from));
        args.push(file(to));
        let program = Program {
            path: &self.tools.ffmpeg,
            args,
            directory: self.directory.media(),
            scratch: self.directory.scratch(),
            limits: ChildLimits::download(self.file_limit.min(self.gate.most().saturating_add(ABOVE_THE_CAP))),
            network: Network::None,
            reads: &[from],
        };
        let broken = |error: io::Error| Failure::internal(format!("ffmpeg: {error}"));
        let mut child = Child::start(self.tools, &program).map_err(broken)?;
        let stderr = child.take_stderr().ok_or_else(|| Failure::internal("a child without output"))?;
        let said = read_tail(stderr, MAX_STDERR_BYTES).await;
        let status = child.wait().await.map_err(broken)?;
        if !status.success() {
            // A result that met the kernel's limit is too large, whatever ffmpeg calls that.
            self.gate.fetched(fs::metadata(to).await.map_or(0, |file| file.len()))?;
            return Err(Failure::internal(format!("ffmpeg: {status}: {}", said.trim())));
        }
        Ok(())
    }

    /// The same with its labels before it.
    async fn with_labels(&self, frames: &Path, labels: &Labels) -> io::Result<PathBuf> {
        let path = self.directory.media().join("labelled.mp3");
        let mut to = fs::File::create_new(&path).await?;
        io::copy(&mut &id3(labels)[..], &mut to).await?;
        io::copy(&mut fs::File::open(frames).await?, &mut to).await?;
        io::AsyncWriteExt::flush(&mut to).await?;
        fs::remove_file(frames).await?;
        Ok(path)
    }
}
