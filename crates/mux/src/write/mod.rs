//! The boxes of an output that we make ourselves.

mod brand;
mod edits;
mod moov;
mod stbl;
mod tables;
mod times;

pub(crate) use brand::ftyp;
pub(crate) use edits::Edits;
use edits::movie_timescale;
pub(crate) use moov::{mvhd, with_tables};
pub(crate) use stbl::Offsets;
pub(crate) use tables::SampleTable;
pub(crate) use times::{common_clock, units};
