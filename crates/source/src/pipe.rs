//! The piped route: what comes in pieces, or as a pair that only ffmpeg can put together, goes through ffmpeg on its way.
//!
//! Each of the plan's formats is a stream of bytes: one of our own fetching, or yt-dlp's standard output. We write them into pipes that
//! ffmpeg inherits, and read the result from another. Every pipe is small, so that the slowest, at either end, sets the pace of all. ffmpeg
//! has no network and writes no file. The end of its output is an end only after everything is proven: see `run`.
//!
//! It refuses what needs a file that can be written back and forth.

mod ffmpeg;
mod head;
mod idle;
mod input;
mod run;
mod scratch;
mod yt_dlp;

use std::sync::Arc;

use futures::future::try_join_all;
use futures::{StreamExt, stream};
use sluice_domain::{
    Failure, FileName, Length, Plan, Route,
    plan::{Container, Encoding},
};
use sluice_transfer::{BufferBudget, BufferShare, ByteStream, Gate, Rewind, Source};

use crate::{
    Extraction, Fetched, Tools,
    http::{Film, OpenError},
    id3::id3,
    labels::Labels,
    order::choose,
    sound::{Holder, Sound},
};
use ffmpeg::{Job, Muxer};
use input::Input;
use run::Proof;

/// A format that we fetch.
pub(crate) enum Native {
    /// A file, or what is like one.
    File(Arc<dyn Source>),
    /// A film in segments.
    Film(Box<Film>),
}

/// How much of what passes once is kept for an upload until it is acknowledged, in bytes: as much may be under way, and no more.
pub const UPLOAD_WINDOW: u64 = 8 << 20;

/// The piped route of this process. Clones share the budget.
#[derive(Debug, Clone)]
pub(crate) struct Pipe {
    tools: Tools,
    buffers: BufferBudget,
    window: u64,
}

impl Pipe {
    /// With these programs, and with windows of so many bytes out of this budget.
    pub(crate) fn new(tools: Tools, buffers: BufferBudget, window: u64) -> Self {
        Self { tools, buffers, window }
    }

    /// Starts what the plan needs and gives the result while it is made. `native` has, for each of the plan's formats in their order, the
    /// format's own bytes where we can fetch them; yt-dlp fetches the others. It returns when every input has given something. `labels` go with
    /// a sound.
    ///
    /// The result can be read once, at the pace of whoever reads; dropping it ends every child. The gate hears of the inputs here, and of
    /// the result from whoever reads it.
    ///
    /// # Errors
    /// What went wrong until then, classified, or the gate's reason. Nothing is left behind then. What goes wrong later is what the stream
    /// ends with.
    pub(crate) async fn fetch(
        &self,
        plan: &Plan,
        extraction: &Extraction,
        native: Vec<Option<Native>>,
        labels: &Labels,
        gate: &Gate,
    ) -> Result<Fetched, OpenError> {
        let planned = muxer(plan, extraction, labels)?;
        if native.len() != plan.formats.len() {
            let lengths = format!("{} inputs for {} formats", native.len(), plan.formats.len());
            return Err(Failure::internal(lengths).into());
        }
        let share = self.buffers.take(self.window, gate).await?;
        // Where the site does not say how long the film is, its playlists may.
        let told = native.iter().flatten().filter_map(Native::seconds).reduce(f64::min);
        let duration = extraction.info.duration.or(told);
        let inputs = plan.formats.iter().zip(native).map(async |(format, native)| {
            let mut input = match native {
                Some(native) => Input::native(&native).await?,
                None => Input::yt_dlp(&self.tools, &choose(&extraction.json, std::slice::from_ref(format))?)?,
            };
            input.look(gate.idle_timeout()).await?;
            Ok::<_, Failure>(if plan.sound_only { input.of_which_a_part_counts() } else { input })
        });
        let inputs = gate.guard(try_join_all(inputs)).await?;
        if inputs.iter().any(Input::has_its_index_last) {
            return Err(OpenError::Unsuitable("an MP4 with its index last".to_owned()));
        }
        let known = |id: &String| extraction.info.formats.iter().find(|format| format.format_id == *id);
        let job = Job::new(planned, plan.formats.iter().map(known).collect(), &inputs);
        let file_name = match (planned, job.muxer) {
            (Muxer::Matroska, Muxer::Mp4) => in_mp4(&plan.file_name),
            _ => plan.file_name.clone(),
        };
        let constant_rate = job.sound().and_then(Sound::constant_rate);
        let before = job.sound().filter(|sound| sound.holder == Holder::Mp3).map(|sound| id3(sound.labels));
        let running = ffmpeg::start(&self.tools, &job, &inputs)?;
        let stream = run::stream(running, inputs, Proof { duration, constant_rate }, gate);
        let before = before.filter(|labels| !labels.is_empty()).map(Ok);
        let stream = stream::iter(before).chain(stream).boxed();
        let length = plan.length.bytes().map_or(Length::Unknown, Length::Estimate);
        let source = Arc::new(Rewind::new(stream, self.window, length, share));
        Ok(Fetched { source, file_name, route: Route::Pipe })
    }

    /// A window on a stream that passes once, out of the same budget.
    ///
    /// # Errors
    /// The gate's reason.
    pub(crate) async fn window(
        &self,
        stream: ByteStream,
        length: Length,
        gate: &Gate,
    ) -> Result<Arc<dyn Source>, Failure> {
        let share = self.buffers.take(self.window, gate).await?;
        Ok(Arc::new(Rewind::new(stream, self.window, length, share)))
    }

    /// Memory for the window of an upload, if there is any now.
    pub(crate) fn try_window(&self) -> Option<(u64, BufferShare)> {
        Some((UPLOAD_WINDOW, self.buffers.try_take(UPLOAD_WINDOW)?))
    }
}

impl Native {
    fn source(&self) -> &dyn Source {
        match self {
            Self::File(source) => &**source,
            Self::Film(film) => &**film,
        }
    }

    fn seconds(&self) -> Option<f64> {
        match self {
            Self::File(_) => None,
            Self::Film(film) => film.seconds(),
        }
    }
}

/// What the result is packed by.
fn muxer<'a>(plan: &Plan, extraction: &Extraction, labels: &'a Labels) -> Result<Muxer<'a>, Failure> {
    let refused = |why: &str| Failure::internal(format!("not for a pipe: {why}"));
    if plan.prove_codecs.is_some() {
        return Err(refused("the result must be looked at"));
    }
    let first = extraction.info.formats.iter().find(|format| Some(&format.format_id) == plan.formats.first());
    if plan.sound_only {
        let codec = plan.encode.map(Encoding::codec).or_else(|| Some(first?.audio.clone())).unwrap_or_default();
        let holder = Holder::of(&codec);
        return if holder.is_written_in_order() {
            Ok(Muxer::Sound(Sound { holder, encode: plan.encode, labels }))
        } else {
            Err(refused("the result must be written back and forth"))
        };
    }
    let ext = || first.map_or("", |format| &format.ext);
    match plan.container {
        Container::Mp4 => Ok(Muxer::Mp4),
        Container::Webm => Ok(Muxer::Webm),
        Container::Mkv => Ok(Muxer::Matroska),
        // What comes in pieces has no container of its own; yt-dlp names the one that people expect.
        Container::AsIs if ext() == "mp4" => Ok(Muxer::Mp4),
        Container::AsIs => Err(refused(ext())),
    }
}

fn in_mp4(name: &FileName) -> FileName {
    let name = name.as_str();
    FileName::from_title(name.strip_suffix(".mkv").unwrap_or(name), "mp4")
}

#[cfg(test)]
mod tests;
