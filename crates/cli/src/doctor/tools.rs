//! The programs that do the work: yt-dlp and its age, its JavaScript runtime, its Python, ffmpeg, ffprobe.

use std::{ffi::OsStr, path::PathBuf, process::Stdio, time::Duration};

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use sluice_runtime::Tools;
use tokio::{io::AsyncReadExt as _, process::Command, time::timeout};

use super::check::Check;
use crate::programs;

/// yt-dlp takes a second or two to start; on a busy machine, some.
const TIMEOUT: Duration = Duration::from_secs(30);
const MAX_OUTPUT_BYTES: u64 = 64 * 1024;
/// Sites change so often that yt-dlp itself warns at this age.
const MAX_YT_DLP_DAYS: i32 = 90;
const INSTALL: &str = "pip install -U 'yt-dlp[default,deno]', and name the program in tools.yt_dlp";

pub(super) async fn checks(tools: &Tools, now: Timestamp) -> Vec<Check> {
    let mut checks = yt_dlp(tools, now).await;
    checks.push(python(tools).await);
    checks.push(ff("ffmpeg", "tools.ffmpeg", &tools.ffmpeg).await);
    checks.push(ff("ffprobe", "tools.ffprobe", &tools.ffprobe).await);
    checks
}

async fn yt_dlp(tools: &Tools, now: Timestamp) -> Vec<Check> {
    // Without a link it prints what it found of itself and its surroundings, and ends.
    match output(&tools.yt_dlp, ["--verbose", "--ignore-config", "--no-update"]).await {
        Ok(text) => vec![age(&text, now), runtime(&text)],
        Err(error) => vec![Check::bad("yt-dlp", error, INSTALL)],
    }
}

/// The day of its version, as in `yt-dlp version stable@2026.08.19 from ...`.
fn age(text: &str, now: Timestamp) -> Check {
    let version = text.lines().find_map(|line| {
        let after = line.split_once("yt-dlp version ")?.1;
        let word = after.split_whitespace().next()?;
        Some(word.rsplit('@').next()?.to_owned())
    });
    let Some(version) = version else { return Check::bad("yt-dlp", "does not tell its version", INSTALL) };
    let numbers: Vec<i16> = version.split('.').map_while(|part| part.parse().ok()).collect();
    let released = match numbers[..] {
        [year, month, day, ..] => {
            i8::try_from(month).ok().zip(i8::try_from(day).ok()).and_then(|(m, d)| Date::new(year, m, d).ok())
        }
        _ => None,
    };
    let today = now.to_zoned(TimeZone::UTC).date();
    match released.map(|day| (today - day).get_days()) {
        Some(days) if days > MAX_YT_DLP_DAYS => {
            Check::warning("yt-dlp", format!("{version}, {days} days old"), format!("upgrade it: {INSTALL}"))
        }
        Some(days) => Check::good("yt-dlp", format!("{version}, {} days old", days.max(0))),
        None => Check::good("yt-dlp", version),
    }
}

/// What it found to run sites' JavaScript with, in its own words: `JS runtimes: deno-2.9.8`.
fn runtime(text: &str) -> Check {
    let found = text.lines().find_map(|line| line.split_once("JS runtimes: ")).map(|(_, found)| found.trim());
    match found {
        Some(found) if !found.is_empty() && found != "none" => Check::good("javascript", found),
        _ => Check::warning(
            "javascript",
            "yt-dlp finds no JavaScript runtime: YouTube will offer little",
            "pip install -U 'yt-dlp[default,deno]' brings one (or install deno 2.3 or newer)",
        ),
    }
}

async fn python(tools: &Tools) -> Check {
    let script = "import sys, yt_dlp.version as v; print(sys.version.split()[0], 'with yt-dlp', v.__version__)";
    match output(&tools.python, ["-c", script]).await {
        Ok(text) if text.contains("with yt-dlp") => Check::good("python", text.trim()),
        Ok(text) => Check::warning(
            "python",
            format!("{} cannot import yt_dlp: {}", tools.python, text.lines().last().unwrap_or_default()),
            "point tools.python at the Python that yt-dlp is installed for; extraction is far slower without it",
        ),
        Err(error) => Check::warning("python", error, "point tools.python at the Python that yt-dlp is installed for"),
    }
}

async fn ff(name: &'static str, key: &str, program: &str) -> Check {
    match output(program, ["-hide_banner", "-version"]).await {
        Ok(text) => match text.lines().next().and_then(|line| line.split_once(" version ")) {
            Some((_, version)) => Check::good(name, version.split_whitespace().next().unwrap_or_default()),
            None => Check::bad(name, "does not tell its version", format!("install ffmpeg, or correct {key}")),
        },
        Err(error) => Check::bad(name, error, format!("install ffmpeg (apt install ffmpeg), or correct {key}")),
    }
}

/// What a program prints, on both outputs, whatever its exit code.
async fn output<const N: usize>(program: &str, args: [&str; N]) -> Result<String, String> {
    let path = programs::find(program).ok_or_else(|| format!("{program} is not there"))?;
    let run = async {
        let mut child =
            command(&path).args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let (mut out, mut err) = (String::new(), String::new());
        let read_out = async {
            match child.stdout.take() {
                Some(pipe) => pipe.take(MAX_OUTPUT_BYTES).read_to_string(&mut out).await,
                None => Ok(0),
            }
        };
        let read_err = async {
            match child.stderr.take() {
                Some(pipe) => pipe.take(MAX_OUTPUT_BYTES).read_to_string(&mut err).await,
                None => Ok(0),
            }
        };
        tokio::try_join!(read_out, read_err)?;
        child.wait().await?;
        std::io::Result::Ok(out + &err)
    };
    match timeout(TIMEOUT, run).await {
        Ok(Ok(text)) => Ok(text),
        Ok(Err(error)) => Err(format!("{program} does not run: {error}")),
        Err(_) => Err(format!("{program} does not answer within {} s", TIMEOUT.as_secs())),
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place where `doctor` asks programs for their version; no shell, killed on drop"
)]
fn command(program: &PathBuf) -> Command {
    let mut command = Command::new::<&OsStr>(program.as_ref());
    command.kill_on_drop(true);
    command
}

#[cfg(test)]
mod tests {
    use super::{super::check::Verdict, *};

    const SOUND: &str = "[debug] yt-dlp version stable@2026.08.19 from yt-dlp/yt-dlp [594bd50c2] (pip)\n\
                         [debug] exe versions: ffmpeg 5.1.9-0 (setts), ffprobe 5.1.9-0\n[debug] JS runtimes: deno-2.9.8\n";

    #[test]
    fn yt_dlp_tells_its_age() {
        let check = |text: &str, today: &str, verdict, found: &str| {
            let got = age(text, format!("{today}T12:00:00Z").parse().unwrap());
            assert_eq!((got.verdict, got.found.as_str()), (verdict, found));
        };
        check(SOUND, "2026-08-20", Verdict::Good, "2026.08.19, 1 days old");
        check(SOUND, "2026-12-24", Verdict::Warning, "2026.08.19, 127 days old");
        check("[debug] yt-dlp version master@1.2 from x", "2026-12-24", Verdict::Good, "1.2");
        check("yt-dlp version 2025.01.02.123456 from x", "2025-01-03", Verdict::Good, "2025.01.02.123456, 1 days old");
        check("nonsense", "2025-01-03", Verdict::Bad, "does not tell its version");
    }

    #[test]
    fn the_runtime_is_named() {
        assert_eq!(runtime(SOUND), Check::good("javascript", "deno-2.9.8"));
        assert_eq!(runtime("[debug] JS runtimes: none").verdict, Verdict::Warning);
        assert_eq!(runtime("").verdict, Verdict::Warning);
    }

    #[tokio::test]
    async fn real_programs_are_asked() {
        assert_eq!(output("echo", ["one two"]).await.unwrap(), "one two\n");
        assert!(output("no-such-program", []).await.unwrap_err().contains("is not there"));
        assert_eq!(ff("ffmpeg", "tools.ffmpeg", "ffmpeg").await.verdict, Verdict::Good);
        assert_eq!(ff("ffmpeg", "tools.ffmpeg", "echo").await.verdict, Verdict::Bad);
    }
}
