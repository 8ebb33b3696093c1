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

/// For looking at a link, without visiting the items of a list.
const EXTRACTION: &[&str] = &[
    "--no-playlist",
    "--retries",
    "2",
    "--extractor-retries",
    "1",
    // ffmpeg has no part in it; looking for its version costs a process.
    "--ffmpeg-location",
    "/nonexistent",
];

/// For seeing whether it is a list, and of how much: none, one, or more.
const FIRST_LOOK: &[&str] = &["--flat-playlist", "--playlist-items", "1:2", "--dump-single-json"];

/// For a list, one line for each entry as it comes.
const LISTING: &[&str] = &[
    "--flat-playlist",
    "--lazy-playlist",
    // One entry that has nothing to offer is no reason to keep the others back.
    "--ignore-no-formats-error",
    "--print",
    "%(.{_type,url,ie_key,webpage_url,title,thumbnail,thumbnails,duration,playlist_index,playlist_id})j",
];

/// For fetching media, wherever it goes.
const FETCH: &[&str] = &[
    "--fragment-retries",
    "3",
    "--file-access-retries",
    "0",
    // It would go on where a connection broke off, and ask no server whether that is still the same file.
    "--retries",
    "0",
    "--no-continue",
    // A missing fragment would be skipped, with exit 0.
    "--abort-on-unavailable-fragments",
    "--match-filters",
    "!is_live",
    // Its own downloaders, which obey the proxy; never ffmpeg as a downloader where that can be avoided.
    "--downloader",
    "native",
    "--no-mtime",
    "--quiet",
    "--progress",
    "--newline",
    "--progress-delta",
    "0.25",
];

/// For a download into the working directory.
const DOWNLOAD: &[&str] = &[
    "--output",
    "media.%(ext)s",
    "--progress-template",
    "download:%(progress.{status,downloaded_bytes,total_bytes})j",
    // ffmpeg sniffs what a file really is; a playlist in disguise must not make it open anything else.
    "--postprocessor-args",
    "ffmpeg_i:-protocol_whitelist file",
];

/// For a download to standard output. Fragments lie in the working directory one at a time, until they are written out.
const STREAM: &[&str] = &[
    "--no-part",
    "--fixup",
    "never",
    "--output",
    "-",
    // To standard error then, between everything else that it says there.
    "--progress-template",
    "download:sluice-progress %(progress.downloaded_bytes)s",
    // ffmpeg has no part in it: what needs it as a downloader is refused.
    "--ffmpeg-location",
    "/nonexistent",
];

/// How a line begins that says nothing but that something came in.
pub(crate) const PROGRESS: &str = "sluice-progress ";

fn common(tools: &Tools) -> Vec<OsString> {
    let mut args: Vec<OsString> = COMMON.iter().map(OsString::from).collect();
    for folder in &tools.plugin_dirs {
        args.extend(["--plugin-dirs".into(), folder.into()]);
    }
    args
}

/// The options for looking at a link, without the link.
pub(crate) fn extraction(tools: &Tools) -> Vec<OsString> {
    let mut args = common(tools);
    args.extend(EXTRACTION.iter().map(OsString::from));
    args
}

/// The options for looking at this link, and no further than to see whether it is a list.
pub(crate) fn first_look(tools: &Tools, url: &SourceUrl) -> Vec<OsString> {
    extraction_of(tools, FIRST_LOOK, url)
}

/// The options for looking at this item of this link, wherever it leads.
pub(crate) fn one_item(tools: &Tools, url: &SourceUrl, item: u32) -> Vec<OsString> {
    extraction_of(tools, &["--playlist-items", &item.to_string(), "--dump-single-json"], url)
}

/// The options for listing what is behind this link.
pub(crate) fn listing(tools: &Tools, url: &SourceUrl) -> Vec<OsString> {
    extraction_of(tools, LISTING, url)
}

fn extraction_of(tools: &Tools, more: &[&str], url: &SourceUrl) -> Vec<OsString> {
    let mut args = extraction(tools);
    args.extend(more.iter().map(OsString::from));
    args.extend(["--".into(), url.as_str().into()]);
    args
}

/// The options for downloading these formats of this info JSON; `more` says what is done to the result.
pub(crate) fn download(tools: &Tools, info_json: &Path, formats: &str, more: &[&str]) -> Vec<OsString> {
    let mut args = common(tools);
    args.extend(FETCH.iter().chain(DOWNLOAD).map(OsString::from));
    args.extend(["--ffmpeg-location".into(), tools.ffmpeg.clone().into()]);
    args.extend(["--format".into(), formats.into()]);
    args.extend(more.iter().map(OsString::from));
    args.extend(["--load-info-json".into(), info_json.into()]);
    args
}

/// The options for writing this format of this info JSON to standard output.
pub(crate) fn stream(tools: &Tools, info_json: &Path, format: &str) -> Vec<OsString> {
    let mut args = common(tools);
    args.extend(FETCH.iter().chain(STREAM).map(OsString::from));
    args.extend(["--format".into(), format.into(), "--load-info-json".into(), info_json.into()]);
    args
}
