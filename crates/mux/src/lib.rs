#![doc = include_str!("../README.md")]

mod head;
pub mod limits;
mod order;
mod pair;
mod plan;
mod sample;
mod unsuitable;
pub mod webm;
mod wire;
mod write;

pub use head::{Fragment, Header, Kind, Probe};
pub use pair::{Pair, Track};
pub use plan::{Hint, Layout, Patcher, Piece, Pieces, Plan};
pub use sample::{Chunk, FragmentTable, Sample, Scan, Tables};
pub use unsuitable::Unsuitable;
