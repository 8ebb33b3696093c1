//! What an extractor answers: one piece of media, or a list.

use std::sync::Arc;

use futures::{StreamExt, stream};
use serde_json::{Map, Value};
use sluice_domain::{Failure, FailureKind};

use super::{
    Extraction,
    info::{media_info, without_number},
    json,
    list::{Header, Listing},
};

/// The largest info JSON, in bytes. Heavy real pages have 1 to 2 MB, most of it captions.
pub(super) const MAX_JSON_BYTES: usize = 16 << 20;

/// What no download needs: machine captions by the hundred, and what yt-dlp derives anew.
pub(super) const PRUNED: [&str; 7] = [
    "automatic_captions",
    "comments",
    "heatmap",
    "requested_formats",
    "requested_downloads",
    "requested_subtitles",
    "_version",
];

/// An answer.
pub(super) enum Reply {
    /// One piece of media.
    Media(Extraction),
    /// A list, whatever is in it.
    List(Listing),
}

/// What plain yt-dlp tells when it may look at the first two places of a list, or at one of them.
#[derive(Debug)]
pub(super) enum Look {
    Media(Extraction),
    /// A list, with its entries as far as they were looked at.
    List(Header, Vec<Value>),
}

impl Look {
    /// Reads an info JSON.
    pub(super) fn parse(json: &mut [u8], item: Option<u32>) -> Result<Self, Failure> {
        let value = json::read(json).map_err(|error| Failure::internal(format!("info JSON: {error}")))?;
        Self::read(value, item)
    }

    pub(super) fn read(value: Value, item: Option<u32>) -> Result<Self, Failure> {
        let mut info = object(value)?;
        let entries = match (info.get("_type").and_then(Value::as_str), item) {
            (None | Some("video"), None | Some(1)) => return media(info, item).map(Self::Media),
            (None | Some("video"), Some(_)) => return Err(missing()),
            // Lists that yt-dlp would play as one are lists as well.
            (Some("playlist" | "multi_video"), _) => match info.remove("entries") {
                Some(Value::Array(entries)) => entries,
                _ => Vec::new(),
            },
            (Some(other), _) => return Err(Failure::internal(format!("an info JSON of type {other}"))),
        };
        let only = match &entries[..] {
            [Value::Object(only)] if matches!(kind(only), None | Some("video")) => Some(only.clone()),
            [Value::Object(_)] | [_, _, ..] if item.is_none() => None,
            [Value::Object(_)] => return Err(Failure::new(FailureKind::UnsupportedSite, "a list within a list")),
            _ if item.is_some() => return Err(missing()),
            _ => None,
        };
        match only {
            Some(only) => media(only, item).map(Self::Media),
            None => Ok(Self::List(Header::of(&info), entries)),
        }
    }
}

impl Listing {
    /// A list that is as short as this.
    pub(super) fn short(header: Header, entries: Vec<Value>) -> Self {
        let maps = entries.into_iter().map(|entry| match entry {
            Value::Object(entry) => Ok(entry),
            _ => Ok(Map::new()),
        });
        Self { header, entries: stream::iter(maps.collect::<Vec<_>>()).boxed() }
    }
}

/// Reads one piece of media; the item of this number, if one was named.
pub(super) fn read_media(value: Value, item: Option<u32>) -> Result<Extraction, Failure> {
    media(object(value)?, item)
}

/// The list has become shorter, or is none any more.
pub(super) fn missing() -> Failure {
    Failure::new(FailureKind::Removed, "no such item").explained("The list that this was in does not have it any more.")
}

fn kind(info: &Map<String, Value>) -> Option<&str> {
    info.get("_type").and_then(Value::as_str)
}

fn object(value: Value) -> Result<Map<String, Value>, Failure> {
    match value {
        Value::Object(info) => Ok(info),
        Value::Null => Err(Failure::new(FailureKind::UnsupportedSite, "yt-dlp found nothing and said nothing")),
        _ => Err(Failure::internal("the info JSON is not an object")),
    }
}

fn media(mut info: Map<String, Value>, item: Option<u32>) -> Result<Extraction, Failure> {
    for key in PRUNED {
        info.remove(key);
    }
    if item.is_none() {
        without_number(&mut info);
    }
    let media = media_info(&info);
    let json = serde_json::to_string(&info).map_err(|error| Failure::internal(error.to_string()))?;
    Ok(Extraction { info: media, json: Arc::from(json) })
}
