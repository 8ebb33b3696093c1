//! One output: its exact length, and where each byte of it comes from.

use std::ops::Range;

use bytes::Bytes;
use sha2::{Digest as _, Sha256};

use super::{
    Header, Join,
    group::{Group, groups},
    id,
    join::Source,
    write::{element, master, name, place, size, uint},
};
use crate::{
    Kind, Track,
    unsuitable::{Result, Unsuitable},
    wire::{index, length},
};

/// Changes whenever the same inputs would give other bytes.
const VERSION: &[u8] = b"sluice-mux webm 1";

/// An output that is known to the last byte, except for what is in its groups, of which the places are known.
#[derive(Debug)]
pub struct Plan {
    inputs: [Header; 2],
    head: Bytes,
    groups: Vec<Group>,
    media: u64,
}

/// Where some bytes of an output come from.
#[derive(Debug)]
pub enum Piece {
    /// These bytes.
    Bytes(Bytes),
    /// A group, or a part of one.
    Group(Box<Join>),
}

impl Plan {
    /// Plans an output. Refuses two of a kind.
    pub fn new(video: &Header, audio: &Header) -> Result<Self> {
        if (video.kind(), audio.kind()) != (Kind::Video, Kind::Audio) {
            return Err(Unsuitable::Kinds);
        }
        let (groups, media) = groups([video, audio])?;
        let head = head([video, audio], &groups, media)?;
        Ok(Self { inputs: [video.clone(), audio.clone()], head: head.into(), groups, media })
    }

    /// Bytes of the output, exactly.
    pub fn len(&self) -> u64 {
        length(&self.head) + self.media
    }

    /// Never: an output has a header at least.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The header of an input.
    pub fn header(&self, track: Track) -> &Header {
        let [video, audio] = &self.inputs;
        match track {
            Track::Video => video,
            Track::Audio => audio,
        }
    }

    /// SHA-256 over everything that decides the output's bytes before the media is read: the head, which tells the tracks
    /// and the groups, the inputs' lengths and clusters, and their entity tags (empty where a server sends none), which stand
    /// for the media.
    pub fn fingerprint(&self, etags: [&str; 2]) -> [u8; 32] {
        let mut hash = Sha256::new();
        let mut field = |bytes: &[u8]| {
            hash.update(length(bytes).to_be_bytes());
            hash.update(bytes);
        };
        field(VERSION);
        field(&self.len().to_be_bytes());
        field(&self.head);
        for (header, etag) in self.inputs.iter().zip(etags) {
            field(etag.as_bytes());
            field(&header.total().to_be_bytes());
            field(&[header.track().number]);
            for cluster in header.clusters() {
                field(&cluster.start.to_be_bytes());
                field(&cluster.end.to_be_bytes());
                field(&cluster.time.to_be_bytes());
            }
        }
        hash.finalize().into()
    }

    /// The pieces of a range of the output, in order. Bytes past the end are left out.
    pub fn read(&self, range: Range<u64>) -> Pieces<'_> {
        Pieces { plan: self, at: range.start, end: range.end.min(self.len()) }
    }

    fn source(&self, track: Track, clusters: &Range<usize>) -> Source {
        let header = self.header(track);
        let named = header.clusters().get(clusters.clone()).unwrap_or_default().to_vec();
        Source { range: header.range(clusters), clusters: named, number: header.track().number }
    }
}

/// What [`Plan::read`] gives.
#[derive(Debug)]
pub struct Pieces<'a> {
    plan: &'a Plan,
    at: u64,
    end: u64,
}

impl Iterator for Pieces<'_> {
    type Item = Piece;

    fn next(&mut self) -> Option<Piece> {
        let Self { plan, at, end } = *self;
        if at >= end {
            return None;
        }
        let media = length(&plan.head);
        if at < media {
            self.at = end.min(media);
            return Some(Piece::Bytes(plan.head.slice(index(at)..index(self.at))));
        }
        let number = plan.groups.partition_point(|group| media + group.offset + group.size <= at);
        let group = plan.groups.get(number)?;
        let begins = media + group.offset;
        self.at = end.min(begins + group.size);
        let [video, audio] = &group.clusters;
        let (video, audio) = (plan.source(Track::Video, video), plan.source(Track::Audio, audio));
        Some(Piece::Group(Box::new(Join::new(video, audio, at - begins..self.at - begins))))
    }
}

/// Everything before the first group.
fn head(inputs: [&Header; 2], groups: &[Group], media: u64) -> Result<Vec<u8>> {
    let [video, audio] = inputs;
    let document = master(
        id::EBML,
        &[
            uint(id::EBML_VERSION, 1),
            uint(id::EBML_READ_VERSION, 1),
            uint(id::EBML_MAX_ID_LENGTH, 4),
            uint(id::EBML_MAX_SIZE_LENGTH, 8),
            element(id::DOC_TYPE, b"webm"),
            uint(id::DOC_TYPE_VERSION, 4),
            uint(id::DOC_TYPE_READ_VERSION, 2),
        ],
    );
    let info = info(inputs);
    let tracks = master(id::TRACKS, &[video.track().entry(Track::Video.id()), audio.track().entry(Track::Audio.id())]);
    // Both tell places behind themselves, so both are made twice: first for their size.
    let seek = length(&seek_head([0; 3]));
    let infos_end = seek + length(&info);
    let tracks_end = infos_end + length(&tracks);
    let first = tracks_end + length(&cues(video, groups, 0));
    let cues = cues(video, groups, first);
    let body = first.checked_add(media).ok_or(Unsuitable::OverCap("output"))?;
    let seek = seek_head([seek, infos_end, tracks_end]);
    Ok([document, name(id::SEGMENT), size(body, 8), seek, info, tracks, cues].concat())
}

fn info(inputs: [&Header; 2]) -> Vec<u8> {
    let duration = inputs.iter().filter_map(|input| input.duration()).reduce(f64::max);
    let app = concat!("Sluice ", env!("CARGO_PKG_VERSION"));
    master(
        id::INFO,
        &[
            uint(id::TIMESTAMP_SCALE, 1_000_000),
            duration.map_or_else(Vec::new, |duration| element(id::DURATION, &duration.to_be_bytes())),
            element(id::MUXING_APP, app.as_bytes()),
            element(id::WRITING_APP, app.as_bytes()),
        ],
    )
}

/// Where `Info`, `Tracks` and `Cues` are.
fn seek_head(places: [u64; 3]) -> Vec<u8> {
    let mut body = Vec::new();
    for (id, at) in [id::INFO, id::TRACKS, id::CUES].into_iter().zip(places) {
        body.extend(master(id::SEEK, &[element(id::SEEK_ID, &name(id)), place(id::SEEK_POSITION, at)]));
    }
    element(id::SEEK_HEAD, &body)
}

/// The picture's cues, each at the group that its cluster went into; `first` is where the first group is.
fn cues(video: &Header, groups: &[Group], first: u64) -> Vec<u8> {
    let mut body = Vec::new();
    let (mut cluster, mut group) = (0, 0);
    for cue in video.cues() {
        while video.clusters().get(cluster).is_some_and(|cluster| cluster.start < cue.cluster) {
            cluster += 1;
        }
        while groups.get(group).is_some_and(|group| group.clusters[0].end <= cluster) {
            group += 1;
        }
        let at = first + groups.get(group).map_or(0, |group| group.offset);
        let positions = [uint(id::CUE_TRACK, u64::from(Track::Video.id())), place(id::CUE_CLUSTER_POSITION, at)];
        let positions = master(id::CUE_TRACK_POSITIONS, &positions);
        body.extend(master(id::CUE_POINT, &[uint(id::CUE_TIME, cue.time), positions]));
    }
    element(id::CUES, &body)
}
