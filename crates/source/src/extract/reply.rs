//! What an extractor answers: one piece of media, or a list.

use std::sync::Arc;

use serde_json::{Map, Value};
use sluice_domain::{Failure, FailureKind, SourceUrl};

use super::{Extraction, info::media_info};

/// The largest info JSON, in bytes. Heavy real pages have 1 to 2 MB, most of it captions.
pub(super) const MAX_JSON_BYTES: usize = 16 << 20;

/// What no download needs: machine captions by the hundred, and what yt-dlp derives anew.
const PRUNED: [&str; 8] = [
    "automatic_captions",
    "comments",
    "heatmap",
    "requested_formats",
    "requested_downloads",
    "requested_subtitles",
    "thumbnails",
    "_version",
];

/// An answer.
#[derive(Debug)]
pub(super) enum Reply {
    /// One piece of media.
    Media(Extraction),
    /// A list of exactly one item, which is elsewhere.
    Item(SourceUrl),
    /// A list of several items, or of none.
    List,
}

impl Reply {
    /// Reads an info JSON.
    pub(super) fn parse(json: &[u8]) -> Result<Self, Failure> {
        let value = serde_json::from_slice(json).map_err(|error| Failure::internal(format!("info JSON: {error}")))?;
        Self::read(value)
    }

    pub(super) fn read(value: Value) -> Result<Self, Failure> {
        match value {
            Value::Object(info) => Self::of(info),
            Value::Null => Err(Failure::new(FailureKind::UnsupportedSite, "yt-dlp found nothing and said nothing")),
            _ => Err(Failure::internal("the info JSON is not an object")),
        }
    }

    fn of(mut info: Map<String, Value>) -> Result<Self, Failure> {
        match info.get("_type").and_then(Value::as_str) {
            None | Some("video") => Self::media(info),
            // Lists that yt-dlp would play as one are lists as well.
            Some("playlist" | "multi_video") => Self::list(info.remove("entries")),
            Some(other) => Err(Failure::internal(format!("an info JSON of type {other}"))),
        }
    }

    fn list(entries: Option<Value>) -> Result<Self, Failure> {
        let mut entries = match entries {
            Some(Value::Array(entries)) => entries.into_iter(),
            _ => return Ok(Self::List),
        };
        let (Some(Value::Object(only)), None) = (entries.next(), entries.next()) else { return Ok(Self::List) };
        match only.get("_type").and_then(Value::as_str) {
            None | Some("video") => Self::media(only),
            _ => Ok(only
                .get("url")
                .and_then(Value::as_str)
                .and_then(|url| url.parse().ok())
                .map_or(Self::List, Self::Item)),
        }
    }

    fn media(mut info: Map<String, Value>) -> Result<Self, Failure> {
        for key in PRUNED {
            info.remove(key);
        }
        let media = media_info(&info);
        let json = serde_json::to_string(&info).map_err(|error| Failure::internal(error.to_string()))?;
        Ok(Self::Media(Extraction { info: media, json: Arc::from(json) }))
    }
}
