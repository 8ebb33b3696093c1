//! A transfer that stops and goes on elsewhere.

use sluice_mux::{Hint, Layout, Plan, Tables, Track, Unsuitable};

use crate::{
    drive::Inputs,
    media::{AAC, AAC_48, H264, INDEXED, INDEXED_SOUND, bytes},
};

fn inputs() -> Inputs {
    Inputs::new(bytes(H264, INDEXED), bytes(AAC, INDEXED_SOUND))
}

#[test]
fn saved_tables_go_on_where_they_stopped() {
    let inputs = inputs();
    let (plan, mut tables) = inputs.plan(Layout::Hybrid).expect("suitable");
    let whole = inputs.read(&plan, &mut tables, 0..u64::MAX).expect("all of it");
    let fingerprint = plan.fingerprint(["\"a\"", "\"b\""]);

    // The first half, by a worker that is killed then.
    let (plan, mut tables) = inputs.plan(Layout::Hybrid).expect("suitable");
    let half = plan.len() / 2;
    let first = inputs.read(&plan, &mut tables, 0..half).expect("a half");
    let mut saved = Vec::new();
    Track::BOTH.iter().for_each(|track| tables.save(*track, 0..usize::MAX, &mut saved));
    drop((plan, tables));

    let pair = inputs.pair().expect("suitable");
    let mut tables = Tables::new(&pair);
    tables.restore(&saved).expect("what was saved");
    assert!(tables.needs(Layout::Hybrid).is_empty(), "nothing has to be read again to plan");
    let plan = Plan::new(Layout::Hybrid, &pair, &mut tables, Hint::default()).expect("the same plan");
    assert_eq!(plan.fingerprint(["\"a\"", "\"b\""]), fingerprint);
    assert_ne!(plan.fingerprint(["\"a\"", "\"c\""]), fingerprint);
    let second = inputs.read(&plan, &mut tables, half..u64::MAX).expect("the other half");
    assert!([first, second].concat() == whole);
    let samples: usize = 8 * 25 + 8 * 44;
    assert!(saved.len() < samples * 8, "{} bytes for {samples} samples", saved.len());
}

#[test]
fn what_passes_in_order_is_known_at_the_end() {
    let inputs = inputs();
    let (plan, _) = inputs.plan(Layout::Hybrid).expect("suitable");
    let mut log = Vec::new();
    let mut seen = Tables::new(plan.pair());
    for track in Track::BOTH {
        // As a stream of pieces that are cut anywhere.
        let bytes = inputs.get(track);
        for (number, part) in bytes.chunks(777).enumerate() {
            let known = seen.pass(track, number as u64 * 777, part).expect("a good stream");
            seen.save(track, known, &mut log);
        }
        assert_eq!(seen.missing(track).count(), 0, "{track:?}");
    }
    let mut restored = Tables::new(plan.pair());
    restored.restore(&log).expect("the log");
    assert_eq!(restored.get(Track::Audio, 2), seen.get(Track::Audio, 2));
    assert_eq!(plan.tail(&restored), plan.tail(&seen));
}

#[test]
fn saved_tables_of_another_input_are_refused() {
    let (_, tables) = inputs().plan(Layout::Faststart).expect("suitable");
    let mut saved = Vec::new();
    tables.save(Track::Audio, 0..100, &mut saved);
    let other = Inputs::new(bytes(H264, INDEXED), bytes(AAC_48, INDEXED_SOUND));
    let mut tables = Tables::new(&other.pair().expect("suitable"));
    assert_eq!(tables.restore(&saved), Err(Unsuitable::Saved));
}

#[test]
fn a_log_that_was_cut_is_taken_up_to_a_whole_record_only() {
    let inputs = inputs();
    let (_, tables) = inputs.plan(Layout::Faststart).expect("suitable");
    let mut saved = Vec::new();
    let mut ends = vec![0];
    for index in 0..4 {
        tables.save(Track::Audio, index..index + 1, &mut saved);
        ends.push(saved.len());
    }
    for cut in 0..=saved.len() {
        let mut tables = Tables::new(&inputs.pair().expect("suitable"));
        assert_eq!(tables.restore(&saved[..cut]).is_ok(), ends.contains(&cut), "{cut}");
    }
}
