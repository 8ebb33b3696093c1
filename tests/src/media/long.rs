//! A film for measurements: hundreds of megabytes, made in a second.

use anyhow::Result;
use bytes::Bytes;

use super::{Library, Rendition, adaptive::load, encode, stretch::stretched};

/// Seconds that are really encoded.
const SECONDS: u32 = 8;
/// Bits per second of the picture: about eight megabytes for each pass.
const VIDEO_BITS: u32 = 8_000_000;
const AUDIO_BITS: u32 = 192_000;
const HEIGHT: u32 = 360;

/// One stream of a film.
#[derive(Debug, Clone)]
pub struct Track {
    /// The file, in parts that lie one behind the other.
    pub parts: Vec<Bytes>,
    /// `video/mp4`, `audio/webm`, …
    pub mime: &'static str,
    /// RFC 6381 codecs string.
    pub codecs: String,
    /// Height in pixels; 0 for audio.
    pub height: u32,
    /// Width in pixels; 0 for audio.
    pub width: u32,
    /// Length in seconds.
    pub seconds: u32,
}

impl Track {
    fn of(stream: &Rendition, parts: Vec<Bytes>, times: u32) -> Self {
        let (width, codecs, seconds) = (stream.width(), stream.codecs.clone(), stream.seconds * times);
        Self { parts, mime: stream.mime, codecs, height: stream.height, width, seconds }
    }

    /// Bytes of the file.
    pub fn bytes(&self) -> u64 {
        self.parts.iter().map(|part| part.len() as u64).sum()
    }
}

/// Separate picture and sound.
#[derive(Debug, Clone)]
pub struct Long {
    /// The picture.
    pub video: Track,
    /// The sound.
    pub audio: Track,
}

impl Long {
    /// H.264 (noise, so that it does not get smaller than told) and AAC, each in a fragmented MP4 with one index, of about so many
    /// megabytes in all.
    pub async fn mp4(library: &Library, megabytes: u64) -> Result<Self> {
        let folder = encode::noise(library, SECONDS, HEIGHT, VIDEO_BITS, AUDIO_BITS).await?;
        let video = Rendition::mp4(load(&folder.join("video.mp4"))?, HEIGHT, SECONDS)?;
        let audio = Rendition::mp4(load(&folder.join("audio.m4a"))?, 0, SECONDS)?;
        let pass = (video.bytes.len() + audio.bytes.len()) as u64;
        let times = u32::try_from((megabytes * 1_000_000).div_ceil(pass).max(1))?;
        let track = |stream: &Rendition| anyhow::Ok(Track::of(stream, stretched(&stream.bytes, times)?, times));
        Ok(Self { video: track(&video)?, audio: track(&audio)? })
    }

    /// VP9 (noise) and Opus in WebM, some megabytes: as long as `seconds`, all of them encoded.
    pub async fn webm(library: &Library, seconds: u32) -> Result<Self> {
        let folder = encode::noise_webm(library, seconds, HEIGHT, VIDEO_BITS / 8, AUDIO_BITS / 2).await?;
        let video = Rendition::webm(load(&folder.join("video.webm"))?, HEIGHT, seconds)?;
        let audio = Rendition::webm(load(&folder.join("audio.webm"))?, 0, seconds)?;
        let track = |stream: &Rendition| Track::of(stream, vec![stream.bytes.clone()], 1);
        Ok(Self { video: track(&video), audio: track(&audio) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::packets;

    async fn packets_of(track: &Track) -> Result<(String, usize)> {
        let file = tempfile::NamedTempFile::new()?;
        std::fs::write(file.path(), track.parts.concat())?;
        let found = packets(file.path()).await?;
        let [found] = &found[..] else { anyhow::bail!("{} streams", found.len()) };
        Ok((found.hash.clone(), found.count))
    }

    #[tokio::test]
    async fn a_long_film_has_all_its_packets_and_ends_when_it_should() -> Result<()> {
        let library = Library::of_the_repository()?;
        let (short, long) = (Long::mp4(&library, 1).await?, Long::mp4(&library, 24).await?);
        assert_eq!((long.video.seconds, long.audio.seconds), (3 * SECONDS, 3 * SECONDS));
        for (short, long) in [(&short.video, &long.video), (&short.audio, &long.audio)] {
            let (one, three) = (packets_of(short).await?, packets_of(long).await?);
            assert_eq!(three.1, 3 * one.1);
            assert_ne!(one.0, three.0);
        }
        let webm = Long::webm(&library, 20).await?;
        assert!(webm.video.bytes() > 1_500_000, "{}", webm.video.bytes());
        assert_eq!(packets_of(&webm.video).await?.1, 20 * 25);
        Ok(())
    }
}
