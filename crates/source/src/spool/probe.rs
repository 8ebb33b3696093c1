//! What ffprobe finds in a file.

use std::{path::Path, time::Duration};

use serde::Deserialize;
use sluice_domain::{Codec, Failure, FailureKind};
use tokio::time::timeout;

use super::directory::FetchDirectory;
use crate::{
    Tools,
    child::{Child, ChildLimits, Network, Program, read_at_most, read_tail},
};

/// It reads headers, and at worst the whole file once from a local disk.
const TIMEOUT: Duration = Duration::from_secs(300);
const MAX_OUTPUT_BYTES: usize = 1 << 20;
const MAX_STDERR_BYTES: usize = 4096;

/// How closely to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    /// At what the file says of itself. The streams of a fragmented MP4 say too little.
    Headers,
    /// At every packet.
    Packets,
}

/// A file's streams.
#[derive(Debug)]
pub(super) struct Probe {
    /// ffmpeg's names of the format, separated by commas.
    pub(super) format: String,
    /// Seconds: of the shortest stream that tells, or of the whole.
    pub(super) duration: Option<f64>,
    pub(super) video: Option<Codec>,
    pub(super) audio: Option<Codec>,
}

#[derive(Deserialize)]
struct Output {
    #[serde(default)]
    streams: Vec<Stream>,
    format: Format,
}

#[derive(Deserialize)]
struct Stream {
    codec_type: Option<String>,
    codec_name: Option<String>,
    duration: Option<String>,
    #[serde(default)]
    tags: Tags,
    #[serde(default)]
    disposition: Disposition,
}

#[derive(Deserialize, Default)]
struct Tags {
    /// Matroska and WebM keep a stream's duration here, as `00:01:02.345`.
    #[serde(rename = "DURATION")]
    duration: Option<String>,
}

#[derive(Deserialize, Default)]
struct Disposition {
    /// A cover looks like a stream of one picture.
    #[serde(default)]
    attached_pic: u8,
}

#[derive(Deserialize)]
struct Format {
    #[serde(default)]
    format_name: String,
    duration: Option<String>,
}

/// Looks into a file. `Ok(None)` when there is no media in it that ffprobe knows.
pub(super) async fn probe(
    tools: &Tools,
    directory: &FetchDirectory,
    file: &Path,
    look: Look,
) -> Result<Option<Probe>, Failure> {
    timeout(TIMEOUT, run(tools, directory, file, look))
        .await
        .unwrap_or_else(|_| Err(Failure::new(FailureKind::TimedOut, "ffprobe takes too long")))
}

async fn run(tools: &Tools, directory: &FetchDirectory, file: &Path, look: Look) -> Result<Option<Probe>, Failure> {
    let broken = |error: std::io::Error| Failure::internal(format!("ffprobe: {error}"));
    let mut input = std::ffi::OsString::from("file:");
    input.push(file);
    let entries = "format=format_name,duration:stream=codec_type,codec_name,duration:stream_tags=DURATION:stream_disposition=attached_pic";
    let mut args: Vec<_> =
        ["-v", "error", "-protocol_whitelist", "file", "-show_entries", entries, "-of", "json", "-i"]
            .map(std::ffi::OsString::from)
            .into();
    args.push(input);
    if look == Look::Packets {
        args.push("-count_packets".into());
    }
    let program = Program {
        path: &tools.ffprobe,
        args,
        directory: directory.scratch(),
        scratch: directory.scratch(),
        limits: ChildLimits::extraction(TIMEOUT.as_secs()),
        network: Network::None,
        reads: &[file],
    };
    let mut child = Child::start(tools, &program).map_err(broken)?;
    let (Some(stdout), Some(stderr)) = (child.take_stdout(), child.take_stderr()) else {
        return Err(Failure::internal("a child without output"));
    };
    let (json, complaints) = tokio::join!(read_at_most(stdout, MAX_OUTPUT_BYTES), read_tail(stderr, MAX_STDERR_BYTES));
    let json = json.map_err(broken)?;
    if !child.wait().await.map_err(broken)?.success() {
        tracing::debug!(complaints, "ffprobe finds no media");
        return Ok(None);
    }
    let output: Output = serde_json::from_slice(&json).map_err(|error| broken(error.into()))?;
    Ok(Some(output.into()))
}

impl From<Output> for Probe {
    fn from(output: Output) -> Self {
        let streams = || output.streams.iter().filter(|stream| stream.disposition.attached_pic == 0);
        let codec = |kind: &str| {
            let found = streams().find(|stream| stream.codec_type.as_deref() == Some(kind));
            found.map(|stream| Codec::from_rfc6381(stream.codec_name.as_deref()))
        };
        let whole = output.format.duration.as_deref().and_then(seconds);
        let shortest = streams()
            .filter(|stream| matches!(stream.codec_type.as_deref(), Some("video" | "audio")))
            .filter_map(|stream| stream.duration.as_deref().or(stream.tags.duration.as_deref()).and_then(seconds))
            .reduce(f64::min);
        Self {
            duration: shortest.or(whole),
            video: codec("video"),
            audio: codec("audio"),
            format: output.format.format_name,
        }
    }
}

/// `62.345` or `00:01:02.345`.
fn seconds(text: &str) -> Option<f64> {
    let all =
        text.split(':').try_fold(0.0, |sum, part| part.trim().parse::<f64>().ok().map(|part| sum * 60.0 + part))?;
    (all.is_finite() && all > 0.0).then_some(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_in_both_ways() {
        assert_eq!(seconds("62.5"), Some(62.5));
        assert_eq!(seconds("00:01:02.500000000"), Some(62.5));
        assert_eq!(seconds("N/A"), None);
    }
}
