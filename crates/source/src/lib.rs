#![doc = include_str!("../README.md")]

mod child;
mod classify;
mod cover;
mod duration;
mod error;
mod extract;
mod flags;
mod home;
mod http;
mod id3;
mod interleave;
mod labels;
mod meter;
mod order;
mod pipe;
mod refused;
mod route;
mod sound;
mod spool;
#[cfg(test)]
mod testing;
mod tools;
mod trial;

pub use child::Containment;
pub use error::SourceError;
pub use extract::{Extraction, Extractor, Found, List, Skipped, extractor};
pub use http::Renew;
pub use meter::Meter;
pub use pipe::UPLOAD_WINDOW;
pub use route::{Fetched, Routes, RoutesConfig};
pub use sluice_mux::Layout;
pub use tools::{Tools, ToolsConfig};
