//! The client against the real `dropbox-emulator` binary: what goes wrong at Dropbox, and what becomes of the file.
//!
//! Every test has its own emulator. A fault is data; the end is always the same question: one file with the right bytes, or a plain
//! failure and no file.

#![expect(clippy::unwrap_used, reason = "tests")]

mod appends;
mod commits;
mod concurrent;
mod conflicts;
mod connection;
mod failures;
mod faults;
mod forward;
mod memory;
mod resume;
mod sign_in;
mod world;
