//! Files of sound alone, and how ffmpeg is told to write them: the sound as it is, or converted.

use sluice_domain::{Codec, plan::Encoding};

use crate::labels::Labels;

/// What holds the sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Holder {
    Mp3,
    M4a,
    /// Ogg, by the name that its files have with Opus in them.
    Opus,
    Ogg,
    Flac,
    /// Takes everything.
    Matroska,
}

impl Holder {
    /// What people expect this sound in.
    pub(crate) fn of(codec: &Codec) -> Self {
        match codec {
            Codec::Mp3 => Self::Mp3,
            Codec::Aac => Self::M4a,
            Codec::Opus => Self::Opus,
            Codec::Vorbis => Self::Ogg,
            Codec::Other(name) if name == "flac" => Self::Flac,
            _ => Self::Matroska,
        }
    }

    /// Can it be written from its beginning to its end?
    pub(crate) fn is_written_in_order(self) -> bool {
        matches!(self, Self::Mp3 | Self::Opus | Self::Ogg)
    }

    /// The extension of its files, without a dot.
    pub(crate) fn extension(self) -> &'static str {
        match self {
            Self::Mp3 => "mp3",
            Self::M4a => "m4a",
            Self::Opus => "opus",
            Self::Ogg => "ogg",
            Self::Flac => "flac",
            Self::Matroska => "mka",
        }
    }

    fn muxer(self) -> &'static [&'static str] {
        match self {
            // The labels are ours: ffmpeg goes back to write how long they are. So does it for the frame that tells the length, of which a
            // constant rate has no need.
            Self::Mp3 => &["-id3v2_version", "0", "-write_id3v1", "0", "-write_xing", "0", "-f", "mp3"],
            Self::M4a => &["-movflags", "+faststart", "-f", "ipod"],
            Self::Opus => &["-f", "opus"],
            Self::Ogg => &["-f", "ogg"],
            Self::Flac => &["-f", "flac"],
            Self::Matroska => &["-f", "matroska"],
        }
    }
}

/// What becomes of the first sound of the first input.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sound<'a> {
    pub(crate) holder: Holder,
    pub(crate) encode: Option<Encoding>,
    pub(crate) labels: &'a Labels,
}

impl Sound<'_> {
    /// What ffmpeg is told between its input and its output. Labels are arguments of their own, which nothing splits or reads as options.
    pub(crate) fn arguments(&self) -> Vec<String> {
        let mut args: Vec<String> = Vec::new();
        let mut say = |words: &[&str]| args.extend(words.iter().map(|word| (*word).to_owned()));
        say(&["-map", "0:a:0", "-map_metadata", "-1", "-map_chapters", "-1"]);
        match self.encode {
            None => say(&["-c", "copy"]),
            Some(encoding) => {
                let encoder = match encoding {
                    Encoding::Mp3 => "libmp3lame",
                    Encoding::Aac => "aac",
                    Encoding::Opus => "libopus",
                };
                // Not every encoder takes every arrangement of more channels, and no phone has them.
                say(&["-af", "aformat=channel_layouts=mono|stereo", "-c:a", encoder]);
                say(&["-b:a", &encoding.bits_per_second().to_string()]);
            }
        }
        if self.holder != Holder::Mp3 {
            for (key, value) in self.labels.tags() {
                say(&["-metadata", &format!("{key}={value}")]);
            }
        }
        say(self.holder.muxer());
        args
    }

    /// Bits a second, where every second of the result takes as many.
    pub(crate) fn constant_rate(&self) -> Option<u32> {
        self.encode.filter(|encoding| *encoding == Encoding::Mp3).map(Encoding::bits_per_second)
    }
}
