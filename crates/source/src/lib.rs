#![doc = include_str!("../README.md")]

mod child;
mod classify;
mod duration;
mod error;
mod extract;
mod flags;
mod home;
mod http;
mod interleave;
mod meter;
mod order;
mod pipe;
mod route;
mod spool;
#[cfg(test)]
mod testing;
mod tools;
mod trial;

pub use error::SourceError;
pub use extract::{Extraction, Extractor, Found, List, Skipped, extractor};
pub use http::Renew;
pub use meter::Meter;
pub use route::{Fetched, Routes, RoutesConfig};
pub use sluice_mux::Layout;
pub use tools::{Tools, ToolsConfig};
