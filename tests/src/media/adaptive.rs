//! One clip as adaptive sites serve it: video alone at several heights, sound apart.

use std::path::Path;

use anyhow::Result;
use bytes::Bytes;

use super::{Library, Rendition, Shape, encode};

/// Fragments that can be found by one index at the start of the file.
const FRAGMENTED: &str = "-movflags +frag_keyframe+default_base_moof+global_sidx+delay_moov";

/// Separate video and audio.
#[derive(Debug)]
pub struct Adaptive {
    /// Video only, best first.
    pub video: Vec<Rendition>,
    /// Audio only.
    pub audio: Rendition,
}

impl Adaptive {
    /// H.264 and AAC in fragmented MP4.
    pub async fn mp4(library: &Library, shape: Shape, heights: &[u32]) -> Result<Self> {
        let mut video = Vec::new();
        for &height in heights {
            let whole = encode::progressive(library, shape, height).await?;
            let output = format!("-map 0:v -c copy {FRAGMENTED} -f mp4 video.mp4");
            let file = encode::copied(library, "mp4-video", &[&whole], &output).await?;
            video.push(Rendition::mp4(load(&file)?, height, shape.seconds)?);
        }
        // The sound is the same at every height: encoded from one source with one set of parameters.
        let whole = encode::progressive(library, shape, heights.first().copied().unwrap_or(720)).await?;
        let output = format!("-map 0:a -c copy {FRAGMENTED} -frag_duration 2000000 -f mp4 audio.m4a");
        let file = encode::copied(library, "mp4-audio", &[&whole], &output).await?;
        Ok(Self { video, audio: Rendition::mp4(load(&file)?, 0, shape.seconds)? })
    }

    /// VP9 and Opus in WebM.
    pub async fn webm(library: &Library, shape: Shape, heights: &[u32]) -> Result<Self> {
        let mut video = Vec::new();
        for &height in heights {
            let file = encode::webm_video(library, shape, height).await?;
            video.push(Rendition::webm(load(&file)?, height, shape.seconds)?);
        }
        let file = encode::webm_audio(library, shape).await?;
        Ok(Self { video, audio: Rendition::webm(load(&file)?, 0, shape.seconds)? })
    }

    /// AV1 and Opus in WebM.
    pub async fn av1(library: &Library, shape: Shape, height: u32) -> Result<Self> {
        let file = encode::webm_av1(library, shape, height).await?;
        let video = Rendition::webm(load(&file)?, height, shape.seconds)?;
        let video = vec![Rendition { codecs: "av01.0.01M.08".into(), ..video }];
        let file = encode::webm_audio(library, shape).await?;
        Ok(Self { video, audio: Rendition::webm(load(&file)?, 0, shape.seconds)? })
    }

    /// The video of `height`, which must be one that was asked for; the best otherwise.
    pub fn at(&self, height: u32) -> &Rendition {
        self.video.iter().find(|stream| stream.height == height).unwrap_or(&self.video[0])
    }
}

/// A whole file; the library holds small ones only.
pub(super) fn load(path: &Path) -> Result<Bytes> {
    Ok(Bytes::from(std::fs::read(path)?))
}
