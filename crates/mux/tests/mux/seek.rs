//! Going to the middle of an output.

use sluice_mux::{Layout, Track};

use crate::{
    build::{boxes, word},
    drive::Inputs,
    ffmpeg::run,
    layouts::LAYOUTS,
    media::{AAC, H264, INDEXED, INDEXED_SOUND, bytes, clip, store},
};

fn output(layout: Layout) -> Vec<u8> {
    let inputs = Inputs::new(bytes(H264, INDEXED), bytes(AAC, INDEXED_SOUND));
    let (plan, mut tables) = inputs.plan(layout).expect("suitable");
    inputs.read(&plan, &mut tables, 0..u64::MAX).expect("all of it")
}

#[test]
fn the_same_pictures_are_found_from_any_second() {
    let pictures = |path: &std::path::Path, second: u32| {
        let words = format!("-nostdin -v error -ss {second} -i @ -map 0:v -frames:v 3 -f framemd5 -");
        let table = run("ffmpeg", &words, &[path]);
        let hash = |line: &str| line.rsplit(' ').next().unwrap_or_default().to_owned();
        table.lines().filter(|line| !line.starts_with('#')).map(hash).collect::<Vec<_>>()
    };
    let source = clip(H264, INDEXED);
    for layout in LAYOUTS {
        let path = store(&output(layout));
        for second in [1, 4, 7] {
            let found = pictures(&path, second);
            assert_eq!(found.len(), 3, "{layout:?} {second}");
            assert_eq!(found, pictures(&source, second), "{layout:?} {second}");
        }
    }
}

#[test]
fn both_indexes_name_the_fragments_of_their_track_up_to_the_end() {
    let file = output(Layout::Fragmented);
    let all = boxes(&file);
    let end = all.iter().find(|found| found.kind == "mfra").expect("an mfra").start;
    assert_eq!(all.iter().map(|found| found.size).sum::<usize>(), file.len());
    let indexes: Vec<_> = all.iter().filter(|found| found.kind == "sidx").collect();
    for (track, index) in Track::BOTH.into_iter().zip(&indexes) {
        let body = index.start + 8;
        let id = word(&file, body + 4);
        assert_eq!(id, if track == Track::Video { 1 } else { 2 });
        // Version 1: after id and clock, times and offsets of 64 bits, then the count.
        let mut at = index.start + index.size + word(&file, body + 24) as usize;
        let count = word(&file, body + 28) & 0xffff;
        assert!(count > 3);
        for number in 0..count as usize {
            let moof = all.iter().find(|found| found.start == at).expect("a box begins there");
            assert_eq!(moof.kind, "moof");
            // mfhd takes 16 bytes, then traf's header, then tfhd with version and flags.
            assert_eq!(word(&file, moof.start + 8 + 16 + 8 + 12), id, "{number}");
            at += word(&file, body + 32 + number * 12) as usize;
        }
        assert_eq!(at, end);
    }
    let sequence: Vec<_> =
        all.iter().filter(|found| found.kind == "moof").map(|moof| word(&file, moof.start + 20)).collect();
    assert!(sequence.is_sorted_by(|a, b| a < b), "{sequence:?}");
}
