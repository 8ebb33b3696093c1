//! WebM: a picture and a sound become one file by rewriting groups of clusters, each to exactly the size that it had.
//!
//! A group is what plays together: a cluster of the one and the clusters of the other that lie in it. In the output it is one
//! cluster, with the blocks of both in the order of time. Blocks keep their size: only the track's number and the time from
//! the cluster's start change. What the inputs' cluster headers took and the output's does not becomes `Void`. So the length
//! and the place of every group are known from the cues of both inputs.

mod cues;
mod ebml;
mod group;
mod head;
mod header;
mod id;
mod join;
mod plan;
mod probe;
mod sound;
mod write;

pub use header::{Cluster, Header};
pub use join::Join;
pub use plan::{Piece, Pieces, Plan};
pub use probe::Probe;
