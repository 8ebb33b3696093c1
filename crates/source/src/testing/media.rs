//! Small real media, encoded by ffmpeg for each test that needs it.

use std::{fs, path::Path, process::Stdio};

use tempfile::TempDir;

#[expect(clippy::disallowed_methods, reason = "test media; nothing of it comes from outside")]
fn ffmpeg(directory: &Path, output: &[&str]) {
    let source =
        ["-f", "lavfi", "-i", "testsrc2=size=192x144:rate=15:duration=6", "-f", "lavfi", "-i", "sine=duration=6"];
    let h264 =
        ["-c:v", "libx264", "-preset", "ultrafast", "-g", "15", "-pix_fmt", "yuv420p", "-c:a", "aac", "-shortest"];
    let vp8 = ["-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-c:a", "libopus", "-shortest"];
    let codecs = if output.last().is_some_and(|name| name.ends_with(".webm")) { &vp8[..] } else { &h264 };
    let done = std::process::Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-y"])
        .args(source)
        .args(codecs)
        .args(output)
        .current_dir(directory)
        .stdin(Stdio::null())
        .status();
    assert!(done.unwrap().success(), "ffmpeg {output:?}");
}

/// An MP4 with H.264 and AAC, 6 s.
pub(crate) fn progressive() -> Vec<u8> {
    let directory = tempfile::tempdir().unwrap();
    ffmpeg(directory.path(), &["-movflags", "+faststart", "clip.mp4"]);
    fs::read(directory.path().join("clip.mp4")).unwrap()
}

/// The same with its index last.
pub(crate) fn moov_last() -> Vec<u8> {
    let directory = tempfile::tempdir().unwrap();
    ffmpeg(directory.path(), &["clip.mp4"]);
    fs::read(directory.path().join("clip.mp4")).unwrap()
}

/// A WebM with VP8 and Opus, 6 s.
pub(crate) fn webm() -> Vec<u8> {
    let directory = tempfile::tempdir().unwrap();
    ffmpeg(directory.path(), &["clip.webm"]);
    fs::read(directory.path().join("clip.webm")).unwrap()
}

/// A WebM with VP9 alone and one with Opus alone, 6 s each.
pub(crate) fn webm_pair() -> (Vec<u8>, Vec<u8>) {
    let directory = tempfile::tempdir().unwrap();
    ffmpeg(directory.path(), &["-map", "0:v", "-c:v", "libvpx-vp9", "-g", "15", "picture.webm"]);
    ffmpeg(directory.path(), &["-map", "1:a", "sound.webm"]);
    let read = |name| fs::read(directory.path().join(name)).unwrap();
    (read("picture.webm"), read("sound.webm"))
}

/// A transport stream with H.264 and AAC that takes up some 30 MB, 6 s.
pub(crate) fn large() -> Vec<u8> {
    let directory = tempfile::tempdir().unwrap();
    ffmpeg(directory.path(), &["-vf", "scale=1280:720,noise=alls=60", "-qp", "4", "large.ts"]);
    fs::read(directory.path().join("large.ts")).unwrap()
}

/// A folder with `clip.m3u8` and its MPEG-TS segments, 6 s.
pub(crate) fn hls() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    ffmpeg(directory.path(), &["-f", "hls", "-hls_time", "1", "-hls_list_size", "0", "clip.m3u8"]);
    directory
}

/// A picture (H.264) and a sound (AAC) of 6 s, each fragmented and indexed.
pub(crate) fn pair() -> (Vec<u8>, Vec<u8>) {
    let directory = tempfile::tempdir().unwrap();
    let fragmented = "+frag_keyframe+default_base_moof+global_sidx+delay_moov";
    ffmpeg(directory.path(), &["-an", "-movflags", fragmented, "video.mp4"]);
    let every_second = ["-frag_duration", "1000000"];
    let sound = "+default_base_moof+global_sidx+delay_moov+frag_custom";
    ffmpeg(directory.path(), &[&["-vn", "-movflags", sound][..], &every_second, &["audio.mp4"]].concat());
    let read = |name| fs::read(directory.path().join(name)).unwrap();
    (read("video.mp4"), read("audio.mp4"))
}

/// A folder with `pair.m3u8`, which names a picture in MPEG-TS segments and a sound in bare AAC segments, 6 s.
pub(crate) fn hls_pair() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let picture = ["-map", "0:v", "-f", "hls", "-hls_time", "1", "-hls_list_size", "0", "picture.m3u8"];
    ffmpeg(directory.path(), &picture);
    let sound = ["-map", "1:a", "-f", "segment", "-segment_format", "adts", "-segment_time", "1"];
    ffmpeg(directory.path(), &[&sound[..], &["-segment_list", "sound.m3u8", "sound%d.aac"]].concat());
    let pair = "#EXTM3U
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"sound\",NAME=\"sound\",DEFAULT=YES,URI=\"sound.m3u8\"
#EXT-X-STREAM-INF:BANDWIDTH=500000,RESOLUTION=192x144,CODECS=\"avc1.42c00c,mp4a.40.2\",AUDIO=\"sound\"
picture.m3u8
";
    fs::write(directory.path().join("pair.m3u8"), pair).unwrap();
    directory
}

/// A folder with `clip.mpd` and the segments of a picture and a sound, 6 s.
pub(crate) fn dash() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    ffmpeg(directory.path(), &["-f", "dash", "-seg_duration", "2", "clip.mpd"]);
    directory
}

/// The same with fragmented MP4 segments.
pub(crate) fn hls_fmp4() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let fmp4 = ["-f", "hls", "-hls_time", "1", "-hls_list_size", "0", "-hls_segment_type", "fmp4", "fmp4.m3u8"];
    ffmpeg(directory.path(), &fmp4);
    directory
}
