//! Recipes: which arguments make which kind of media. Encoders are told to be quick, not good; containers are real.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::Library;

/// How long and how smooth a clip is. Every recipe of one shape shows the same pictures and sound.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// Length in seconds.
    pub seconds: u32,
    /// Frames per second of the picture.
    pub rate: u32,
    /// Bits per second of the picture.
    pub video_bits: u32,
}

impl Shape {
    /// What tests use: real codecs and sizes, as few frames as make three fragments.
    pub const TEST: Self = Self { seconds: 6, rate: 12, video_bits: 600_000 };

    fn picture(&self, height: u32) -> Vec<String> {
        let Self { seconds, rate, .. } = self;
        words(&format!("-f lavfi -i testsrc2=size={}x{height}:rate={rate}:duration={seconds}", width(height)))
    }

    fn sound(&self) -> Vec<String> {
        words(&format!("-f lavfi -i sine=frequency=440:sample_rate=48000:duration={}", self.seconds))
    }

    /// A key frame every two seconds and nowhere else, so that all heights are cut at the same places.
    fn key_frames(&self) -> String {
        format!("-g {0} -keyint_min {0}", self.rate * 2)
    }
}

/// Width of a 16:9 picture, rounded up to an even number as the encoders demand.
pub(super) fn width(height: u32) -> u32 {
    (height * 16 / 9).next_multiple_of(2)
}

/// H.264 High with B-frames and AAC, index first.
pub(super) async fn progressive(library: &Library, shape: Shape, height: u32) -> Result<PathBuf> {
    let video = format!(
        "-c:v libx264 -preset veryfast -profile:v high -bf 2 -sc_threshold 0 -pix_fmt yuv420p {} -b:v {bits} -maxrate {bits} -bufsize {bits}",
        shape.key_frames(),
        bits = shape.video_bits,
    );
    let output = words(&format!("-map 0:v -map 1:a {video} -c:a aac -b:a 96k -ac 2 -movflags +faststart clip.mp4"));
    one(library, "progressive", [shape.picture(height), shape.sound(), output].concat(), "clip.mp4").await
}

/// VP9 alone, Cues first, as adaptive sites serve it.
pub(super) async fn webm_video(library: &Library, shape: Shape, height: u32) -> Result<PathBuf> {
    let output = words(&format!(
        "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -row-mt 1 -pix_fmt yuv420p {} -b:v {} -dash 1 -cues_to_front 1 -f webm clip.webm",
        shape.key_frames(),
        shape.video_bits * 2 / 3,
    ));
    one(library, "webm-video", [shape.picture(height), output].concat(), "clip.webm").await
}

/// AV1 alone, Cues first.
pub(super) async fn webm_av1(library: &Library, shape: Shape, height: u32) -> Result<PathBuf> {
    let output = words(&format!(
        "-c:v libaom-av1 -usage realtime -cpu-used 8 -row-mt 1 -pix_fmt yuv420p {} -b:v {} -dash 1 -cues_to_front 1 -f webm clip.webm",
        shape.key_frames(),
        shape.video_bits * 2 / 3,
    ));
    one(library, "webm-av1", [shape.picture(height), output].concat(), "clip.webm").await
}

/// Opus alone in WebM, Cues first.
pub(super) async fn webm_audio(library: &Library, shape: Shape) -> Result<PathBuf> {
    let output = words("-c:a libopus -b:a 64k -ac 2 -dash 1 -cues_to_front 1 -f webm clip.webm");
    one(library, "webm-audio", [shape.sound(), output].concat(), "clip.webm").await
}

/// MP3 with a constant bit rate.
pub(super) async fn mp3(library: &Library, shape: Shape) -> Result<PathBuf> {
    one(library, "mp3", [shape.sound(), words("-c:a libmp3lame -b:a 96k -ac 2 clip.mp3")].concat(), "clip.mp3").await
}

/// Noise that takes as many bits as it is given, and a tone, apart: `video.mp4` and `audio.m4a` in the folder that is returned, each in
/// fragments of two seconds behind one index.
pub(super) async fn noise(
    library: &Library,
    seconds: u32,
    height: u32,
    video_bits: u32,
    audio_bits: u32,
) -> Result<PathBuf> {
    let fragmented = "-movflags +frag_keyframe+default_base_moof+global_sidx+delay_moov -f mp4";
    let video = format!(
        "-c:v libx264 -preset ultrafast -profile:v high -bf 2 -sc_threshold 0 -pix_fmt yuv420p -g 50 -keyint_min 50 \
         -b:v {video_bits} -maxrate {video_bits} -bufsize {video_bits}"
    );
    let output = format!(
        "-map 0:v {video} {fragmented} video.mp4 \
         -map 1:a -c:a aac -b:a {audio_bits} -ac 2 {fragmented} -frag_duration 2000000 audio.m4a"
    );
    library.make("noise", &[noisy(seconds, height), words(&output)].concat()).await
}

/// The same as `video.webm` and `audio.webm`, Cues first.
pub(super) async fn noise_webm(
    library: &Library,
    seconds: u32,
    height: u32,
    video_bits: u32,
    audio_bits: u32,
) -> Result<PathBuf> {
    let output = format!(
        "-map 0:v -c:v libvpx-vp9 -deadline realtime -cpu-used 8 -row-mt 1 -pix_fmt yuv420p -g 50 -keyint_min 50 \
         -b:v {video_bits} -dash 1 -cues_to_front 1 -f webm video.webm \
         -map 1:a -c:a libopus -b:a {audio_bits} -ac 2 -dash 1 -cues_to_front 1 -f webm audio.webm"
    );
    library.make("noise-webm", &[noisy(seconds, height), words(&output)].concat()).await
}

fn noisy(seconds: u32, height: u32) -> Vec<String> {
    words(&format!(
        "-f lavfi -i testsrc2=size={}x{height}:rate=25:duration={seconds},noise=alls=40:allf=t \
         -f lavfi -i sine=frequency=440:sample_rate=48000:duration={seconds}",
        width(height)
    ))
}

/// The streams of `inputs`, copied into another container: `output` holds the maps and the muxer's options and ends
/// in the name of the file that is returned.
pub(super) async fn copied(library: &Library, name: &str, inputs: &[&Path], output: &str) -> Result<PathBuf> {
    let mut arguments = Vec::new();
    for input in inputs {
        arguments.extend(["-i".to_owned(), input.to_str().context("the path is not UTF-8")?.to_owned()]);
    }
    let output = words(output);
    let last = output.last().context("a recipe names its output")?.clone();
    arguments.extend(output);
    one(library, name, arguments, &last).await
}

async fn one(library: &Library, name: &str, arguments: Vec<String>, file: &str) -> Result<PathBuf> {
    Ok(library.make(name, &arguments).await?.join(file))
}

fn words(line: &str) -> Vec<String> {
    line.split_whitespace().map(str::to_owned).collect()
}
