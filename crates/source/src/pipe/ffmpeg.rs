//! ffmpeg between pipes: what it is told, and how it is started.

use std::{
    ffi::OsString,
    io::{self, PipeReader, PipeWriter},
    os::fd::{AsFd, OwnedFd},
};

use nix::fcntl::{FcntlArg, fcntl};
use sluice_domain::{Codec, Failure, Format};
use tokio::{net::unix::pipe, process::ChildStderr};

use super::{input::Input, scratch::Scratch};
use crate::{
    Tools,
    child::{Child, ChildLimits, Network, Program},
    sound::Sound,
};

/// How much a pipe may hold, in bytes, if the kernel lets us: fewer switches between us and the child.
const PIPE_BYTES: i32 = 256 * 1024;
/// The first file descriptor after the usual three.
const FIRST_PIPE: usize = 3;
/// What ffmpeg may take its inputs for. None of these opens anything else.
const DEMUXERS: &str = "mpegts,mov,matroska,aac,mp3,ac3,eac3,flac,ogg,flv,wav";
/// Hours at full speed stay far below it.
const CPU_SECONDS: u64 = 2 * 3600;

/// How the result is packed.
#[derive(Debug, Clone, Copy)]
pub(super) enum Muxer<'a> {
    Mp4,
    Webm,
    Matroska,
    /// The sound alone.
    Sound(Sound<'a>),
}

/// What is made of the inputs.
#[derive(Debug)]
pub(super) struct Job<'a> {
    pub(super) muxer: Muxer<'a>,
    /// What is known of each input.
    formats: Vec<Option<&'a Format>>,
    aac_with_headers: bool,
    /// Give up at anything odd in the inputs. Not for streams in pieces: where a film is interrupted by something else, packets look
    /// corrupt and time jumps, and ffmpeg copes well. Nor where sound is decoded: players skip what no decoder understands.
    strict: bool,
}

impl<'a> Job<'a> {
    /// What is known of each input, and the inputs themselves, which were looked at; the sound comes last.
    pub(super) fn new(planned: Muxer<'a>, formats: Vec<Option<&'a Format>>, inputs: &[Input]) -> Self {
        let named = formats.last().copied().flatten().map(|format| &format.audio);
        let aac_with_headers = inputs.last().is_some_and(|input| input.has_aac_with_headers(named));
        // A site that does not name the sound of a film gets the container that takes everything. But ffmpeg cannot write Matroska's
        // header before it has seen such sound; with it, an MP4 is what people expect.
        let muxer = match planned {
            Muxer::Matroska if aac_with_headers => Muxer::Mp4,
            planned => planned,
        };
        let converts = matches!(muxer, Muxer::Sound(Sound { encode: Some(_), .. }));
        Self { muxer, formats, aac_with_headers, strict: !converts && inputs.iter().all(Input::is_file) }
    }
}

impl Job<'_> {
    /// What becomes of the sound, when only the sound is wanted.
    pub(super) fn sound(&self) -> Option<&Sound<'_>> {
        match &self.muxer {
            Muxer::Sound(sound) => Some(sound),
            Muxer::Mp4 | Muxer::Webm | Muxer::Matroska => None,
        }
    }
}

/// A running ffmpeg, with our ends of its pipes. The child is first, so that it is killed before its inputs end.
pub(super) struct Running {
    pub(super) child: Child,
    pub(super) output: pipe::Receiver,
    pub(super) progress: pipe::Receiver,
    pub(super) stderr: ChildStderr,
    /// One for each input.
    pub(super) senders: Vec<Option<pipe::Sender>>,
    pub(super) _scratch: Scratch,
}

/// Starts it.
pub(super) fn start(tools: &Tools, job: &Job<'_>, inputs: &[Input]) -> Result<Running, Failure> {
    begin(tools, job, inputs).map_err(|error| Failure::internal(format!("ffmpeg: {error}")))
}

fn begin(tools: &Tools, job: &Job<'_>, inputs: &[Input]) -> io::Result<Running> {
    let scratch = Scratch::make(tools)?;
    let (output, stdout) = wide_pipe()?;
    let (progress, tells) = io::pipe()?;
    let (mut senders, mut pipes) = (Vec::new(), Vec::<OwnedFd>::new());
    for _ in inputs {
        let (reader, writer) = wide_pipe()?;
        senders.push(Some(pipe::Sender::from_owned_fd(writer.into())?));
        pipes.push(reader.into());
    }
    pipes.push(tells.into());
    let program = Program {
        path: &tools.ffmpeg,
        args: arguments(job, inputs.len()),
        directory: scratch.path(),
        scratch: scratch.path(),
        limits: ChildLimits { file_bytes: 0, ..ChildLimits::extraction(CPU_SECONDS) },
        network: Network::None,
        reads: &[],
    };
    let mut child = Child::start_with_pipes(tools, &program, &stdout.into(), &pipes)?;
    let stderr = child.take_stderr().ok_or_else(|| io::Error::other("a child without output"))?;
    let output = pipe::Receiver::from_owned_fd(output.into())?;
    let progress = pipe::Receiver::from_owned_fd(progress.into())?;
    Ok(Running { child, output, progress, stderr, senders, _scratch: scratch })
}

fn wide_pipe() -> io::Result<(PipeReader, PipeWriter)> {
    let (reader, writer) = io::pipe()?;
    // It works as well with what the kernel gives.
    let _ = fcntl(writer.as_fd(), FcntlArg::F_SETPIPE_SZ(PIPE_BYTES));
    Ok((reader, writer))
}

fn arguments(job: &Job<'_>, inputs: usize) -> Vec<OsString> {
    let pipe = |number: usize| format!("pipe:{}", FIRST_PIPE + number);
    let mut args: Vec<String> = Vec::new();
    let mut say = |words: &[&str]| args.extend(words.iter().map(|word| (*word).to_owned()));
    say(&["-nostdin", "-loglevel", "error", "-progress", &pipe(inputs)]);
    if job.strict {
        say(&["-xerror"]);
    }
    for number in 0..inputs {
        say(&["-protocol_whitelist", "pipe", "-format_whitelist", DEMUXERS]);
        if inputs > 1 {
            // With several inputs and the usual queue, ffmpeg sleeps 10 ms between packets. One input needs no queue, which would hold
            // many large packets.
            say(&["-thread_queue_size", "256"]);
        }
        say(&["-i", &pipe(number)]);
    }
    if let Muxer::Sound(sound) = job.muxer {
        args.extend(sound.arguments());
        args.push("pipe:1".to_owned());
        return args.into_iter().map(OsString::from).collect();
    }
    match inputs {
        1 => say(&["-map", "0:v:0", "-map", "0:a:0?"]),
        _ => say(&["-map", "0:v:0", "-map", "1:a:0"]),
    }
    say(&["-c", "copy", "-map_metadata", "-1", "-map_chapters", "-1"]);
    match job.muxer {
        Muxer::Mp4 => {
            if job.aac_with_headers {
                say(&["-bsf:a", "aac_adtstoasc"]);
            }
            if job.formats.iter().flatten().any(|format| format.video == Codec::H265) {
                // The name by which Apple's players know it.
                say(&["-tag:v", "hvc1"]);
            }
            // Fragments need no way back. The header waits for the first, so that it can tell where each stream really begins.
            say(&["-movflags", "+frag_keyframe+delay_moov+default_base_moof", "-f", "mp4"]);
        }
        Muxer::Webm => say(&["-f", "webm"]),
        Muxer::Matroska => say(&["-f", "matroska"]),
        Muxer::Sound(_) => {}
    }
    say(&["pipe:1"]);
    args.into_iter().map(OsString::from).collect()
}
