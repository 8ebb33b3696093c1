//! Any text as an info JSON: it is read or refused, and whatever is read can be planned.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sluice_domain::{ByteSize, Limits, Preset, plan::plan};
use sluice_source::Extraction;

fuzz_target!(|text: &str| {
    let Ok(extraction) = Extraction::from_json(text.into()) else { return };
    for preset in Preset::ALL {
        for free in [None, Some(ByteSize(1 << 20))] {
            if let Ok(plan) = plan(&extraction.info, preset, &Limits::default(), free) {
                assert!(!plan.formats.is_empty(), "a plan of nothing");
                let name = plan.file_name.as_str();
                assert!(
                    !name.is_empty() && name.encode_utf16().count() <= 255 && !name.contains(['/', '\0', '\n']),
                    "{name:?}"
                );
            }
        }
    }
});
