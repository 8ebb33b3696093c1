//! One short clip in every shape in which sites serve video, loaded into memory (a few megabytes in all).

use std::{collections::BTreeMap, path::Path};

use anyhow::{Context, Result};
use bytes::Bytes;
use tokio::sync::OnceCell;

use super::{Adaptive, Library, Shape, adaptive::load, encode};

/// A manifest and the files it names, by file name.
pub type Folder = BTreeMap<String, Bytes>;

/// The same six seconds, in every container. All H.264 pictures and AAC sound of one height are copies of one
/// encoding, so that a test can compare what arrives with what left.
#[derive(Debug)]
pub struct Clips {
    /// MP4, 720p H.264 and AAC, index first.
    pub progressive: Bytes,
    /// The same with its index last: cannot be played before its end.
    pub moov_last: Bytes,
    /// WebM, 480p VP9 and Opus.
    pub webm: Bytes,
    /// Fragmented MP4, apart: 1080p, 720p, 480p and AAC.
    pub mp4_apart: Adaptive,
    /// WebM, apart: VP9 at 720p and 480p, and Opus.
    pub webm_apart: Adaptive,
    /// AAC in MP4, not fragmented.
    pub m4a: Bytes,
    /// MP3, constant bit rate.
    pub mp3: Bytes,
    /// Opus in Ogg.
    pub opus: Bytes,
    /// `index.m3u8` with transport stream segments.
    pub hls_ts: Folder,
    /// `index.m3u8` with fragmented MP4 segments.
    pub hls_fmp4: Folder,
    /// `index.mpd` with a segment template, video and audio apart.
    pub dash_template: Folder,
    /// A JPEG of the first frame.
    pub poster: Bytes,
}

/// The tests' clips, encoded at most once per machine and read once per process.
pub async fn clips() -> Result<&'static Clips> {
    static CLIPS: OnceCell<Clips> = OnceCell::const_new();
    CLIPS.get_or_try_init(|| async { Clips::make(&Library::of_the_repository()?, Shape::TEST).await }).await
}

impl Clips {
    /// Makes every kind from `shape`, or finds it in the library.
    pub async fn make(library: &Library, shape: Shape) -> Result<Self> {
        let whole = encode::progressive(library, shape, 720).await?;
        let copied = async |name, output| encode::copied(library, name, &[&whole], output).await;
        let vp9 = encode::webm_video(library, shape, 480).await?;
        let sound = encode::webm_audio(library, shape).await?;
        let both = "-map 0:v -map 1:a -c copy -cues_to_front 1 clip.webm";
        let hls = "-c copy -f hls -hls_time 2 -hls_playlist_type vod";
        let fmp4 = "-hls_segment_type fmp4 -hls_fmp4_init_filename init.mp4 -hls_segment_filename part%03d.m4s";
        let dash = "-c copy -f dash -seg_duration 2 -use_template 1 -use_timeline 1 index.mpd";
        Ok(Self {
            progressive: load(&whole)?,
            moov_last: load(&copied("moov-last", "-c copy clip.mp4").await?)?,
            webm: load(&encode::copied(library, "webm", &[&vp9, &sound], both).await?)?,
            mp4_apart: Adaptive::mp4(library, shape, &[1080, 720, 480]).await?,
            webm_apart: Adaptive::webm(library, shape, &[720, 480]).await?,
            m4a: load(&copied("m4a", "-map 0:a -c copy -movflags +faststart clip.m4a").await?)?,
            mp3: load(&encode::mp3(library, shape).await?)?,
            opus: load(&encode::copied(library, "opus", &[&sound], "-c copy clip.opus").await?)?,
            hls_ts: folder(&copied("hls-ts", &format!("{hls} -hls_segment_filename part%03d.ts index.m3u8")).await?)?,
            hls_fmp4: folder(&copied("hls-fmp4", &format!("{hls} {fmp4} index.m3u8")).await?)?,
            dash_template: folder(&copied("dash-template", dash).await?)?,
            poster: poster(library, shape, 720).await?,
        })
    }
}

/// A JPEG of the first frame of a film.
pub async fn poster(library: &Library, shape: Shape, height: u32) -> Result<Bytes> {
    let film = encode::progressive(library, shape, height).await?;
    let output = "-map 0:v -frames:v 1 -vf scale=480:-2 -q:v 5 poster.jpg";
    load(&encode::copied(library, "poster", &[&film], output).await?)
}

/// All files beside `manifest`, itself included.
fn folder(manifest: &Path) -> Result<Folder> {
    let mut files = Folder::new();
    for entry in std::fs::read_dir(manifest.parent().context("a manifest lies in a folder")?)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).context("ffmpeg's names are plain")?;
        files.insert(name.to_owned(), load(&path)?);
    }
    Ok(files)
}

/// One second of a very small picture with sound, a few kilobytes in all: for tests in which there are many films.
pub async fn tiny() -> Result<Bytes> {
    let shape = Shape { seconds: 1, rate: 2, video_bits: 20_000 };
    load(&encode::progressive(&Library::of_the_repository()?, shape, 36).await?)
}
