//! Move bytes from a [`Source`] to a [`Sink`] under the eyes of the [`Gate`].
//!
//! The sink pulls: it opens the source at the offset that it has confirmed, so that after any failure the same bytes are read again and
//! nothing needs to be kept in memory. The gate counts both legs and shuts once, with one reason, on which everybody stops.

mod gate;
mod journal;
mod sink;
mod source;
mod watched;

pub use gate::Gate;
pub use journal::Journal;
pub use sink::Sink;
pub use source::{Access, ByteStream, Source};
pub use watched::Watched;
