//! Bytes that nobody means well with.

use bytes::Bytes;
use proptest::prelude::*;
use sluice_mux::{Unsuitable, limits, webm::Probe};

use super::{
    drive::{plan, probe, read},
    pairs::DASH,
    take::{CLUSTER, elements, top},
};
use crate::{
    drive::{Dice, Inputs},
    media::{OPUS, VP9, bytes},
};

/// Places of a file that are looked at: headers of elements, and what blocks begin with.
fn places(file: &[u8]) -> Vec<usize> {
    let mut places = Vec::new();
    for element in top(file) {
        places.extend(element.start..element.body);
        if element.id != CLUSTER {
            places.extend(element.body..element.end.min(element.body + 400));
            continue;
        }
        for child in elements(file, element.body, element.end) {
            places.extend(child.start..(child.body + 4).min(child.end));
        }
    }
    places
}

/// Bytes that EBML parsers trip over.
const AWKWARD: [u8; 16] = [0, 1, 2, 0x10, 0x1f, 0x40, 0x80, 0x81, 0xff, 0xa0, 0xa1, 0xa3, 0xae, 0xe7, 0xec, 0x7f];

fn mutate(file: &mut Vec<u8>, places: &[usize], dice: &mut Dice) {
    let roll = |dice: &mut Dice, below: usize| usize::try_from(dice.roll(below as u64)).expect("small");
    for _ in 0..=dice.roll(3) {
        let at = places[roll(dice, places.len())].min(file.len() - 8);
        match dice.roll(7) {
            0 => file[at] ^= 1 << dice.roll(8),
            1 => file[at] = u8::try_from(dice.roll(256)).expect("a byte"),
            2 | 3 => file[at] = AWKWARD[roll(dice, AWKWARD.len())],
            4 => {
                let to = places[roll(dice, places.len())].min(file.len() - 8);
                file.copy_within(at..at + 8, to);
            }
            5 if dice.roll(8) == 0 => file.truncate(at.max(16)),
            _ => file[at..at + 1 + roll(dice, 8)].fill(if dice.roll(2) == 0 { 0 } else { 0xff }),
        }
    }
}

/// Whatever comes out of a plan has the length that was promised, or is an error.
fn work(inputs: &Inputs) -> Result<(), Unsuitable> {
    let plan = plan(inputs)?;
    let len = plan.len();
    for range in [0..len, len / 2..len / 2 + 3000, len.saturating_sub(3000)..len] {
        read(inputs, &plan, range, 4096)?;
    }
    Ok(())
}

#[test]
fn mutated_inputs_never_break_anything() {
    let small = |encoding: &str, muxing: &str| bytes(encoding, &format!("-t 3|{muxing}"));
    let good = [
        (small(VP9, DASH), small(OPUS, DASH)),
        (small(VP9, "-f webm -cluster_size_limit 3000"), small(OPUS, "-f webm -cluster_size_limit 900")),
    ];
    let places = good.clone().map(|(video, audio)| (places(&video), places(&audio)));
    let mut dice = Dice(7);
    let (mut suitable, mut planned) = (0, 0);
    for round in 0..20_000_usize {
        let (mut video, mut audio) = good[round % 2].clone();
        let (of_video, of_audio) = &places[round % 2];
        if round % 3 == 0 {
            mutate(&mut audio, of_audio, &mut dice);
        } else {
            mutate(&mut video, of_video, &mut dice);
        }
        let inputs = Inputs::new(video, audio);
        if plan(&inputs).is_ok() {
            planned += 1;
            suitable += usize::from(work(&inputs).is_ok());
        }
    }
    assert!(
        planned > 4000 && suitable > 500,
        "{planned}, {suitable}: the damage must not all be found at the first byte"
    );
}

#[test]
fn cut_headers_want_more() {
    let file = bytes(VP9, DASH);
    let total = file.len() as u64;
    for cut in (0..2000).chain((2000..file.len()).step_by(1997)) {
        let mut probe = Probe::new(total).expect("small");
        probe.feed(0, &file[..cut]).expect("good so far");
        while let Some(range) = probe.wants() {
            assert!(range.start < range.end && range.end <= total, "{cut}: {range:?}");
            let end = range.end.min(range.start + 100);
            let [start, end] = [range.start, end].map(|place| usize::try_from(place).expect("small"));
            probe.feed(range.start, &file[start..end]).expect("good");
        }
        assert!(probe.finish().is_some_and(|header| header.clusters().len() == 4));
    }
}

#[test]
fn nothing_is_kept_beyond_what_was_asked_for() {
    assert_eq!(Probe::new(limits::MAX_INPUT + 1).err(), Some(Unsuitable::OverCap("input")));
    let file = bytes(VP9, DASH);
    let segment = elements(&file, 0, file.len()).pop().expect("a segment");
    for id in [0x1549_a966_u32, 0x1654_ae6b, 0x114d_9b74] {
        let huge = [&id.to_be_bytes()[..], &[0x08, 0x10, 0, 0, 0]].concat();
        let mut probe = Probe::new(1 << 41).expect("allowed");
        let mut head = file[..segment.body].to_vec();
        head[segment.body - 8..].copy_from_slice(&((1_u64 << 56) | ((1 << 41) - segment.body as u64)).to_be_bytes());
        head.extend(huge);
        let fed = probe.feed(0, &head);
        assert_eq!(fed.err(), Some(Unsuitable::OverCap("an element before the media")), "{id:x}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn noise_is_refused(noise in prop::collection::vec(any::<u8>(), 1..4096)) {
        prop_assert!(probe(&Bytes::from(noise)).is_err());
    }

    #[test]
    fn noise_after_a_good_start_is_refused(noise in prop::collection::vec(any::<u8>(), 512..4096), cut in 0..200_usize) {
        let good = bytes(VP9, DASH);
        let mut file = good.clone();
        let end = (cut + noise.len()).min(file.len());
        file[cut..end].copy_from_slice(&noise[..end - cut]);
        prop_assert!(probe(&file.into()).is_err());
    }

    #[test]
    fn any_two_ranges_are_one(cuts in prop::array::uniform3(0.0..1.0_f64)) {
        let inputs = Inputs::new(bytes(VP9, DASH), bytes(OPUS, DASH));
        let plan = plan(&inputs).expect("suitable");
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "a share of a small length")]
        let mut cuts = cuts.map(|share| (share * plan.len() as f64) as u64);
        cuts.sort_unstable();
        let [a, b, c] = cuts;
        let read = |range| read(&inputs, &plan, range, 65_536).expect("a range");
        prop_assert!([read(a..b), read(b..c)].concat() == read(a..c));
    }
}
