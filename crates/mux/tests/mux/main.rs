//! Real media from a real encoder goes in, and real players' libraries look at what comes out.

mod build;
mod checkpoint;
mod drive;
mod ffmpeg;
mod hostile;
mod indexes;
mod large;
mod layouts;
mod media;
mod refusals;
mod sync;
