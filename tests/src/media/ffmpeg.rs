//! The one place that starts ffmpeg. It knows no recipe and keeps no file.

use std::{path::Path, process::Stdio, time::Duration};

use anyhow::{Context, Result, bail};

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
