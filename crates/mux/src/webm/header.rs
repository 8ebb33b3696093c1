//! What is known of an input before its media is read.

use std::{ops::Range, sync::Arc};

use super::{cues::Cue, head::TrackHead};
use crate::{
    Kind,
    limits::{MAX_CLUSTER, MAX_CLUSTER_TIME},
    unsuitable::{Result, Unsuitable},
};

/// What [`super::Probe`] found out. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Header {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    track: TrackHead,
    duration: Option<f64>,
    cues: Vec<Cue>,
    clusters: Vec<Cluster>,
    total: u64,
}

/// A stretch of an input from a cluster that the cues name to the next such, or to the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cluster {
    /// First byte.
    pub start: u64,
    /// Byte after the last.
    pub end: u64,
    /// When it begins, in milliseconds, as its first cue tells.
    pub time: u64,
}

impl Header {
    pub(super) fn new(track: TrackHead, duration: Option<f64>, cues: Vec<Cue>, total: u64) -> Result<Self> {
        let mut clusters: Vec<Cluster> = Vec::new();
        for cue in &cues {
            if let Some(last) = clusters.last_mut() {
                if last.start == cue.cluster {
                    continue;
                }
                last.end = cue.cluster;
            }
            clusters.push(Cluster { start: cue.cluster, end: total, time: cue.time });
        }
        if clusters.iter().any(|cluster| cluster.end - cluster.start > MAX_CLUSTER) {
            return Err(Unsuitable::OverCap("cluster"));
        }
        let header = Self { inner: Arc::new(Inner { track, duration, cues, clusters, total }) };
        // Either most clusters are not named, or there is nothing for that long: nothing to put the other input's media to.
        if (0..header.clusters().len()).any(|index| header.time(index + 1) - header.time(index) > MAX_CLUSTER_TIME) {
            return Err(Unsuitable::OverCap("time between cues"));
        }
        Ok(header)
    }

    /// Picture or sound.
    pub fn kind(&self) -> Kind {
        self.inner.track.kind
    }

    /// `V_VP9`, `V_AV1`, `A_OPUS` and their like.
    pub fn codec(&self) -> &'static str {
        self.inner.track.codec
    }

    /// How long the media lasts, in milliseconds, where the file tells.
    pub fn duration(&self) -> Option<f64> {
        self.inner.duration
    }

    /// Bytes of the whole input.
    pub fn total(&self) -> u64 {
        self.inner.total
    }

    /// The clusters that the cues name, in order.
    pub fn clusters(&self) -> &[Cluster] {
        &self.inner.clusters
    }

    pub(super) fn track(&self) -> &TrackHead {
        &self.inner.track
    }

    pub(super) fn cues(&self) -> &[Cue] {
        &self.inner.cues
    }

    /// When a cluster begins; after the last one, when the media ends.
    pub(super) fn time(&self, index: usize) -> u64 {
        let last = self.clusters().last().map_or(0, |cluster| cluster.time);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked when it was read")]
        let end = self.inner.duration.map_or(last, |duration| (duration as u64).max(last));
        self.clusters().get(index).map_or(end, |cluster| cluster.time)
    }

    /// Where some clusters lie.
    pub(super) fn range(&self, clusters: &Range<usize>) -> Range<u64> {
        let all = self.clusters().get(clusters.clone()).unwrap_or_default();
        match (all.first(), all.last()) {
            (Some(first), Some(last)) => first.start..last.end,
            _ => 0..0,
        }
    }
}
