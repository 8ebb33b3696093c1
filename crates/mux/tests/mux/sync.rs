//! What people hear and see: sound and picture together, without the encoder's priming.

use sluice_mux::Layout;

use crate::{
    drive::Inputs,
    ffmpeg::{decoded, run},
    media::{AAC, H264, INDEXED, INDEXED_SOUND, bytes, clip, store},
};

/// A file with tables that ffmpeg makes from the same inputs is shown the same.
#[test]
fn shown_as_the_same_media_without_fragments() {
    let inputs = Inputs::new(bytes(H264, INDEXED), bytes(AAC, INDEXED_SOUND));
    let whole = store(&[]);
    let sources = [clip(H264, INDEXED), clip(AAC, INDEXED_SOUND)];
    run("ffmpeg", "-nostdin -v error -y -i @ -i @ -c copy @", &[&sources[0], &sources[1], &whole]);
    for layout in [Layout::Hybrid, Layout::Faststart] {
        let (plan, mut tables) = inputs.plan(layout).expect("suitable");
        let ours = store(&inputs.read(&plan, &mut tables, 0..u64::MAX).expect("all of it"));
        for map in ["0:v", "0:a"] {
            assert_eq!(decoded(&ours, map), decoded(&whole, map), "{layout:?} {map}");
        }
    }
}
