//! Every option that yt-dlp is given, in one place.
//!
//! The common ones make it ignore configuration, plugins, caches, cookies and remote code that happen to lie around, and refuse whatever is
//! not a link. Nothing here ever comes from the input, except what follows `--`.

use std::{ffi::OsString, path::Path};

use sluice_domain::SourceUrl;

use crate::Tools;

/// For both uses.
const COMMON: &[&str] = &[
    "--ignore-config",
    "--no-plugin-dirs",
    "--no-update",
    "--no-cache-dir",
    "--no-exec",
    "--no-batch-file",
    "--no-cookies",
    "--no-cookies-from-browser",
    "--no-remote-components",
    "--no-check-formats",
    "--abort-on-error",
    "--color",
    "never",
    "--default-search",
    "error",
    "--socket-timeout",
    "15",
];

/// For looking at a link. A list is only looked into as far as is needed to see that it is one, without visiting its items.
const EXTRACTION: &[&str] = &[
    "--no-playlist",
    "--flat-playlist",
    "--playlist-items",
    "1:2",
    "--retries",
    "2",
    "--extractor-retries",
    "1",
    // ffmpeg has no part in it; looking for its version costs a process.
    "--ffmpeg-location",
    "/nonexistent",
    "--dump-single-json",
];

/// For a download into the working directory.
const DOWNLOAD: &[&str] = &[
    "--retries",
    "3",
    "--fragment-retries",
    "3",
    "--file-access-retries",
    "0",
    // A missing fragment would be skipped, with exit 0.
    "--abort-on-unavailable-fragments",
    "--match-filters",
    "!is_live",
    // Its own downloaders, which obey the proxy; never ffmpeg as a downloader where that can be avoided.
    "--downloader",
    "native",
    "--no-mtime",
    "--output",
    "media.%(ext)s",
    "--quiet",
    "--progress",
    "--newline",
    "--progress-delta",
    "0.25",
    "--progress-template",
    "download:%(progress.{status,downloaded_bytes,total_bytes})j",
    // ffmpeg sniffs what a file really is; a playlist in disguise must not make it open anything else.
    "--postprocessor-args",
    "ffmpeg_i:-protocol_whitelist file",
];

fn common(tools: &Tools) -> Vec<OsString> {
    let mut args: Vec<OsString> = COMMON.iter().map(OsString::from).collect();
    for folder in &tools.plugin_dirs {
        args.extend(["--plugin-dirs".into(), folder.into()]);
    }
    if let Some(proxy) = &tools.proxy {
        args.extend(["--proxy".into(), proxy.into()]);
    }
    args
}

/// The options for looking at a link, without the link.
pub(crate) fn extraction(tools: &Tools) -> Vec<OsString> {
    let mut args = common(tools);
    args.extend(EXTRACTION.iter().map(OsString::from));
    args
}

/// The options for looking at this link.
pub(crate) fn extraction_of(tools: &Tools, url: &SourceUrl) -> Vec<OsString> {
    let mut args = extraction(tools);
    args.extend(["--".into(), url.as_str().into()]);
    args
}

/// The options for downloading these formats of this info JSON; `more` says what is done to the result.
pub(crate) fn download(tools: &Tools, info_json: &Path, formats: &str, more: &[&str]) -> Vec<OsString> {
    let mut args = common(tools);
    args.extend(DOWNLOAD.iter().map(OsString::from));
    args.extend(["--ffmpeg-location".into(), tools.ffmpeg.clone().into()]);
    args.extend(["--format".into(), formats.into()]);
    args.extend(more.iter().map(OsString::from));
    args.extend(["--load-info-json".into(), info_json.into()]);
    args
}
