//! What is refused, and the reason that is given.

use bytes::Bytes;
use sluice_mux::{Unsuitable, webm::Plan};

use super::{
    drive::{plan, probe, read},
    pairs::DASH,
    take::{CLUSTER, CUES, elements, find, replace, top},
};
use crate::{
    drive::Inputs,
    media::{AAC, H264, INDEXED, OPUS, VP9, bytes},
};

fn refused(file: impl Into<Bytes>) -> Unsuitable {
    probe(&file.into()).map(|(header, _)| header.codec()).expect_err("refused")
}

fn good() -> Vec<u8> {
    bytes(VP9, DASH)
}

#[test]
fn other_files() {
    assert_eq!(refused(Bytes::new()), Unsuitable::NotWebm);
    assert_eq!(refused(bytes(H264, INDEXED)), Unsuitable::NotWebm);
    assert_eq!(refused(bytes(H264, "-f matroska")), Unsuitable::NotWebm);
    let both = "-f lavfi -i testsrc2=size=64x64:duration=2 -f lavfi -i sine=duration=2 -c:v libvpx-vp9 -deadline realtime -cpu-used 8 -c:a libopus";
    assert_eq!(refused(bytes(both, "-f webm -cues_to_front 1")), Unsuitable::Tracks(2));
    assert_eq!(refused(replace(&good(), b"V_VP9", b"V_XYZ")), Unsuitable::SampleEntry("V_XYZ".to_owned()));
    assert_eq!(refused(bytes(VP9, "-f webm -live 1")), Unsuitable::Sizes("an element without end"));
}

#[test]
fn two_of_a_kind() {
    let header = |file: Vec<u8>| probe(&file.into()).expect("suitable").0;
    let (video, audio) = (header(good()), header(bytes(OPUS, DASH)));
    assert_eq!(Plan::new(&video, &video).err(), Some(Unsuitable::Kinds));
    assert_eq!(Plan::new(&audio, &video).err(), Some(Unsuitable::Kinds));
    assert!(bytes(AAC, INDEXED).len() > 8 && Plan::new(&video, &audio).is_ok());
}

#[test]
fn encrypted_media() {
    // FlagLacing becomes an empty ContentEncodings with a Void behind it.
    assert_eq!(refused(replace(&good(), &[0x9c, 0x81, 0x00], &[0x6d, 0x80, 0x80])), Unsuitable::Encrypted);
}

#[test]
fn other_clocks() {
    let scale = [0x2a, 0xd7, 0xb1, 0x83, 0x0f, 0x42, 0x40];
    assert_eq!(refused(replace(&good(), &scale, &[0x2a, 0xd7, 0xb1, 0x83, 0x0f, 0x42, 0x41])), Unsuitable::Clock);
}

#[test]
fn files_without_cues() {
    let file = good();
    let cues = top(&file).into_iter().find(|found| found.id == CUES).expect("cues");
    let mut other = file.clone();
    // Another element of the first level, here and where the SeekHead tells of it.
    other[cues.start + 3] ^= 0x10;
    assert_eq!(refused(other.clone()), Unsuitable::NoCues);
    let (seek, _) = find(&other, &0x1c53_bb6b_u32.to_be_bytes());
    other[seek + 3] ^= 0x10;
    assert_eq!(refused(other), Unsuitable::NoCues);
}

#[test]
fn cues_for_too_little() {
    let rare = "-f lavfi -i testsrc2=size=64x64:rate=2:duration=47 -c:v libvpx-vp9 -deadline realtime -cpu-used 8 -g 200 -keyint_min 200";
    assert_eq!(refused(bytes(rare, "-f webm -cues_to_front 1")), Unsuitable::OverCap("time between cues"));
    let file = good();
    let cues = top(&file).into_iter().find(|found| found.id == CUES).expect("cues");
    let first = elements(&file, cues.body, cues.end)[0];
    let mut without = file.clone();
    without[first.start] = 0xec;
    assert_eq!(refused(without), Unsuitable::Sizes("the first cue is not at the first cluster"));
}

#[test]
fn files_that_end_elsewhere() {
    let file = good();
    let end = Unsuitable::Sizes("an element ends after its parent");
    assert_eq!(refused(file[..file.len() - 1].to_vec()), end);
    let more = [&file[..], &file].concat();
    assert_eq!(refused(more), Unsuitable::Sizes("a segment that is not the file"));
}

/// What a transfer says of a picture or of a sound with a change in its media.
fn transferred(picture: bool, change: impl Fn(&mut Vec<u8>, usize)) -> Unsuitable {
    let mut files = [good(), bytes(OPUS, DASH)];
    let file = &mut files[usize::from(!picture)];
    let clusters: Vec<_> = top(file).into_iter().filter(|found| found.id == CLUSTER).collect();
    let size = file.len();
    change(file, clusters[1].start);
    assert_eq!(file.len(), size);
    let [video, audio] = files;
    let inputs = Inputs::new(video, audio);
    let plan = plan(&inputs).expect("suitable, as far as one can see");
    read(&inputs, &plan, 0..plan.len(), 4096).map(|_| "all of it").expect_err("found out")
}

#[test]
fn media_that_is_not_what_the_cues_told() {
    for picture in [true, false] {
        let elsewhere = transferred(picture, |file, at| file[at + 3] ^= 1);
        let first = Unsuitable::Sizes("a cue is not at a cluster");
        assert_eq!(elsewhere, first);
        let endless = transferred(picture, |file, at| {
            let width = file[at + 4].leading_zeros() as usize;
            file[at + 4] = 0xff >> width;
            file[at + 5..=at + 4 + width].fill(0xff);
        });
        assert_eq!(endless, Unsuitable::Sizes("an element without end"));
        let larger = transferred(picture, |file, at| {
            let width = file[at + 4].leading_zeros() as usize;
            file[at + 4 + width] = file[at + 4 + width].wrapping_add(1);
            file[at + 5 + width..].fill(0xff);
        });
        assert!(matches!(larger, Unsuitable::Sizes(_) | Unsuitable::Malformed(_)), "{larger:?}");
        let timeless = transferred(picture, |file, at| {
            let width = file[at + 4].leading_zeros() as usize + 1;
            assert_eq!(file[at + 4 + width], 0xe7);
            file[at + 4 + width] = 0xec;
        });
        assert_eq!(timeless, Unsuitable::NoTime);
        let another = transferred(picture, |file, at| {
            let block = file[at..].iter().position(|byte| *byte == 0xa3).expect("a block") + at;
            let width = file[block + 1].leading_zeros() as usize + 1;
            file[block + 1 + width] = 0x83;
        });
        assert_eq!(another, Unsuitable::Sizes("a block of another track"));
    }
}
