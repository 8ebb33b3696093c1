//! The combinations of formats that satisfy a preset, best first.

use serde::{Deserialize, Serialize};

use super::{
    Length, Route,
    encoding::Encoding,
    sound::{sound, sound_as},
};
use crate::{Codec, Format, MediaInfo, Preset};

/// The container of the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Container {
    /// One file of the site, as it is.
    AsIs,
    /// MP4.
    Mp4,
    /// WebM.
    Webm,
    /// Matroska: takes every pair.
    Mkv,
}

/// One way to satisfy a preset.
#[derive(Debug)]
pub(super) struct Choice<'i> {
    /// Picture first.
    pub(super) formats: Vec<&'i Format>,
    pub(super) container: Container,
    pub(super) sound_only: bool,
    /// What the sound is converted into.
    pub(super) encode: Option<Encoding>,
}

impl<'i> Choice<'i> {
    pub(super) fn single(format: &'i Format) -> Self {
        Self { formats: vec![format], container: Container::AsIs, sound_only: false, encode: None }
    }

    fn pair(video: &'i Format, audio: &'i Format) -> Self {
        let container = container(&video.video, &audio.audio);
        Self { formats: vec![video, audio], container, sound_only: false, encode: None }
    }

    pub(super) fn sound_of(format: &'i Format) -> Self {
        Self { sound_only: true, ..Self::single(format) }
    }

    /// Sound in a film's container is moved, as it is, into one that players take for sound.
    pub(super) fn into_sound_file(self) -> Self {
        let in_film = matches!(self.formats[0].ext.as_str(), "webm" | "mkv");
        Self { sound_only: self.sound_only || in_film, ..self }
    }

    /// The sum of the sizes that the site announced: the result will be about that or more.
    pub(super) fn announced(&self) -> u64 {
        if self.is_part_of_file() || self.encode.is_some() {
            0
        } else {
            self.formats.iter().filter_map(|format| format.filesize).fold(0, u64::saturating_add)
        }
    }

    /// The length of the result. A pair is never exact: the new container has its own headers.
    pub(super) fn length(&self, duration: Option<f64>) -> Length {
        if let Some(encoding) = self.encode {
            return duration.and_then(|seconds| encoding.bytes_of(seconds)).map_or(Length::Unknown, Length::Estimate);
        }
        if self.is_part_of_file() {
            return Length::Unknown;
        }
        if let [Format { filesize: Some(bytes), .. }] = self.formats[..] {
            return if self.sound_only { Length::Estimate(*bytes) } else { Length::Exact(*bytes) };
        }
        let sizes = self
            .formats
            .iter()
            .map(|format| format.filesize.or(format.filesize_approx).or_else(|| from_bitrate(format, duration)));
        sizes.reduce(|sum, size| Some(sum?.saturating_add(size?))).flatten().map_or(Length::Unknown, Length::Estimate)
    }

    /// The cheapest way that gives the whole result. What must be looked at before it may go, or written by jumping back and forth, needs
    /// a disk.
    pub(super) fn route(&self, proves_codecs: bool) -> Route {
        if proves_codecs || self.extension().is_empty() {
            return Route::Spool;
        }
        if self.sound_only {
            return if self.is_sound_in_order() { Route::Pipe } else { Route::Spool };
        }
        match (&self.formats[..], self.container) {
            ([file], Container::AsIs) if file.is_fetched_plainly() => Route::Direct,
            // What comes in segments has no container of its own; MP4 takes the usual films.
            ([film], Container::AsIs) if film.is_streamable() && film.video.is_present() && film.ext == "mp4" => {
                Route::Pipe
            }
            (_, Container::AsIs) => Route::Spool,
            ([video, audio], Container::Mp4 | Container::Webm)
                if video.is_fetched_plainly() && audio.is_fetched_plainly() =>
            {
                Route::Interleave
            }
            (all, _) if all.iter().all(|format| format.is_streamable()) => Route::Pipe,
            _ => Route::Spool,
        }
    }

    /// Can it be written from its beginning to its end, of what arrives like that? Sound in an MP4 cannot.
    fn is_sound_in_order(&self) -> bool {
        let format = self.formats[0];
        matches!(self.extension(), "mp3" | "opus" | "ogg")
            && format.is_streamable()
            && !format.ext.is_empty()
            && !format.ext.starts_with("unknown")
    }

    /// Sound taken out of a file that has pictures too: smaller than the file, and nobody says by how much.
    fn is_part_of_file(&self) -> bool {
        self.sound_only && self.formats[0].is_muxed()
    }

    /// Would it fetch the same?
    pub(super) fn is_same(&self, other: &Self) -> bool {
        let ids = |choice: &Self| choice.formats.iter().map(|format| format.format_id.clone()).collect::<Vec<_>>();
        (self.sound_only, self.encode) == (other.sound_only, other.encode) && ids(self) == ids(other)
    }

    /// Does any part leave its codecs open?
    pub(super) fn unproven(&self) -> bool {
        self.formats.iter().any(|format| format.video == Codec::Unknown || format.audio == Codec::Unknown)
    }

    /// The extension of the result, without a dot; empty when the site does not say.
    pub(super) fn extension(&self) -> &'i str {
        let format = self.formats[0];
        match self.container {
            Container::Mp4 => "mp4",
            Container::Webm => "webm",
            Container::Mkv => "mkv",
            Container::AsIs if let Some(encoding) = self.encode => encoding.extension(),
            Container::AsIs if self.sound_only => match format.audio {
                Codec::Aac => "m4a",
                Codec::Opus => "opus",
                Codec::Vorbis => "ogg",
                Codec::Mp3 => "mp3",
                _ => "",
            },
            Container::AsIs if format.ext.starts_with("unknown") => "",
            Container::AsIs => &format.ext,
        }
    }
}

/// Every way to satisfy the preset, best first. `info.formats` is sorted from worst to best by the extractor.
pub(super) fn choices(info: &MediaInfo, preset: Preset) -> Vec<Choice<'_>> {
    let usable: Vec<&Format> = info
        .formats
        .iter()
        .rev()
        .filter(|format| !format.has_drm && (format.video.is_present() || format.audio.is_present()))
        .collect();
    match preset {
        Preset::Audio => sound(&usable, |_| true),
        Preset::M4a => sound_as(&usable, Encoding::Aac),
        Preset::Mp3 => sound_as(&usable, Encoding::Mp3),
        Preset::Opus => sound_as(&usable, Encoding::Opus),
        Preset::Iphone => iphone(&usable),
        Preset::Best | Preset::Fit => pictures(&usable),
        Preset::P2160 | Preset::P1080 | Preset::P720 | Preset::P480 => {
            let max = preset.max_lines().unwrap_or(u32::MAX);
            let lines = |choice: &Choice<'_>| choice.formats[0].lines();
            let mut all = pictures(&usable);
            if all.iter().any(|choice| lines(choice).is_none_or(|lines| lines <= max)) {
                all.retain(|choice| lines(choice).is_none_or(|lines| lines <= max));
                // What does not tell its size in pixels comes after what does.
                all.sort_by_key(|choice| std::cmp::Reverse(lines(choice)));
            } else {
                // Everything is larger than asked: the smallest is nearest.
                all.sort_by_key(lines);
            }
            all
        }
    }
}

/// Pictures with sound, in the extractor's order; picture alone where the site has no sound at all.
fn pictures<'i>(usable: &[&'i Format]) -> Vec<Choice<'i>> {
    let with_picture = usable.iter().filter(|format| format.video.is_present());
    let choices: Vec<_> = with_picture
        .map(|video| match (video.is_video_only(), best_sound_for(video, usable)) {
            (true, Some(audio)) => Choice::pair(video, audio),
            _ => Choice::single(video),
        })
        .collect();
    // A link to a sound is fetched as a sound, whatever picture was asked for.
    if choices.is_empty() { sound(usable, |_| true) } else { choices }
}

/// H.264 with AAC, of the best sources that say so; then MP4 files that do not say what is in them.
fn iphone<'i>(usable: &[&'i Format]) -> Vec<Choice<'i>> {
    let aac = usable.iter().find(|format| format.is_audio_only() && format.audio == Codec::Aac);
    let known =
        usable.iter().filter(|format| format.video == Codec::H264).filter_map(|video| match (&video.audio, aac) {
            (Codec::Aac, _) if matches!(video.ext.as_str(), "mp4" | "m4v" | "mov") => Some(Choice::single(video)),
            (Codec::Aac, _) => Some(Choice { container: Container::Mp4, ..Choice::single(video) }),
            (Codec::None, Some(audio)) => Some(Choice { container: Container::Mp4, ..Choice::pair(video, audio) }),
            _ => None,
        });
    let may_be = |codec: &Codec, want: &Codec| codec == want || *codec == Codec::Unknown;
    let unproven = usable.iter().filter(|format| {
        matches!(format.ext.as_str(), "mp4" | "m4v" | "mov")
            && may_be(&format.video, &Codec::H264)
            && may_be(&format.audio, &Codec::Aac)
            && (format.video == Codec::Unknown || format.audio == Codec::Unknown)
    });
    known.chain(unproven.map(|format| Choice::single(format))).collect()
}

/// The best sound that shares a container with the picture; failing that, the best sound.
fn best_sound_for<'i>(video: &Format, usable: &[&'i Format]) -> Option<&'i Format> {
    let mut sounds = usable.iter().filter(|format| format.is_audio_only());
    sounds
        .clone()
        .find(|audio| container(&video.video, &audio.audio) != Container::Mkv)
        .or_else(|| sounds.next())
        .copied()
}

/// The container in which both play everywhere.
fn container(video: &Codec, audio: &Codec) -> Container {
    match (video, audio) {
        (Codec::Vp9 | Codec::Av1, Codec::Opus | Codec::Vorbis) => Container::Webm,
        (Codec::H264 | Codec::H265 | Codec::Av1, Codec::Aac | Codec::Mp3) => Container::Mp4,
        _ => Container::Mkv,
    }
}

/// Bytes from kilobits a second and seconds.
fn from_bitrate(format: &Format, duration: Option<f64>) -> Option<u64> {
    let bytes = format.tbr? * 125.0 * duration?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "checked to be finite, positive and far below 2^53"
    )]
    (bytes.is_finite() && bytes > 0.0 && bytes < 9e15).then_some(bytes as u64)
}
