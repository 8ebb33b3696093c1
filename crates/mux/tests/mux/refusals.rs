//! What is refused, and the reason that is given.

use bytes::Bytes;
use sluice_mux::{Hint, Layout, Pair, Plan, Tables, Track, Unsuitable};

use crate::{
    build::{boxed, find, parts, put, set, word},
    drive::{Inputs, probe},
    media::{AAC, H264, INDEXED, INDEXED_SOUND, VP9, bytes},
};

fn refused(file: &[u8]) -> Unsuitable {
    probe(&Bytes::copy_from_slice(file)).map(|(header, _)| header.codec()).expect_err("refused")
}

#[test]
fn other_files() {
    assert_eq!(refused(b""), Unsuitable::NotMp4);
    assert_eq!(refused(&bytes_as(VP9, "webm")), Unsuitable::NotMp4);
    assert_eq!(refused(&bytes(H264, "-movflags +faststart")), Unsuitable::NotFragmented);
    assert_eq!(refused(&bytes(H264, "-f mp4")), Unsuitable::NotFragmented);
}

fn bytes_as(encoding: &str, container: &str) -> Vec<u8> {
    bytes(encoding, &format!("-f {container}"))
}

#[test]
fn encrypted_media() {
    let key = "-encryption_scheme cenc-aes-ctr -encryption_key 00112233445566778899aabbccddeeff \
               -encryption_kid 00112233445566778899aabbccddeeff";
    let plain = bytes(H264, INDEXED);
    let mut encrypted = plain.clone();
    let stsd = find(&plain, b"stsd");
    encrypted[stsd + 12..stsd + 16].copy_from_slice(b"encv");
    assert_eq!(refused(&encrypted), Unsuitable::Encrypted);
    assert_eq!(refused(&bytes(H264, &format!("{key} {INDEXED}"))), Unsuitable::Encrypted);
}

#[test]
fn other_codecs_and_other_counts_of_tracks() {
    let mut file = bytes(H264, INDEXED);
    let stsd = find(&file, b"stsd");
    file[stsd + 12..stsd + 16].copy_from_slice(b"dvh1");
    assert_eq!(refused(&file), Unsuitable::SampleEntry("dvh1".to_owned()));
    let both = "-f lavfi -i testsrc2=size=192x108:duration=2 -f lavfi -i sine=duration=2 -c:v libx264 -c:a aac";
    let both = bytes(both, INDEXED);
    assert_eq!(refused(&both), Unsuitable::Tracks(2));
}

#[test]
fn edits_that_do_more_than_wait_and_cut() {
    let mut file = bytes(H264, INDEXED);
    let elst = find(&file, b"elst");
    put(&mut file, elst + 16, 0x0002_0000);
    assert_eq!(refused(&file), Unsuitable::EditList);
}

#[test]
fn two_of_a_kind() {
    let header = |file: Vec<u8>| probe(&file.into()).expect("suitable").0;
    let (video, audio) = (header(bytes(H264, INDEXED)), header(bytes(AAC, INDEXED_SOUND)));
    assert_eq!(Pair::new(video.clone(), video.clone()).err(), Some(Unsuitable::Kinds));
    assert_eq!(Pair::new(audio, video).err(), Some(Unsuitable::Kinds));
}

/// A fragment with a change, read in the middle of a transfer.
fn scanned(change: impl Fn(&mut Vec<u8>)) -> Unsuitable {
    let parts = parts(&bytes(H264, INDEXED));
    let count = parts.fragments.len();
    let mut media = parts.media(0..count);
    let size = media.len();
    change(&mut media);
    assert_eq!(media.len(), size);
    let file = [parts.head.clone(), parts.sidx(parts.time, 0, &parts.references(0..count)), media].concat();
    Inputs::new(file, bytes(AAC, INDEXED_SOUND)).plan(Layout::Faststart).map(|_| "a plan").expect_err("refused")
}

#[test]
fn fragments_that_contradict_their_index() {
    assert_eq!(scanned(|file| put(file, 0, 4)), Unsuitable::Sizes("a box is smaller than its header"));
    assert_eq!(scanned(|file| put(file, 0, 0x00ff_ffff)), Unsuitable::Sizes("a box ends after its parent"));
    assert_eq!(scanned(|file| set(file, b"tfhd", 4, 7)), Unsuitable::Malformed("tfhd"));
    assert_eq!(scanned(|file| set(file, b"trun", 8, 0x00ff_0000)), Unsuitable::Sizes("samples outside their mdat"));
    assert_eq!(scanned(|file| set(file, b"trun", 4, u32::MAX)), Unsuitable::Malformed("trun"));
    let renamed = |kind: &'static [u8; 4]| {
        scanned(move |file| {
            let place = find(file, kind);
            file[place - 4..place].copy_from_slice(b"free");
        })
    };
    assert_eq!(renamed(b"tfdt"), Unsuitable::NoTime);
    assert_eq!(renamed(b"traf"), Unsuitable::Tracks(0));
}

#[test]
fn samples_that_take_no_room() {
    let emptied = |file: &mut Vec<u8>| {
        let trun = find(file, b"trun");
        let flags = word(file, trun);
        assert!(flags & 0x200 != 0, "each sample tells its size");
        let before = [0x1, 0x4, 0x100].iter().filter(|flag| flags & **flag != 0).count();
        put(file, trun + 8 + 4 * before, 0);
    };
    assert_eq!(scanned(emptied), Unsuitable::Sizes("a sample without bytes"));
}

#[test]
fn samples_that_share_bytes() {
    let parts = parts(&bytes(H264, INDEXED));
    let fragment = &parts.fragments[0];
    let (moof, mdat) = fragment.split_at(word(fragment, 0) as usize);
    let (traf, trun) = (find(moof, b"traf") - 8, find(moof, b"trun") - 8);
    // The last box of the last box, once more: the same samples at the same place.
    let size = word(moof, trun);
    assert!(trun + size as usize == moof.len() && word(moof, trun + 8) & 1 == 1);
    let mut moof = [moof, &moof[trun..]].concat();
    for at in [0, traf] {
        let grown = word(&moof, at) + size;
        put(&mut moof, at, grown);
    }
    for trun in [trun, trun + size as usize] {
        let offset = word(&moof, trun + 16) + size;
        put(&mut moof, trun + 16, offset);
    }
    let file = [&parts.head[..], &moof, mdat].concat();
    let failed = Inputs::new(file, bytes(AAC, INDEXED_SOUND)).plan(Layout::Faststart).map(|_| "a plan").err();
    assert_eq!(failed, Some(Unsuitable::Sizes("samples that share bytes")));
}

#[test]
fn several_track_fragments() {
    let parts = parts(&bytes(H264, INDEXED));
    let fragment = &parts.fragments[0];
    let (moof, mdat) = fragment.split_at(word(fragment, 0) as usize);
    let traf = find(moof, b"traf");
    let copy = boxed(b"traf", &moof[traf..]);
    let moof = boxed(b"moof", &[&moof[8..], &copy].concat());
    assert_eq!(refused(&[&parts.head[..], &moof, mdat].concat()), Unsuitable::Tracks(2));
}

#[test]
fn more_frames_than_were_reserved_for() {
    let parts = parts(&bytes(H264, INDEXED));
    let mut lying = parts.references(0..8);
    // An index that tells a thousandth of the time, so that a thousandth of the frames is expected.
    lying.iter_mut().for_each(|reference| reference.2 /= 1000);
    // The slack is enough for a short clip, so the fragments are repeated.
    let (references, media) = (lying.repeat(40), parts.media(0..8).repeat(40));
    let file = [parts.head.clone(), parts.sidx(0, 0, &references), media].concat();
    let inputs = Inputs::new(file, bytes(AAC, INDEXED_SOUND));
    let (plan, mut tables) = inputs.plan(Layout::Hybrid).expect("suitable, as far as one can see");
    let failed = inputs.read(&plan, &mut tables, 0..plan.len() / 2).err();
    assert!(matches!(failed, Some(Unsuitable::Reserve { .. })), "before the end: {failed:?}");

    // Who knows that there are so many, says so.
    let pair = inputs.pair().expect("suitable");
    let mut tables = inputs.tables(Layout::Hybrid, &pair).expect("suitable");
    let hint = Hint { frames_per_second: Some(30_000) };
    let plan = Plan::new(Layout::Hybrid, &pair, &mut tables, hint).expect("suitable");
    assert!(inputs.read(&plan, &mut tables, 0..plan.len() / 2).is_ok());
    // Repeated fragments repeat their times, which no table can tell.
    assert_eq!(inputs.read(&plan, &mut tables, plan.len() / 2..plan.len()).err(), Some(Unsuitable::Backwards));
}

#[test]
fn tables_are_asked_for() {
    let inputs = Inputs::new(bytes(H264, INDEXED), bytes(AAC, INDEXED_SOUND));
    let pair = inputs.pair().expect("suitable");
    let mut tables = Tables::new(&pair);
    assert_eq!(tables.needs(Layout::Hybrid), [(Track::Video, 0), (Track::Audio, 0)]);
    assert!(tables.needs(Layout::Fragmented).is_empty());
    assert!(tables.needs(Layout::Faststart).len() > 8);
    for layout in [Layout::Hybrid, Layout::Faststart] {
        let missing = Plan::new(layout, &pair, &mut tables, Hint::default());
        assert_eq!(missing.err(), Some(Unsuitable::TablesMissing));
    }
}
