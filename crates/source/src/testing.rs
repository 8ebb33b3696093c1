//! What the tests of this crate stand on: the real tools, media made on the spot, and a server that misbehaves on request.

mod media;
mod memory;
mod server;

use std::{env, path::PathBuf, time::Duration};

use sluice_domain::{ByteSize, Limits, SourceUrl};
use sluice_egress::{Egress, Policy};
use sluice_transfer::Gate;

pub(crate) use media::{dash, hls, hls_fmp4, hls_pair, large, moov_last, pair, progressive, webm, webm_pair};
pub(crate) use memory::Memory;
pub(crate) use server::{Body, TestServer};

use crate::{Tools, ToolsConfig};

/// The Python of `SLUICE_TEST_PYTHON`, or of the repository's own tools.
fn python() -> PathBuf {
    let in_repository = concat!(env!("CARGO_MANIFEST_DIR"), "/../../.sluice/tools/venv/bin/python");
    env::var_os("SLUICE_TEST_PYTHON").map_or_else(|| PathBuf::from(in_repository), PathBuf::from)
}

/// Whoever may dial this machine, where the tests' sites are.
pub(crate) fn loopback() -> Egress {
    Egress::new(Policy { allow: vec!["127.0.0.0/8".parse().unwrap()], ..Policy::default() })
}

pub(crate) fn tools_config() -> ToolsConfig {
    let python = python();
    ToolsConfig {
        egress: loopback(),
        yt_dlp: python.with_file_name("yt-dlp").display().to_string(),
        python: python.display().to_string(),
        extract_timeout: Duration::from_secs(60),
        ..ToolsConfig::default()
    }
}

pub(crate) fn tools() -> Tools {
    Tools::find(tools_config()).expect("yt-dlp, Python and ffmpeg are needed: cargo xtask demo installs them")
}

pub(crate) fn gate() -> Gate {
    capped(u64::MAX)
}

/// A gate that lets so many bytes pass.
pub(crate) fn capped(bytes: u64) -> Gate {
    Gate::new(&Limits { max_file_bytes: ByteSize(bytes), ..Limits::default() })
}

pub(crate) fn link(text: impl AsRef<str>) -> SourceUrl {
    text.as_ref().parse().unwrap()
}
