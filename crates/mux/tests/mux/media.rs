//! Clips, encoded once per run of the tests.

use std::{
    fs,
    path::PathBuf,
    sync::{LazyLock, Mutex},
};

use tempfile::TempDir;

use crate::ffmpeg::run;

static FOLDER: LazyLock<TempDir> = LazyLock::new(|| TempDir::new().expect("a folder"));
static CLIPS: Mutex<Vec<(String, PathBuf)>> = Mutex::new(Vec::new());

/// How a clip is encoded.
pub(crate) const H264: &str =
    "-f lavfi -i testsrc2=size=192x108:rate=25:duration=8 -c:v libx264 -preset veryfast -bf 2 -g 25";
pub(crate) const H264_NTSC: &str =
    "-f lavfi -i testsrc2=size=192x108:rate=30000/1001:duration=8 -c:v libx264 -preset veryfast -bf 3 -g 37";
pub(crate) const HEVC: &str = "-f lavfi -i testsrc2=size=192x108:rate=25:duration=6 -c:v libx265 -x265-params log-level=none -preset ultrafast -g 25 -tag:v hvc1";
pub(crate) const VP9: &str =
    "-f lavfi -i testsrc2=size=192x108:rate=25:duration=8 -c:v libvpx-vp9 -deadline realtime -cpu-used 8 -g 50";
pub(crate) const AV1: &str =
    "-f lavfi -i testsrc2=size=192x108:rate=25:duration=4 -c:v libaom-av1 -cpu-used 8 -usage realtime -g 25";
pub(crate) const AAC: &str = "-f lavfi -i sine=frequency=440:sample_rate=44100:duration=8 -c:a aac";
pub(crate) const AAC_48: &str = "-f lavfi -i sine=frequency=440:sample_rate=48000:duration=8 -c:a aac -ac 2";
pub(crate) const OPUS: &str = "-f lavfi -i sine=frequency=440:sample_rate=48000:duration=8 -c:a libopus";

/// Fragments as adaptive sites have them, indexed at the front.
pub(crate) const INDEXED: &str = "-movflags +frag_keyframe+default_base_moof+global_sidx+delay_moov";
/// The same for sound, which has a key frame everywhere.
pub(crate) const INDEXED_SOUND: &str =
    "-movflags +default_base_moof+global_sidx+delay_moov+frag_custom -frag_duration 1700000";

/// The file of an encoding with options of the muxer.
pub(crate) fn clip(encoding: &str, muxing: &str) -> PathBuf {
    let coded = made(encoding, "mkv", |path| {
        run("ffmpeg", &format!("-nostdin -v error -y {encoding} @"), &[path]);
    });
    made(&format!("{encoding} {muxing}"), "mp4", |path| {
        // Options of inputs and those of outputs are told apart by a bar.
        let (input, output) = muxing.split_once('|').unwrap_or(("", muxing));
        run("ffmpeg", &format!("-nostdin -v error -y {input} -i @ -c copy {output} @"), &[&coded, path]);
    })
}

/// A clip's bytes.
pub(crate) fn bytes(encoding: &str, muxing: &str) -> Vec<u8> {
    fs::read(clip(encoding, muxing)).expect("a clip")
}

/// A place for bytes that a program shall read.
pub(crate) fn store(bytes: &[u8]) -> PathBuf {
    let mut clips = CLIPS.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let path = FOLDER.path().join(format!("{}.mp4", clips.len()));
    fs::write(&path, bytes).expect("room");
    clips.push((String::new(), path.clone()));
    path
}

fn made(key: &str, kind: &str, make: impl FnOnce(&PathBuf)) -> PathBuf {
    // Held while encoding: two tests that want the same clip share it.
    let mut clips = CLIPS.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some((_, path)) = clips.iter().find(|(known, _)| known == key) {
        return path.clone();
    }
    let path = FOLDER.path().join(format!("{}.{kind}", clips.len()));
    make(&path);
    clips.push((key.to_owned(), path.clone()));
    path
}
