#![doc = include_str!("../README.md")]

mod child;
mod classify;
mod duration;
mod error;
mod extract;
mod flags;
mod home;
mod order;
mod pipe;
mod route;
mod spool;
#[cfg(test)]
mod testing;
mod tools;
mod trial;

pub use error::SourceError;
pub use extract::{Extraction, Extractor, Found, Item, List, Skipped, extractor};
pub use pipe::{Pipe, WINDOW_BYTES};
pub use route::{Fetched, Routes};
pub use spool::{Spool, SpoolConfig};
pub use tools::{Tools, ToolsConfig};
