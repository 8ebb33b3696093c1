//! The one place that starts ffmpeg and ffprobe.

use std::{path::Path, process::Stdio};

/// Runs a program of ffmpeg with words of arguments, and `paths` for each `@` among them; fails on a word on stderr.
pub(crate) fn run(program: &str, words: &str, paths: &[&Path]) -> String {
    let mut paths = paths.iter();
    #[expect(clippy::disallowed_methods, reason = "the one place where these tests start a program")]
    let mut command = std::process::Command::new("timeout");
    command.args(["120", program]).stdin(Stdio::null());
    for word in words.split_whitespace() {
        match word {
            "@" => command.arg(paths.next().expect("a path for every @")),
            word => command.arg(word),
        };
    }
    let output = command.output().expect("install ffmpeg and coreutils");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.is_empty(), "{program} {words}: {} {said}", output.status);
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// What must be the same in the input and in the output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Packet {
    pub(crate) pts: i64,
    pub(crate) dts: i64,
    pub(crate) size: String,
    pub(crate) key: bool,
    pub(crate) hash: String,
}

/// One stream of a file.
#[derive(Debug)]
pub(crate) struct Stream {
    /// With times in ticks.
    pub(crate) packets: Vec<Packet>,
    /// The length of a tick, as ffprobe writes it.
    pub(crate) clock: String,
    /// When the last packet ends, in seconds.
    pub(crate) end: f64,
}

/// The packets of one kind of stream (`v` or `a`).
pub(crate) fn stream(path: &Path, kind: &str) -> Stream {
    let show = "-v error -show_data_hash sha256 -of compact=p=0 -show_entries";
    let what = "packet=pts,dts,pts_time,duration_time,size,flags,data_hash:stream=time_base";
    let table = run("ffprobe", &format!("{show} {what} -show_packets -select_streams {kind} @"), &[path]);
    // Where a packet has side data, its line is broken there.
    let table = table.replace("\n|", "|");
    let mut stream = Stream { packets: Vec::new(), clock: String::new(), end: 0.0 };
    for line in table.lines() {
        let field = |name: &str| {
            let found = line.split('|').find_map(|cell| cell.strip_prefix(name)?.strip_prefix('='));
            found.unwrap_or_default().to_owned()
        };
        if line.contains("time_base=") {
            stream.clock = field("time_base");
        } else if line.contains("data_hash=") {
            let ticks = |name: &str| field(name).parse().unwrap_or_else(|_| panic!("ticks in {line}"));
            let seconds = |name: &str| field(name).parse().unwrap_or(0.0);
            stream.end = stream.end.max(seconds("pts_time") + seconds("duration_time"));
            let (pts, dts, key) = (ticks("pts"), ticks("dts"), field("flags").starts_with('K'));
            stream.packets.push(Packet { pts, dts, size: field("size"), key, hash: field("data_hash") });
        }
    }
    stream
}

/// Seconds, as the container tells.
pub(crate) fn duration(path: &Path) -> f64 {
    let text = run("ffprobe", "-v error -of csv=p=0 -show_entries format=duration @", &[path]);
    text.trim().parse().unwrap_or_else(|_| panic!("a duration: {text}"))
}

/// Decodes everything; damage is a failure.
pub(crate) fn decodes(path: &Path) {
    run("ffmpeg", "-nostdin -v error -xerror -i @ -f null -", &[path]);
}

/// Hash of what is decoded, edit lists applied.
pub(crate) fn decoded(path: &Path, map: &str) -> String {
    let arguments = format!("-nostdin -v error -i @ -map {map} -fps_mode passthrough -f framehash -");
    run("ffmpeg", &arguments, &[path])
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| format!("{line}\n"))
        .collect()
}
