//! Real media from a real encoder goes in, and real players' libraries look at what comes out.

#![expect(clippy::expect_used, reason = "a test that cannot go on says why")]

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
mod seek;
mod sync;
mod webm;
