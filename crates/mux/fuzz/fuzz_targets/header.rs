//! One file of any bytes: its header, and every fragment that it claims to have.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sluice_mux::{Probe, Scan};

fuzz_target!(|data: &[u8]| {
    let Ok(mut probe) = Probe::new(data.len() as u64) else { return };
    let mut requests = 0;
    while let Some(range) = probe.wants() {
        requests += 1;
        assert!(requests <= data.len() + 2, "a header without end");
        if probe.feed(range.start, &data[range.start as usize..range.end as usize]).is_err() {
            return;
        }
    }
    let header = probe.finish().expect("nothing is wanted any more");
    for index in 0..header.fragments().len() {
        let mut scan = Scan::new(&header, index).expect("a fragment");
        // All at once, as a stream passes.
        let range = header.fragments()[index];
        if scan.feed(range.start, &data[range.start as usize..range.end as usize]).is_ok() {
            assert!(scan.finish().is_some());
        }
    }
});
