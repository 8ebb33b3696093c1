#![doc = include_str!("../README.md")]

mod account;
mod answer;
mod argument;
mod call;
mod client;
mod config;
mod content_hash;
mod error;
mod facts;
mod oauth;
mod pauses;
mod retry;
mod routes;
mod tokens;
mod upload;
mod wire;

pub use account::AccountClient;
pub use client::Dropbox;
pub use config::{DropboxConfig, Tuning};
pub use content_hash::{ContentHasher, content_hash};
pub use error::DropboxError;
pub use facts::{FileMeta, Profile, Space};
pub use oauth::{Grant, Pkce, SCOPES};
pub use pauses::Pauses;
pub use upload::{Previous, UploadSink};
