//! The one place that starts ffmpeg. It knows no recipe and keeps no file.

use std::{path::Path, process::Stdio, time::Duration};

use anyhow::{Context, Result, bail};
use sha2::{Digest as _, Sha256};

/// Two shared cores under a full test run encode our largest clip in a few seconds; a minute means it hangs.
const TIMEOUT: Duration = Duration::from_secs(120);

/// Runs ffmpeg inside `directory` and returns what it wrote to its standard output.
pub(super) async fn run(directory: &Path, arguments: &[String]) -> Result<String> {
    #[expect(clippy::disallowed_methods, reason = "the one place where the harness starts ffmpeg")]
    let mut command = tokio::process::Command::new("ffmpeg");
    command
        .current_dir(directory)
        .args(["-nostdin", "-loglevel", "error", "-xerror", "-y"])
        .args(arguments)
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let output = tokio::time::timeout(TIMEOUT, command.output())
        .await
        .with_context(|| format!("ffmpeg took longer than {TIMEOUT:?}: {arguments:?}"))?
        .context("ffmpeg cannot be started: install ffmpeg")?;
    if !output.status.success() {
        bail!("ffmpeg {arguments:?}: {}: {}", output.status, String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// What ffprobe tells of the file at `path`: its format and streams, with all packets.
pub async fn told(path: &Path) -> Result<serde_json::Value> {
    let show = "-v error -show_format -show_streams -show_packets -of json";
    #[expect(clippy::disallowed_methods, reason = "the one place where the harness starts ffprobe")]
    let mut command = tokio::process::Command::new("ffprobe");
    let output = command.args(show.split(' ')).arg(path).stdin(Stdio::null()).kill_on_drop(true).output();
    let output = tokio::time::timeout(TIMEOUT, output).await?.context("ffprobe cannot be started")?;
    let complaints = String::from_utf8_lossy(&output.stderr);
    anyhow::ensure!(output.status.success() && complaints.is_empty(), "ffprobe {}: {complaints}", path.display());
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// The picture that a player shows beside the sound at `path`, as it lies there.
pub async fn cover(path: &Path) -> Result<Vec<u8>> {
    let into = tempfile::tempdir()?;
    let input = path.canonicalize()?;
    let output = "-map 0:v:0 -c copy -f image2 -update 1 cover";
    let input = input.to_str().context("the path is not UTF-8")?;
    let arguments: Vec<String> = ["-i", input].into_iter().chain(output.split(' ')).map(str::to_owned).collect();
    run(into.path(), &arguments).await?;
    Ok(std::fs::read(into.path().join("cover"))?)
}

/// What a media file holds, whatever container holds it.
///
/// Pictures are compared decoded, because the same packet is framed differently in a transport stream and in MP4. Sound is
/// compared as packets: its framing does not matter to ffmpeg, but an edit list in the container hides some decoded samples.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Essence {
    /// Hash of all decoded pictures; `None` without a video stream.
    pub video: Option<String>,
    /// Hash of all audio packets; `None` without an audio stream.
    pub audio: Option<String>,
}

/// Reads the file at `path` completely; an error when ffmpeg finds damage.
pub async fn essence(path: &Path) -> Result<Essence> {
    let input = path.to_str().context("the path is not UTF-8")?;
    let output = "-map 0:v:0? -map 0:a:0? -c:a copy -fps_mode passthrough -f streamhash -";
    let arguments: Vec<String> = ["-i", input].into_iter().chain(output.split(' ')).map(str::to_owned).collect();
    let table = run(Path::new("."), &arguments).await?;
    // A line reads `0,v,SHA256=…`.
    let stream = |kind: &str| {
        table.lines().find_map(|line| {
            let (_, rest) = line.split_once(',')?;
            let (found, hash) = rest.split_once(',')?;
            (found == kind).then(|| hash.to_owned())
        })
    };
    Ok(Essence { video: stream("v"), audio: stream("a") })
}

/// All packets of one stream, undecoded: what two files of one container have in common, however their samples are interleaved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packets {
    /// `v`, `a`, …
    pub kind: String,
    /// SHA-256 of their hashes and their times, in microseconds since the first one's, in their order.
    pub hash: String,
    /// How many there are.
    pub count: usize,
}

/// The packets of every stream of the file at `path`, in the order of its streams; an error when ffmpeg finds damage.
pub async fn packets(path: &Path) -> Result<Vec<Packets>> {
    let input = path.to_str().context("the path is not UTF-8")?;
    let output = "-map 0 -c copy -copyts -f framehash -hash sha256 -";
    let arguments: Vec<String> = ["-i", input].into_iter().chain(output.split(' ')).map(str::to_owned).collect();
    let table = run(Path::new("."), &arguments).await?;
    // `#tb 0: 1/12800` and `#media_type 0: video`, then a line for each packet: `0, dts, pts, duration, size, hash`.
    let said = |key: &str, stream: &str| {
        let start = format!("#{key} {stream}: ");
        table.lines().find_map(|line| line.strip_prefix(&start)).with_context(|| format!("no {key} of {stream}"))
    };
    let mut streams = Vec::new();
    for stream in (0..).map(|number| number.to_string()).take_while(|stream| said("media_type", stream).is_ok()) {
        let (one, ticks) = said("tb", &stream)?.split_once('/').context("no time base")?;
        let (one, ticks): (i64, i64) = (one.parse()?, ticks.parse()?);
        let (mut first, mut digest, mut count) = (None, Sha256::new(), 0);
        for line in table.lines() {
            let fields: Vec<&str> = line.split(',').map(str::trim).collect();
            // What may follow is said by the container, such as how much of the first packet is not to be heard.
            let [number, _, time, _, _, hash, ..] = fields[..] else { continue };
            if number == stream {
                let time: i64 = time.parse().context("a packet without a time")?;
                let since = (time - *first.get_or_insert(time)) * 1_000_000 * one / ticks;
                digest.update(format!("{since} {hash}\n"));
                count += 1;
            }
        }
        let kind = said("media_type", &stream)?.chars().take(1).collect();
        streams.push(Packets { kind, hash: hex::encode(digest.finalize()), count });
    }
    Ok(streams)
}
