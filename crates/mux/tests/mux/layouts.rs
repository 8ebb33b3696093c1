//! Every layout of every kind of pair.

use std::fs;

use sluice_mux::Layout;

use crate::{
    drive::{Dice, Inputs},
    ffmpeg::{decodes, duration, stream},
    media::{AAC, AAC_48, AV1, H264, H264_NTSC, HEVC, INDEXED, INDEXED_SOUND, OPUS, VP9, bytes, store},
};

pub(crate) const LAYOUTS: [Layout; 3] = [Layout::Hybrid, Layout::Faststart, Layout::Fragmented];

/// Everything that must hold, in all layouts.
pub(crate) fn check(inputs: &Inputs) {
    check_with(inputs, inputs, |_| 0);
}

/// The same, where ffmpeg cannot read the inputs, but the same media in other files.
pub(crate) fn check_as(inputs: &Inputs, readable: &Inputs) {
    check_with(inputs, readable, |_| 0);
}

/// The same, where ffmpeg tells the input's picture that many ticks too late.
fn check_with(inputs: &Inputs, readable: &Inputs, late: impl Fn(Layout) -> i64) {
    let sources = [store(&readable.video), store(&readable.audio)];
    for layout in LAYOUTS {
        let (plan, mut tables) = inputs.plan(layout).expect("a suitable pair");
        let whole = inputs.read(&plan, &mut tables, 0..u64::MAX).expect("all of it");
        assert_eq!(whole.len() as u64, plan.len(), "{layout:?}: the length was promised");
        let path = store(&whole);
        decodes(&path);
        let mut end = 0.0_f64;
        for (kind, source) in ["v", "a"].into_iter().zip(&sources) {
            let (ours, mut theirs) = (stream(&path, kind), stream(source, kind));
            if kind == "v" {
                for packet in &mut theirs.packets {
                    packet.pts -= late(layout);
                    packet.dts -= late(layout);
                }
            }
            assert_eq!(ours.clock, theirs.clock, "{layout:?} {kind}");
            assert!(!ours.packets.is_empty(), "{layout:?} {kind}: packets");
            for (number, pair) in ours.packets.iter().zip(&theirs.packets).enumerate() {
                assert_eq!(pair.0, pair.1, "{layout:?} {kind}: packet {number}");
            }
            assert_eq!(ours.packets.len(), theirs.packets.len(), "{layout:?} {kind}: count of packets");
            end = end.max(theirs.end);
        }
        let told = duration(&path);
        assert!((told - end).abs() < 0.1, "{layout:?}: lasts {told} instead of {end}");
        ranges(inputs, layout, &whole);
        fs::remove_file(path).expect("it is ours");
    }
}

/// Ranges in any order, read by somebody who knows nothing yet, are the same bytes.
fn ranges(inputs: &Inputs, layout: Layout, whole: &[u8]) {
    let (plan, mut tables) = inputs.plan(layout).expect("a suitable pair");
    let mut dice = Dice(whole.len() as u64);
    let mut cuts: Vec<u64> = (0..44).map(|_| dice.roll(plan.len())).collect();
    cuts.extend([0, 1, plan.len() - 1, plan.len()]);
    cuts.sort_unstable();
    let mut pieces: Vec<_> = cuts.windows(2).map(|pair| pair[0]..pair[1]).collect();
    for number in (1..pieces.len()).rev() {
        pieces.swap(number, usize::try_from(dice.roll(number as u64 + 1)).expect("small"));
    }
    let mut joined = vec![0; whole.len()];
    for range in pieces {
        let read = inputs.read(&plan, &mut tables, range.clone()).expect("a range");
        joined[usize::try_from(range.start).expect("small")..][..read.len()].copy_from_slice(&read);
        assert_eq!(read.len() as u64, range.end - range.start);
    }
    assert!(joined == whole, "{layout:?}: ranges differ from the whole");
}

fn pair(video: (&str, &str), audio: (&str, &str)) {
    check(&Inputs::new(bytes(video.0, video.1), bytes(audio.0, audio.1)));
}

#[test]
fn h264_with_edit_lists_and_aac() {
    pair((H264, INDEXED), (AAC, INDEXED_SOUND));
}

#[test]
fn h264_without_edit_lists() {
    let plain = "-movflags +frag_keyframe+empty_moov+default_base_moof -use_editlist 0";
    pair((H264, plain), (AAC, INDEXED_SOUND));
}

#[test]
fn h264_with_negative_shifts() {
    let negative = "-movflags +frag_keyframe+default_base_moof+global_sidx+empty_moov+negative_cts_offsets";
    let inputs = Inputs::new(bytes(H264, negative), bytes(AAC, INDEXED_SOUND));
    // ffmpeg corrects shifts that are negative in tables, and moves everything in fragments: tables are what the standard says.
    check_with(&inputs, &inputs, |layout| if layout == Layout::Fragmented { 0 } else { 640 });
}

#[test]
fn odd_clocks() {
    let video = format!("{INDEXED} -video_track_timescale 90001 -movie_timescale 601");
    pair((H264_NTSC, &video), (AAC, &format!("{INDEXED_SOUND} -movie_timescale 977")));
}

#[test]
fn clocks_of_milliseconds() {
    pair((H264_NTSC, &format!("{INDEXED} -video_track_timescale 1000")), (AAC_48, INDEXED_SOUND));
}

#[test]
fn hevc_and_aac() {
    pair((HEVC, INDEXED), (AAC_48, INDEXED_SOUND));
}

#[test]
fn vp9_and_opus() {
    pair((VP9, INDEXED), (OPUS, INDEXED_SOUND));
}

#[test]
fn av1_and_opus() {
    pair((AV1, INDEXED), (OPUS, INDEXED_SOUND));
}

#[test]
fn absolute_offsets() {
    // Not indexed: ffmpeg shifts the fragments for its index and leaves their absolute offsets wrong.
    pair(
        (H264, "-movflags +frag_keyframe+delay_moov"),
        (AAC, "-movflags +delay_moov+frag_custom -frag_duration 1000000"),
    );
}

#[test]
fn offsets_from_nothing_said() {
    let omitted = "-movflags +frag_keyframe+global_sidx+delay_moov+omit_tfhd_offset";
    pair((H264, omitted), (AAC, INDEXED_SOUND));
}

#[test]
fn a_fragment_for_every_frame() {
    let every = "-movflags +frag_every_frame+default_base_moof+global_sidx+delay_moov";
    pair((H264, every), (AAC, every));
}

#[test]
fn sound_that_starts_late() {
    let late = format!("-itsoffset 0.7345|{INDEXED_SOUND} -avoid_negative_ts disabled");
    pair((H264, INDEXED), (AAC, &late));
}

#[test]
fn picture_that_starts_late() {
    let late = format!("-itsoffset 1.3|{INDEXED} -avoid_negative_ts disabled");
    pair((H264, &late), (AAC, INDEXED_SOUND));
}

#[test]
fn sound_much_longer_than_the_picture_and_shorter() {
    pair((H264, &format!("-t 2|{INDEXED}")), (AAC, INDEXED_SOUND));
    pair((H264, INDEXED), (AAC, &format!("-t 2|{INDEXED_SOUND}")));
}
