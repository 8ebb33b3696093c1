//! Every kind of pair, and every way in which their clusters lie to each other.

use std::{fs, path::Path};

use super::{
    drive::{plan, probe, read},
    take::{CLUSTER, CUES, child, elements, number, top},
};
use crate::{
    drive::{Dice, Inputs},
    ffmpeg::{decoded, decodes, duration, run, stream},
    media::{AV1, OPUS, VP9, bytes, store},
};

/// As adaptive sites have them.
pub(super) const DASH: &str = "-f webm -dash 1 -cues_to_front 1";
const VP9_LONG: &str =
    "-f lavfi -i testsrc2=size=192x108:rate=10:duration=47 -c:v libvpx-vp9 -deadline realtime -cpu-used 8 -g 25";
const VP9_RARE_KEYS: &str = "-f lavfi -i testsrc2=size=192x108:rate=10:duration=47 -c:v libvpx-vp9 -deadline realtime -cpu-used 8 -g 110 -keyint_min 110";
const OPUS_LONG: &str = "-f lavfi -i sine=frequency=440:sample_rate=48000:duration=47 -c:a libopus -b:a 32k";
const VP8: &str = "-f lavfi -i testsrc2=size=192x108:rate=25:duration=8 -c:v libvpx -deadline realtime -cpu-used 8 -g 50 -auto-alt-ref 1";
const VORBIS: &str = "-f lavfi -i sine=frequency=440:sample_rate=44100:duration=8 -c:a libvorbis";

/// Everything that must hold; the output, for a closer look.
pub(super) fn check(video: (&str, &str), audio: (&str, &str)) -> Vec<u8> {
    let inputs = Inputs::new(bytes(video.0, video.1), bytes(audio.0, audio.1));
    let plan = plan(&inputs).expect("a suitable pair");
    let whole = read(&inputs, &plan, 0..u64::MAX, u64::MAX >> 1).expect("all of it");
    assert_eq!(whole.len() as u64, plan.len(), "the length was promised");
    let media: u64 = inputs.video.len() as u64 + inputs.audio.len() as u64;
    assert!(plan.len() < media + 4096, "{} of {media}", plan.len());
    let path = store(&whole);
    decodes(&path);
    let mut end = 0.0_f64;
    for (kind, input) in [("v", &inputs.video), ("a", &inputs.audio)] {
        let source = store(input);
        let (ours, theirs) = (stream(&path, kind), stream(&source, kind));
        assert!(!ours.packets.is_empty(), "{kind}: packets");
        for (number, pair) in ours.packets.iter().zip(&theirs.packets).enumerate() {
            assert_eq!(pair.0, pair.1, "{kind}: packet {number}");
        }
        assert_eq!(ours.packets.len(), theirs.packets.len(), "{kind}: count of packets");
        assert!(hashes(&path, kind) == hashes(&source, kind), "{kind}: what is decoded");
        end = end.max(theirs.end);
    }
    let told = duration(&path);
    assert!((told - end).abs() < 0.1, "lasts {told} instead of {end}");
    cues(&whole);
    seeks(&path, &store(&inputs.video));
    ranges(&inputs, &whole);
    fs::remove_file(path).expect("it is ours");
    whole
}

/// Of what is decoded; without its times, which ffmpeg moves where a file begins late.
fn hashes(path: &Path, kind: &str) -> Vec<String> {
    let table = decoded(path, &format!("0:{kind}"));
    table.lines().map(|line| line.rsplit(' ').next().unwrap_or_default().to_owned()).collect()
}

/// Ranges in any order are the same bytes, however they arrive.
fn ranges(inputs: &Inputs, whole: &[u8]) {
    let plan = plan(inputs).expect("a suitable pair");
    let mut dice = Dice(whole.len() as u64);
    let mut cuts: Vec<u64> = (0..38).map(|_| dice.roll(plan.len())).collect();
    cuts.extend([0, 1, plan.len() - 1, plan.len()]);
    cuts.sort_unstable();
    let mut joined = Vec::new();
    for pair in cuts.windows(2) {
        let step = [17, 1009, 65_536][usize::try_from(dice.roll(3)).expect("small")];
        let read = read(inputs, &plan, pair[0]..pair[1], step).expect("a range");
        assert_eq!(read.len() as u64, pair[1] - pair[0]);
        joined.extend(read);
    }
    assert!(joined == whole, "ranges differ from the whole");
}

/// Every cue is at a cluster that holds a block of the picture at that time, and every block is in its cluster's reach.
fn cues(file: &[u8]) {
    let segment = *elements(file, 0, file.len()).last().expect("a segment");
    assert_eq!(segment.end, file.len());
    let top = top(file);
    let clusters: Vec<_> = top.iter().filter(|found| found.id == CLUSTER).collect();
    let index = top.iter().find(|found| found.id == CUES).expect("cues");
    assert_eq!(index.end, clusters[0].start);
    assert!(top.iter().skip_while(|found| found.id != CLUSTER).all(|found| found.id == CLUSTER || found.id == 0xec));
    let mut last = 0;
    for cue in elements(file, index.body, index.end) {
        let time = number(file, &child(file, &cue, 0xb3));
        let positions = child(file, &cue, 0xb7);
        let place = segment.body + usize::try_from(number(file, &child(file, &positions, 0xf1))).expect("small");
        let cluster = clusters.iter().find(|cluster| cluster.start == place).expect("a cluster is there");
        let begin = number(file, &child(file, cluster, 0xe7));
        let key = elements(file, cluster.body, cluster.end).into_iter().any(|block| {
            let body = match block.id {
                0xa3 => block.body,
                0xa0 => child(file, &block, 0xa1).body,
                _ => return false,
            };
            let relative = i16::from_be_bytes([file[body + 1], file[body + 2]]);
            file[body] == 0x81 && begin.checked_add_signed(relative.into()) == Some(time)
        });
        assert!(key && last <= place, "cue at {time}");
        last = place;
    }
    assert!(last > 0);
}

/// The same pictures are found from any time.
fn seeks(ours: &Path, theirs: &Path) {
    let pictures = |path: &Path, second: u32| {
        let words = format!("-nostdin -v error -seek_timestamp 1 -ss {second} -i @ -map 0:v -frames:v 2 -f framemd5 -");
        let table = run("ffmpeg", &words, &[path]);
        let hash = |line: &str| line.rsplit(' ').next().unwrap_or_default().to_owned();
        table.lines().filter(|line| !line.starts_with('#')).map(hash).collect::<Vec<_>>()
    };
    for second in [1, 3, 6, 27] {
        assert_eq!(pictures(ours, second), pictures(theirs, second), "{second}");
    }
}

#[test]
fn vp9_and_opus() {
    check((VP9, DASH), (OPUS, DASH));
}

#[test]
fn av1_and_opus() {
    check((AV1, DASH), (OPUS, DASH));
}

#[test]
fn vp8_and_vorbis() {
    check((VP8, DASH), (VORBIS, DASH));
}

#[test]
fn cues_behind_the_clusters() {
    check((VP9, "-f webm"), (OPUS, "-f webm -dash 1"));
    let file = bytes(VP9, "-f webm -dash 1").into();
    assert_eq!(probe(&file).expect("suitable").1, 2, "one request more finds them");
}

#[test]
fn cues_in_front_take_one_request() {
    for file in [bytes(VP9_LONG, DASH), bytes(OPUS_LONG, DASH)] {
        assert_eq!(probe(&file.into()).expect("suitable").1, 1);
    }
}

#[test]
fn clusters_of_sound_that_are_longer_than_those_of_the_picture() {
    let whole = check((VP9_LONG, DASH), (OPUS_LONG, &format!("{DASH} -cluster_time_limit 10000")));
    let clusters = top(&whole).iter().filter(|found| found.id == CLUSTER).count();
    assert_eq!(clusters, 5, "ten seconds each");
}

#[test]
fn clusters_of_sound_that_are_shorter_than_those_of_the_picture() {
    let whole = check((VP9_LONG, DASH), (OPUS_LONG, &format!("{DASH} -cluster_time_limit 700")));
    let clusters = top(&whole).iter().filter(|found| found.id == CLUSTER).count();
    assert_eq!(clusters, 19, "as many as there are of the picture");
}

#[test]
fn clusters_that_no_cue_names() {
    let video = bytes(VP9_RARE_KEYS, "-f webm -cues_to_front 1");
    let clusters = top(&video).iter().filter(|found| found.id == CLUSTER).count();
    assert!(clusters > probe(&video.into()).expect("suitable").0.clusters().len());
    check((VP9_RARE_KEYS, "-f webm -cues_to_front 1"), (OPUS_LONG, DASH));
}

#[test]
fn many_keys_in_one_cluster() {
    let every =
        "-f lavfi -i testsrc2=size=192x108:rate=25:duration=8 -c:v libvpx-vp9 -deadline realtime -cpu-used 8 -g 10";
    check((every, "-f webm -cluster_time_limit 5000 -cues_to_front 1"), (OPUS, DASH));
}

#[test]
fn sound_that_starts_late_and_picture_that_starts_late() {
    check((VP9_LONG, DASH), (OPUS_LONG, &format!("-itsoffset 7.3|{DASH} -avoid_negative_ts disabled")));
    check((VP9_LONG, &format!("-itsoffset 9.1|{DASH} -avoid_negative_ts disabled")), (OPUS_LONG, DASH));
}

#[test]
fn sound_longer_than_the_picture_and_shorter() {
    check((VP9_LONG, &format!("-t 20|{DASH}")), (OPUS_LONG, DASH));
    check((VP9_LONG, DASH), (OPUS_LONG, &format!("-t 20|{DASH}")));
    // Cues behind the clusters are in the last group, which has no sound.
    check((VP9_LONG, "-f webm -dash 1"), (OPUS_LONG, "-t 20|-f webm -dash 1"));
}

#[test]
fn live_like_clusters() {
    check(
        (VP9_LONG, "-f webm -cluster_size_limit 3000 -write_crc32 1"),
        (OPUS_LONG, "-f webm -cluster_size_limit 900"),
    );
}

#[test]
fn fingerprints() {
    let inputs = Inputs::new(bytes(VP9, DASH), bytes(OPUS, DASH));
    let fingerprint = plan(&inputs).expect("suitable").fingerprint(["a", "b"]);
    assert_eq!(plan(&inputs).expect("suitable").fingerprint(["a", "b"]), fingerprint);
    assert_ne!(plan(&inputs).expect("suitable").fingerprint(["a", "c"]), fingerprint);
    let other = Inputs::new(bytes(VP9, "-f webm"), bytes(OPUS, DASH));
    assert_ne!(plan(&other).expect("suitable").fingerprint(["a", "b"]), fingerprint);
}
