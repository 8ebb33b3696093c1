//! The order of fragments in the output: a picture first, then each sound just before the picture that covers its start.

use crate::{
    Pair, Track,
    unsuitable::{Result, Unsuitable},
};

/// A fragment in its place in the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Segment {
    pub(crate) track: Track,
    /// Its number in its input.
    pub(crate) index: usize,
    /// From the start of the media to its first byte.
    pub(crate) offset: u64,
    /// Bytes.
    pub(crate) size: u64,
}

/// All fragments of both, and the bytes that they take together.
pub(crate) fn segments(pair: &Pair) -> Result<(Vec<Segment>, u64)> {
    let (video, audio) = (pair.header(Track::Video), pair.header(Track::Audio));
    let (pictures, sounds) = (video.fragments(), audio.fragments());
    let mut order = Vec::with_capacity(pictures.len() + sounds.len());
    let mut sound = 0;
    for (index, picture) in pictures.iter().enumerate() {
        // ffmpeg finds no pixel format when the file begins with sound.
        let until = u128::from(picture.time + picture.duration) * u128::from(audio.timescale());
        while index > 0
            && let Some(next) = sounds.get(sound)
        {
            if u128::from(next.time) * u128::from(video.timescale()) >= until {
                break;
            }
            order.push((Track::Audio, sound));
            sound += 1;
        }
        order.push((Track::Video, index));
    }
    order.extend((sound..sounds.len()).map(|index| (Track::Audio, index)));
    place(pair, &order)
}

fn place(pair: &Pair, order: &[(Track, usize)]) -> Result<(Vec<Segment>, u64)> {
    let mut offset: u64 = 0;
    let mut segments = Vec::with_capacity(order.len());
    for &(track, index) in order {
        let range = pair.header(track).range(index).ok_or(Unsuitable::Sizes("fragments"))?;
        let size = range.end - range.start;
        segments.push(Segment { track, index, offset, size });
        offset = offset.checked_add(size).ok_or(Unsuitable::OverCap("output"))?;
    }
    Ok((segments, offset))
}
