#![doc = include_str!("../README.md")]

mod child;
mod classify;
mod error;
mod extract;
mod flags;
mod home;
mod interleave;
mod route;
mod spool;
#[cfg(test)]
mod testing;
mod tools;
mod trial;

pub use error::SourceError;
pub use extract::{Extraction, Extractor, Found, List, Skipped, extractor};
pub use route::{Fetched, Routes};
pub use spool::{Spool, SpoolConfig};
pub use tools::{Tools, ToolsConfig};
