//! The emulator against the judges of its truth: raw HTTP to the last key, Dropbox's official Python SDK, and rclone.
//! What Sluice makes of it is no business of these tests.

mod bounds;
mod downloads;
mod faults;
mod oauth;
mod official_sdk;
mod practice;
mod program;
mod rclone;
mod refusals;
mod restart;
mod sessions;
mod shapes;
mod transport;
