#![doc = include_str!("../README.md")]

mod child;
mod classify;
mod error;
mod extract;
mod flags;
mod home;
#[expect(dead_code, reason = "the routes that fetch with it come next")]
mod http;
mod route;
mod spool;
#[cfg(test)]
mod testing;
mod tools;
mod trial;

pub use error::SourceError;
pub use extract::{Extraction, Extractor, Found, Item, List, Skipped, extractor};
pub use http::Renew;
pub use route::{Fetched, Routes};
pub use spool::{Spool, SpoolConfig};
pub use tools::{Tools, ToolsConfig};
