//! Edit lists of outputs whose sample tables begin at zero, where fragments told absolute times.

use super::times::{common, units};
use crate::{
    head::{Edit, TrackHead},
    wire::Writer,
};

/// When a track is shown: after `empty`, from `media_time` on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Edits {
    /// In ticks of the input's movie.
    empty: u64,
    movie_timescale: u32,
    /// In ticks of the track, on top of `empty`.
    late: u64,
    timescale: u32,
    /// In ticks of the track.
    media_time: u64,
}

impl Edits {
    /// `first` is the decode time of the first sample, which becomes zero.
    pub(crate) fn new(track: &TrackHead, first: u64) -> Self {
        let Edit { empty, media_time } = track.edit;
        Self {
            empty,
            movie_timescale: track.movie_timescale,
            late: first.saturating_sub(media_time),
            timescale: track.timescale,
            media_time: media_time.saturating_sub(first),
        }
    }

    /// The wait in ticks of the output's movie, and whether that is exact.
    fn wait(&self, movie: u32) -> (u64, bool) {
        let (a, whole_a) = units(self.empty, self.movie_timescale, movie);
        let (b, whole_b) = units(self.late, self.timescale, movie);
        (a.saturating_add(b), whole_a && whole_b)
    }

    /// How long the track is shown, wait and all, in ticks of the output's movie; `end` is where its samples end.
    pub(crate) fn shown(&self, movie: u32, end: u64) -> u64 {
        self.wait(movie).0.saturating_add(self.segment(movie, end))
    }

    /// Rounded up: a player drops samples that begin after the end.
    fn segment(&self, movie: u32, end: u64) -> u64 {
        units(end.saturating_sub(self.media_time), self.timescale, movie).0
    }

    /// Writes `edts`, unless there is nothing to say.
    pub(super) fn write(&self, w: &mut Writer, movie: u32, end: u64) {
        let (wait, segment) = (self.wait(movie).0, self.segment(movie, end));
        if wait == 0 && self.media_time == 0 {
            return;
        }
        let version = u8::from([wait, segment, self.media_time].iter().any(|time| *time > u64::from(u32::MAX >> 1)));
        let mut edits = vec![(segment, self.media_time)];
        if wait > 0 {
            // A media time of -1: nothing is shown.
            edits.insert(0, (wait, if version == 0 { u64::from(u32::MAX) } else { u64::MAX }));
        }
        w.boxed(b"edts", |w| {
            w.full(b"elst", version, 0, |w| {
                w.count(edits.len());
                for (duration, time) in edits {
                    w.by_version(version, duration);
                    w.by_version(version, time);
                    w.u32(0x0001_0000);
                }
            });
        });
    }
}

/// The output's clock: the usual one, or the first in which both waits are whole numbers, so that sound and picture stay
/// exactly as far apart as they were.
pub(super) fn movie_timescale(video: &Edits, audio: &Edits) -> u32 {
    let scales = [video.movie_timescale, audio.movie_timescale, audio.timescale, video.timescale];
    let all = scales.iter().try_fold(1, |sum, scale| common(sum, *scale));
    let mut wanted = [1000].into_iter().chain(scales).chain(common(video.timescale, audio.timescale)).chain(all);
    let exact = |scale: &u32| video.wait(*scale).1 && audio.wait(*scale).1;
    wanted.find(exact).unwrap_or_else(|| scales.into_iter().max().unwrap_or(1000))
}
