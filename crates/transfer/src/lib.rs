//! Move bytes from a [`Source`] to a [`Sink`] under the eyes of the [`Gate`].
//!
//! The sink pulls: it opens the source at the offset that it has confirmed, so that after any failure the same bytes are read again and
//! nothing needs to be kept in memory. The gate counts both legs and shuts once, with one reason, on which everybody stops.
//!
//! What can be read only once goes through a [`Rewind`]: it keeps what is not acknowledged, within a window, and holds the stream back while
//! the window is full. One stream for two who take it at once is split by a [`tee`], whose slower side sets the pace. All windows of a process come out of one
//! [`BufferBudget`]; what transfers may use beyond what each needs, out of a [`FairBudget`].

mod budget;
mod fair;
mod gate;
mod journal;
mod range;
mod rewind;
mod sink;
mod source;
mod stretch;
mod tee;
mod watched;

pub use budget::{BufferBudget, BufferShare};
pub use fair::{FairBudget, FairShare};
pub use gate::Gate;
pub use journal::Journal;
pub use rewind::Rewind;
pub use sink::Sink;
pub use source::{Access, ByteStream, Source};
pub use tee::{Tee, tee};
pub use watched::Watched;
