//! Real media for the site: encoded on the spot by ffmpeg, tiny but of the kinds that sites serve.
//!
//! Everything is cached by its parameters, so only the first run encodes. Nothing here is downloaded, and nothing
//! is a hand-made imitation of a container: the one exception is padding (`site::Content::padded`), which is legal filler.

mod adaptive;
mod clips;
mod encode;
mod ffmpeg;
mod library;
mod long;
mod manifest;
mod rendition;
mod stretch;

pub use adaptive::Adaptive;
pub use clips::{Clips, Folder, clips, poster, tiny};
pub use encode::Shape;
pub use ffmpeg::{Essence, Packets, cover, essence, packets, told};
pub use library::Library;
pub use long::{Long, Track};
pub use manifest::on_demand;
pub use rendition::Rendition;
