//! Every way in which fragments can be found.

use bytes::Bytes;
use sluice_mux::Fragment;

use crate::{
    build::{Parts, boxed, boxes, parts},
    drive::{Inputs, probe},
    layouts::{check, check_as},
    media::{AAC, H264, INDEXED, INDEXED_SOUND, bytes},
};

fn video() -> Parts {
    let parts = parts(&bytes(H264, INDEXED));
    assert!(parts.fragments.len() >= 8, "{}", parts.fragments.len());
    parts
}

fn fragments(file: &[u8]) -> (Vec<Fragment>, usize) {
    let (header, requests) = probe(&Bytes::copy_from_slice(file)).expect("a suitable file");
    (header.fragments().to_vec(), requests)
}

fn is_whole(file: Vec<u8>) {
    check(&Inputs::new(file, bytes(AAC, INDEXED_SOUND)));
}

/// ffmpeg reads no index of indexes.
fn is_whole_for_us(file: Vec<u8>) {
    let audio = bytes(AAC, INDEXED_SOUND);
    check_as(&Inputs::new(file, audio.clone()), &Inputs::new(bytes(H264, INDEXED), audio));
}

#[test]
fn one_index_takes_one_request() {
    let file = bytes(H264, INDEXED);
    let (found, requests) = fragments(&file);
    assert_eq!((found.len(), requests), (parts(&file).fragments.len(), 2), "and one to see that only an mfra follows");
    let end = usize::try_from(found.last().expect("one").end).expect("small");
    assert_eq!(fragments(&file[..end]), (found, 1));
}

#[test]
fn several_moofs_in_a_reference() {
    let parts = video();
    let count = parts.fragments.len();
    let references: Vec<_> = (0..count)
        .step_by(3)
        .map(|first| {
            let all = parts.references(first..count.min(first + 3));
            all.iter().fold((false, 0, 0), |sum, one| (false, sum.1 + one.1, sum.2 + one.2))
        })
        .collect();
    let file = [parts.head.clone(), parts.sidx(parts.time, 0, &references), parts.media(0..count)].concat();
    assert_eq!(fragments(&file).0.len(), references.len());
    is_whole(file);
}

#[test]
fn an_index_of_indexes() {
    let parts = video();
    let count = parts.fragments.len();
    let groups: Vec<_> = (0..count).step_by(4).map(|first| first..count.min(first + 4)).collect();
    let nested: Vec<_> = groups
        .iter()
        .map(|group| {
            let sidx = parts.sidx(parts.time_of(group.start), 0, &parts.references(group.clone()));
            [sidx, parts.media(group.clone())].concat()
        })
        .collect();
    let references: Vec<_> = groups
        .iter()
        .zip(&nested)
        .map(|(group, nested)| (true, nested.len(), parts.durations[group.clone()].iter().sum()))
        .collect();
    let file = [parts.head.clone(), parts.sidx(parts.time, 0, &references), nested.concat()].concat();
    let (found, _) = fragments(&file);
    assert_eq!(found.len(), count, "found by the indexes, not by a walk that would put them into fragments");
    assert!(found.windows(2).any(|pair| pair[0].end < pair[1].start), "the indexes between them are left out");
    is_whole_for_us(file);
}

#[test]
fn indexes_in_front_of_all_media() {
    let parts = video();
    let count = parts.fragments.len();
    let groups = [0..3, 3..count];
    let sizes: Vec<_> = groups.iter().map(|group| parts.sidx(0, 0, &parts.references(group.clone())).len()).collect();
    let media: usize = parts.fragments[..3].iter().map(Vec::len).sum();
    let offsets = [u32::try_from(sizes[1]).expect("small"), u32::try_from(media).expect("small")];
    let nested = [0, 1].map(|number| {
        let group = groups[number].clone();
        parts.sidx(parts.time_of(group.start), offsets[number], &parts.references(group))
    });
    let references: Vec<_> = nested.iter().map(|nested| (true, nested.len(), 1)).collect();
    let root = parts.sidx(parts.time, 0, &references);
    let file = [parts.head.clone(), root, nested.concat(), parts.media(0..count)].concat();
    assert_eq!(fragments(&file), (fragments(&file).0, 1));
    assert_eq!(fragments(&file).0.len(), count);
    is_whole_for_us(file);
}

#[test]
fn a_chain_of_indexes() {
    let parts = video();
    let count = parts.fragments.len();
    // From the last link to the first: each ends in a reference to the next.
    let mut rest = Vec::new();
    for first in (0..count).step_by(2).rev() {
        let group = first..count.min(first + 2);
        let mut references = parts.references(group.clone());
        if !rest.is_empty() {
            references.push((true, rest.len(), parts.durations[group.end..].iter().sum()));
        }
        rest = [parts.sidx(parts.time_of(first), 0, &references), parts.media(group), rest].concat();
    }
    let file = [parts.head.clone(), rest].concat();
    assert_eq!(fragments(&file).0.len(), count);
    is_whole_for_us(file);
}

#[test]
fn an_index_for_each_fragment_is_walked() {
    let file = bytes(H264, "-movflags +frag_keyframe+default_base_moof+delay_moov+dash");
    assert!(boxes(&file).iter().filter(|found| found.kind == "sidx").count() > 3);
    assert_eq!(fragments(&file).0.len(), boxes(&file).iter().filter(|found| found.kind == "moof").count());
    is_whole(file);
}

#[test]
fn no_index_is_walked_in_few_requests() {
    let file = bytes(H264, "-movflags +frag_keyframe+default_base_moof+delay_moov+skip_sidx+skip_trailer");
    let (found, requests) = fragments(&file);
    assert!(requests <= found.len() + 2, "{requests} requests for {} fragments", found.len());
    let mut probe = sluice_mux::Probe::new(file.len() as u64).expect("small");
    probe.feed(0, &file[..10_000]).expect("good");
    assert!(probe.is_walking());
    is_whole(file);
}

#[test]
fn an_index_that_lies_is_walked() {
    let parts = video();
    let count = parts.fragments.len();
    let whole = fragments(&bytes(H264, INDEXED)).0.len();
    let check = |references: &[(bool, usize, u32)], first_offset: u32| {
        let sidx = parts.sidx(parts.time, first_offset, references);
        let file = [parts.head.clone(), sidx, parts.media(0..count)].concat();
        assert_eq!(fragments(&file).0.len(), whole, "{references:?}");
    };
    let good = parts.references(0..count);
    check(&good[..3], 0);
    check(&good, 1000);
    check(&[&good[..], &good[..]].concat(), 0);
    check(&[(false, 0, 5)], 0);
    check(&[(true, 4000, 5)], 0);
    check(&[(false, 0x7fff_ffff, 5); 400], 0);
    check(&[(false, 100, u32::MAX); 400], 0);
}

#[test]
fn other_boxes_between_fragments() {
    let parts = video();
    let emsg = boxed(b"emsg", &[0; 40]);
    let prft = boxed(b"prft", &[0; 24]);
    let styp = boxed(b"styp", b"msdh\0\0\0\0msdh");
    let fragments: Vec<_> = parts.fragments.iter().map(|one| [&styp[..], &prft, &emsg, one].concat()).collect();
    let walked = [parts.head.clone(), fragments.concat()].concat();
    is_whole(walked);
    let references: Vec<_> =
        fragments.iter().zip(&parts.durations).map(|(one, duration)| (false, one.len(), *duration)).collect();
    is_whole([parts.head.clone(), parts.sidx(parts.time, 0, &references), fragments.concat()].concat());
}

#[test]
fn media_up_to_the_end_of_the_file() {
    let parts = video();
    let count = parts.fragments.len();
    let mut media = parts.media(0..count);
    let last = boxes(&media).last().expect("an mdat").start;
    media[last..last + 4].fill(0);
    is_whole([parts.head.clone(), media.clone()].concat());
    is_whole([parts.head.clone(), parts.sidx(parts.time, 0, &parts.references(0..count)), media].concat());
}

#[test]
fn wide_boxes() {
    let parts = video();
    // Eight bytes more in every mdat header; the offsets of samples grow with it.
    let wide: Vec<_> = parts.fragments.iter().map(|fragment| widened(fragment)).collect();
    is_whole([parts.head.clone(), wide.concat()].concat());
}

fn widened(fragment: &[u8]) -> Vec<u8> {
    let all = boxes(fragment);
    let (moof, mdat) = fragment.split_at(all[1].start);
    let mut moof = moof.to_vec();
    let trun = crate::build::find(&moof, b"trun");
    let offset = crate::build::word(&moof, trun + 8);
    crate::build::put(&mut moof, trun + 8, offset + 8);
    let size = (mdat.len() as u64 + 8).to_be_bytes();
    [&moof[..], &1_u32.to_be_bytes(), b"mdat", &size, &mdat[8..]].concat()
}
