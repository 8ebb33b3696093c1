//! What is read of the inputs beside the media itself: headers, and the tables of single fragments.

use sluice_domain::{Failure, Length};
use sluice_mux::{FragmentTable, Header, Pair, Probe, Scan, Track, Unsuitable};

use super::{Inputs, Refused};

/// Requests that one header may cost. An index needs a handful; without one the fragments are found by walking, and a long piece would
/// take its time in round trips.
const MOST_REQUESTS: usize = 200;

/// The header of an input.
pub(super) async fn header(inputs: &Inputs, track: Track) -> Result<Header, Refused> {
    let Length::Exact(total) = inputs.get(track).length() else { return Err(Unsuitable::Sizes("no length").into()) };
    let mut probe = Probe::new(total)?;
    for _ in 0..MOST_REQUESTS {
        let Some(range) = probe.wants() else {
            return probe.finish().ok_or_else(|| Failure::internal("a header that never ends").into());
        };
        probe.feed(range.start, &inputs.read(track, range).await?)?;
    }
    Err(Unsuitable::OverCap("requests for a header").into())
}

/// The samples of one fragment.
pub(super) async fn scan(
    inputs: &Inputs,
    pair: &Pair,
    track: Track,
    index: usize,
) -> Result<(Track, usize, FragmentTable), Refused> {
    let missing = || Refused::Failed(Failure::internal("a fragment that is not there"));
    let mut scan = Scan::new(pair.header(track), index).ok_or_else(missing)?;
    while let Some(range) = scan.wants() {
        scan.feed(range.start, &inputs.read(track, range).await?)?;
    }
    Ok((track, index, scan.finish().ok_or_else(missing)?))
}
