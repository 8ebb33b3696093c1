//! Saved tables of any bytes, for a good pair.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use sluice_mux::{Header, Hint, Layout, Pair, Plan, Probe, Tables};

static PAIR: LazyLock<Pair> = LazyLock::new(|| {
    let seed = include_bytes!("../corpus/pair/small");
    let length = u32::from_be_bytes([seed[0], seed[1], seed[2], seed[3]]) as usize;
    Pair::new(header(&seed[4..4 + length]), header(&seed[4 + length..])).expect("a good pair")
});

fn header(bytes: &[u8]) -> Header {
    let mut probe = Probe::new(bytes.len() as u64).expect("small");
    while let Some(range) = probe.wants() {
        probe.feed(range.start, &bytes[range.start as usize..range.end as usize]).expect("good");
    }
    probe.finish().expect("good")
}

fuzz_target!(|data: &[u8]| {
    let mut tables = Tables::new(&PAIR);
    let _ = tables.restore(data);
    if let Ok(plan) = Plan::new(Layout::Hybrid, &PAIR, &mut tables, Hint::default()) {
        let _ = plan.tail(&tables);
    }
});
