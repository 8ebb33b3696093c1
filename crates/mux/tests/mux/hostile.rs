//! Bytes that nobody means well with.

use bytes::Bytes;
use proptest::prelude::*;
use sluice_mux::{Layout, Pair, Probe, Unsuitable, limits};

use crate::{
    build::boxes,
    drive::{Dice, Inputs, probe},
    layouts::LAYOUTS,
    media::{AAC, H264, INDEXED, INDEXED_SOUND, bytes},
};

const WALKED: &str = "-movflags +frag_keyframe+default_base_moof+delay_moov+skip_sidx";

/// Numbers that parsers trip over.
const AWKWARD: [u32; 12] =
    [0, 1, 2, 7, 8, 15, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 0xffff_fff0, 0x0100_0000, 0x00ff_ffff];

fn mutate(file: &mut Vec<u8>, heads: &[usize], dice: &mut Dice) {
    let place = |dice: &mut Dice| {
        let head = heads[usize::try_from(dice.roll(heads.len() as u64)).expect("small")];
        usize::try_from(dice.roll(head as u64)).expect("small")
    };
    for _ in 0..=dice.roll(4) {
        let at = place(dice).min(file.len().saturating_sub(8));
        match dice.roll(6) {
            0 => file[at] ^= 1 << dice.roll(8),
            1 => file[at] = u8::try_from(dice.roll(256)).expect("a byte"),
            2 | 3 => {
                let value = AWKWARD[usize::try_from(dice.roll(12)).expect("small")];
                file[at..at + 4].copy_from_slice(&value.to_be_bytes());
            }
            4 => {
                let to = place(dice).min(file.len() - 8);
                file.copy_within(at..at + 8, to);
            }
            _ if dice.roll(8) == 0 => file.truncate(at.max(16)),
            _ => file[at..at + 8].fill(0),
        }
    }
}

/// Everything that may be done with an input that nobody checked.
fn work(inputs: &Inputs) -> Result<(), Unsuitable> {
    for layout in LAYOUTS {
        let (plan, mut tables) = inputs.plan(layout)?;
        let len = plan.len();
        for range in [0..2000, len / 2..len / 2 + 3000, len.saturating_sub(3000)..len] {
            inputs.read(&plan, &mut tables, range)?;
        }
    }
    Ok(())
}

#[test]
fn mutated_inputs_never_break_anything() {
    let good = [bytes(H264, INDEXED), bytes(H264, WALKED)];
    let sound = bytes(AAC, INDEXED_SOUND);
    // Most of the damage goes where it is looked at: up to the first mdat.
    let heads: Vec<_> = good
        .iter()
        .map(|file| boxes(file).iter().find(|found| found.kind == "mdat").map_or(file.len(), |mdat| mdat.start + 16))
        .collect();
    let mut dice = Dice(7);
    let mut suitable = 0;
    for round in 0..20_000 {
        let mut file = good[round % 2].clone();
        mutate(&mut file, &[heads[round % 2], heads[round % 2], good[round % 2].len()], &mut dice);
        if round % 16 == 0 {
            suitable += usize::from(work(&Inputs::new(file, sound.clone())).is_ok());
        } else {
            suitable += usize::from(probe(&file.into()).is_ok());
        }
    }
    assert!(peak_memory_kib() < 512 << 10, "{} KiB", peak_memory_kib());
    assert!(suitable > 500, "{suitable}: the damage must not all be found at the first byte");
}

/// The most memory that this process, with all its tests, ever had.
fn peak_memory_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

#[test]
fn cut_inputs_want_more_or_are_refused() {
    let file = bytes(H264, INDEXED);
    let total = file.len() as u64;
    for cut in (0..4000).chain((4000..file.len()).step_by(997)) {
        let mut probe = Probe::new(total).expect("small");
        probe.feed(0, &file[..cut]).expect("good so far");
        // Whoever feeds the rest, in whatever steps, ends where everybody does.
        while let Some(range) = probe.wants() {
            assert!(range.start < range.end && range.end <= total, "{cut}: {range:?}");
            let end = range.end.min(range.start + 4096);
            probe
                .feed(
                    range.start,
                    &file[usize::try_from(range.start).expect("small")..usize::try_from(end).expect("small")],
                )
                .expect("good");
        }
        assert!(probe.finish().is_some_and(|header| header.fragments().len() >= 8));
        // A file that really ends there is refused, unless its end is between two fragments.
        let short = self::probe(&Bytes::copy_from_slice(&file[..cut]));
        if let Ok((header, _)) = short {
            assert!(header.fragments().iter().all(|fragment| fragment.end <= cut as u64), "{cut}");
        }
    }
}

#[test]
fn nothing_is_kept_beyond_what_was_asked_for() {
    let huge = [boxed_size(u64::MAX), boxed_size(limits::MAX_INPUT), boxed_size(15), boxed_size(0)];
    for moov in huge {
        let file = [b"\0\0\0\x10ftypisom\0\0\0\0".to_vec(), moov].concat();
        assert!(probe(&file.into()).is_err());
    }
    assert_eq!(Probe::new(limits::MAX_INPUT + 1).err(), Some(Unsuitable::OverCap("input")));
    // Ten thousand boxes inside each other are one box to us.
    let nested = (0..10_000).fold(Vec::new(), |inner: Vec<u8>, _| crate::build::boxed(b"trak", &inner));
    let file = [b"\0\0\0\x10ftypisom\0\0\0\0".to_vec(), crate::build::boxed(b"moov", &nested)].concat();
    assert_eq!(probe(&file.into()).err(), Some(Unsuitable::NotFragmented));
}

fn boxed_size(size: u64) -> Vec<u8> {
    [&1_u32.to_be_bytes()[..], b"moov", &size.to_be_bytes(), &[0; 64]].concat()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn noise_is_refused(noise in prop::collection::vec(any::<u8>(), 0..4096), total in 0_u64..1 << 43) {
        if let Ok(mut probe) = Probe::new(total.max(noise.len() as u64)) {
            let _ = probe.feed(0, &noise);
            prop_assert!(probe.finish().is_none());
        }
    }

    #[test]
    fn noise_after_a_good_header_is_refused(noise in prop::collection::vec(any::<u8>(), 0..4096)) {
        let good = bytes(H264, WALKED);
        let head = boxes(&good).iter().find(|found| found.kind == "moof").map_or(0, |moof| moof.start);
        let file = Bytes::from([&good[..head], &noise].concat());
        prop_assert!(probe(&file).is_err());
    }

    #[test]
    fn any_two_ranges_are_one(cuts in prop::array::uniform3(0.0..1.0_f64), number in 0..3_usize) {
        let inputs = Inputs::new(bytes(H264, INDEXED), bytes(AAC, INDEXED_SOUND));
        let (plan, mut tables) = inputs.plan(LAYOUTS[number]).expect("suitable");
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "a share of a small length")]
        let mut cuts = cuts.map(|share| (share * plan.len() as f64) as u64);
        cuts.sort_unstable();
        let [a, b, c] = cuts;
        let right = inputs.read(&plan, &mut tables, b..c).expect("a range");
        let left = inputs.read(&plan, &mut tables, a..b).expect("a range");
        prop_assert!([left, right].concat() == inputs.read(&plan, &mut tables, a..c).expect("a range"));
    }
}

#[test]
fn a_source_that_changed_on_the_way_is_found_out() {
    let inputs = Inputs::new(bytes(H264, INDEXED), bytes(AAC, INDEXED_SOUND));
    let pair = inputs.pair().expect("suitable");
    let other = bytes(H264, WALKED);
    let (plan, mut tables) = inputs.plan(Layout::Hybrid).expect("suitable");
    let changed = Inputs::new(
        other.into_iter().chain(inputs.video.iter().copied()).take(inputs.video.len()).collect(),
        inputs.audio.to_vec(),
    );
    assert!(changed.read(&plan, &mut tables, 0..plan.len()).is_err());
    assert!(
        Pair::new(pair.header(sluice_mux::Track::Video).clone(), pair.header(sluice_mux::Track::Audio).clone()).is_ok()
    );
}
