//! Reads the header of an input.

use std::ops::Range;

use sluice_domain::{Failure, Length};
use sluice_mux::{Track, Unsuitable};

use super::{Inputs, Refused};

/// Requests that one header may cost. An index needs a handful; without one the fragments are found by walking, and a long piece would
/// take its time in round trips.
const MOST_REQUESTS: usize = 200;

/// A reader of headers: says which bytes it wants until it wants no more.
pub(super) trait Header: Sized {
    /// What it reads.
    type Is;

    fn begin(total: u64) -> Result<Self, Unsuitable>;
    fn wants(&self) -> Option<Range<u64>>;
    fn feed(&mut self, offset: u64, bytes: &[u8]) -> Result<(), Unsuitable>;
    fn end(self) -> Option<Self::Is>;
}

/// The header of an input.
pub(super) async fn probe<H: Header>(inputs: &Inputs, track: Track) -> Result<H::Is, Refused> {
    let Length::Exact(total) = inputs.get(track).length() else { return Err(Unsuitable::Sizes("no length").into()) };
    let mut header = H::begin(total)?;
    for _ in 0..MOST_REQUESTS {
        let Some(range) = header.wants() else {
            return header.end().ok_or_else(|| Failure::internal("a header that never ends").into());
        };
        header.feed(range.start, &inputs.read(track, range).await?)?;
    }
    Err(Unsuitable::OverCap("requests for a header").into())
}
