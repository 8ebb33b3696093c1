//! The run of one ffmpeg: its inputs are fed, its output is passed on, and its end is proven.
//!
//! A task of its own does it, whether or not anybody reads: when something fails or the gate shuts, ffmpeg is killed first and its inputs
//! are closed afterwards. The other way round, ffmpeg would write an end that looks well.
//!
//! The output ends with `None` when all of this holds: every input gave everything (a part of ours its exact length, yt-dlp an exit of 0);
//! ffmpeg exited with 0 and complained of nothing; the result is not shorter than announced. Neither ffmpeg's exit nor the duration is
//! proof enough alone: an input that is cut at the end of a fragment is a shorter film to ffmpeg, and nothing is wrong with it. Sound of a
//! constant rate must have as many bytes as so much time takes, too.

use bytes::{Bytes, BytesMut};
use futures::{StreamExt, future::try_join_all, stream};
use sluice_domain::Failure;
use sluice_transfer::{ByteStream, Gate};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader},
    net::unix::pipe,
    sync::mpsc,
};
use tokio_util::task::AbortOnDropHandle;

use super::{
    ffmpeg::Running,
    idle::{Pulse, while_alive},
    input::Input,
};
use crate::{child::Child, duration::prove_duration};

/// How much is read at once, in bytes.
pub(super) const CHUNK_BYTES: usize = 128 * 1024;
/// Chunks between the task and the reader. They are few, as the window is what is meant to hold bytes.
const CHUNKS_UNDER_WAY: usize = 1;
/// A longer line of ffmpeg is cut, in bytes.
const MAX_LINE_BYTES: u64 = 4096;
/// Who speaks in complaints about pictures and sounds that ffmpeg only looks at to learn their size. It copies them whatever they are, so
/// that these say nothing about the copy.
const DECODERS: [&str; 12] =
    ["h264", "hevc", "vp9", "libdav1d", "aac", "mp3float", "ac3", "eac3", "opus", "vorbis", "flac", "alac"];
/// How ffmpeg itself says that a decoder of sound did not understand something.
const UNDECODED: &str = "Error while decoding stream";

/// What the task tells the reader.
enum Word {
    Chunk(Bytes),
    End(Result<(), Failure>),
}

/// What the result is held against.
#[derive(Debug, Clone, Copy)]
pub(super) struct Proof {
    /// Seconds that were announced.
    pub(super) duration: Option<f64>,
    /// Bits that each second of the result has.
    pub(super) constant_rate: Option<u32>,
}

/// The output of this ffmpeg. Dropping it kills everything at once.
pub(super) fn stream(ffmpeg: Running, inputs: Vec<Input>, proof: Proof, gate: &Gate) -> ByteStream {
    let (words, heard) = mpsc::channel(CHUNKS_UNDER_WAY);
    let run = Run { ffmpeg, inputs, proof, gate: gate.clone() };
    let task = AbortOnDropHandle::new(tokio::spawn(run.finish(words)));
    let chunks = stream::unfold(Some((heard, task)), async |state| {
        let (mut heard, task) = state?;
        match heard.recv().await {
            Some(Word::Chunk(chunk)) => Some((Ok(chunk), Some((heard, task)))),
            Some(Word::End(Ok(()))) => None,
            Some(Word::End(Err(failure))) => Some((Err(failure), None)),
            None => Some((Err(Failure::internal("the task at ffmpeg is gone")), None)),
        }
    });
    chunks.boxed()
}

/// Everything that lives as long as the run. ffmpeg is first, so that it is killed first when the task is dropped.
struct Run {
    ffmpeg: Running,
    inputs: Vec<Input>,
    proof: Proof,
    gate: Gate,
}

impl Run {
    async fn finish(mut self, words: mpsc::Sender<Word>) {
        let gate = self.gate.clone();
        let end = gate.guard(self.run(&words)).await;
        let Self { ffmpeg, inputs, .. } = self;
        let Running { child, senders, .. } = ffmpeg;
        child.end().await;
        drop((senders, inputs));
        // Nobody listens any more: then nobody needs to know.
        let _ = words.send(Word::End(end)).await;
    }

    async fn run(&mut self, words: &mpsc::Sender<Word>) -> Result<(), Failure> {
        let Running { child, output, progress, stderr, senders, .. } = &mut self.ffmpeg;
        let moved = Pulse::default();
        let pulses: Vec<_> = self.inputs.iter().map(|input| input.pulse.clone()).chain([moved.clone()]).collect();
        let feeds = self.inputs.iter_mut().zip(senders).map(|(input, sender)| input.feed(sender, &moved, &self.gate));
        let ((), bytes, (), reached) = tokio::try_join!(
            async { try_join_all(feeds).await.map(|_| ()) },
            pass_on(output, words, &pulses, &self.gate),
            watch(child, stderr),
            async { Ok(duration(progress).await) },
        )?;
        prove_duration(self.proof.duration, self.proof.seconds(bytes, reached))
    }
}

impl Proof {
    /// How long the result is, by its size as well as by ffmpeg's word.
    fn seconds(&self, bytes: u64, reached: Option<f64>) -> Option<f64> {
        #[expect(clippy::cast_precision_loss, reason = "sizes are far below 2^53")]
        let by_size = self.constant_rate.map(|bits| bytes as f64 * 8.0 / f64::from(bits));
        by_size.into_iter().chain(reached).reduce(f64::min)
    }
}

/// Passes the output on, as fast as it is taken; how many bytes it was.
async fn pass_on(
    output: &mut pipe::Receiver,
    words: &mpsc::Sender<Word>,
    pulses: &[Pulse],
    gate: &Gate,
) -> Result<u64, Failure> {
    let mut buffer = BytesMut::new();
    let mut bytes = 0;
    loop {
        // First a place for the chunk: nobody is judged for the time that the reader takes.
        let Ok(place) = words.reserve().await else { return Err(Failure::internal("nobody reads any more")) };
        // Chunks share their memory, so that small ones do not take up that of large ones.
        if buffer.capacity() < CHUNK_BYTES / 8 {
            buffer = BytesMut::with_capacity(2 * CHUNK_BYTES);
        }
        let read = while_alive("ffmpeg", gate.idle_timeout(), pulses, output.read_buf(&mut buffer)).await?;
        if read.map_err(|error| Failure::internal(format!("ffmpeg: {error}")))? == 0 {
            return if bytes == 0 { Err(Failure::internal("ffmpeg gave nothing")) } else { Ok(bytes) };
        }
        bytes += buffer.len() as u64;
        place.send(Word::Chunk(buffer.split().freeze()));
    }
}

/// Waits for ffmpeg's good end; its first complaint is its last.
async fn watch(child: &mut Child, stderr: impl AsyncRead + Unpin) -> Result<(), Failure> {
    let mut stderr = BufReader::new(stderr);
    while let Some(line) = line(&mut stderr).await {
        if !is_noise(&line) {
            return Err(Failure::internal(format!("ffmpeg: {}", line.trim())));
        }
    }
    let status = child.wait().await.map_err(|error| Failure::internal(format!("ffmpeg: {error}")))?;
    if status.success() { Ok(()) } else { Err(Failure::internal(format!("ffmpeg: {status}"))) }
}

fn is_noise(line: &str) -> bool {
    let speaker = line.strip_prefix('[').and_then(|rest| rest.split_once(" @ ")).map(|(speaker, _)| speaker);
    let by_decoder = speaker.is_some_and(|speaker| DECODERS.contains(&speaker)) || line.starts_with(UNDECODED);
    line.trim().is_empty() || by_decoder
}

/// How long the result is, in seconds, by ffmpeg's last word; `None` when it did not say.
async fn duration(progress: &mut pipe::Receiver) -> Option<f64> {
    let mut progress = BufReader::new(progress);
    let mut reached = None;
    while let Some(line) = line(&mut progress).await {
        if let Some(microseconds) = line.trim().strip_prefix("out_time_us=") {
            reached = microseconds.parse::<f64>().ok().map(|microseconds| microseconds / 1e6);
        }
    }
    reached
}

/// The next line, or as much of it as may be.
async fn line(reader: &mut (impl AsyncBufReadExt + Unpin)) -> Option<String> {
    let mut line = Vec::new();
    // A read error is an end like any other: the exit status tells the rest.
    let read = reader.take(MAX_LINE_BYTES).read_until(b'\n', &mut line).await.unwrap_or(0);
    (read > 0).then(|| String::from_utf8_lossy(&line).into_owned())
}
