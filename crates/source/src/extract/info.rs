//! The part of yt-dlp's info JSON that decisions are made from. Every field is hostile: a wrong type is an absent value, never an error.

use serde_json::{Map, Value};
use sluice_domain::{Codec, Format, MediaInfo, Protocol};

/// No site has so many formats of one piece; more would only cost memory.
const MAX_FORMATS: usize = 2000;
/// The longest title, name or id that is kept, in characters.
const MAX_TEXT_CHARS: usize = 1000;
/// The longest thumbnail or page address that is kept, in bytes.
const MAX_LINK_BYTES: usize = 8 * 1024;

/// Reads one piece of media.
pub(super) fn media_info(info: &Map<String, Value>) -> MediaInfo {
    let formats = match info.get("formats") {
        Some(Value::Array(formats)) => {
            formats.iter().filter_map(Value::as_object).take(MAX_FORMATS).map(format).collect()
        }
        // A piece with a single format carries that format's fields itself.
        _ if info.contains_key("url") => vec![format(info)],
        _ => Vec::new(),
    };
    MediaInfo {
        id: text(info, "id"),
        extractor: text(info, "extractor_key"),
        title: text(info, "title"),
        duration: duration(info),
        thumbnail: link(info, "thumbnail"),
        webpage_url: link(info, "webpage_url"),
        is_live: is_live(info),
        formats,
    }
}

/// yt-dlp numbers the videos of a page even when there is only one; a piece that comes alone needs no number.
pub(super) fn without_number(info: &mut Map<String, Value>) {
    let numbered = info.get("extractor_key").and_then(Value::as_str) == Some("HTML5MediaEmbed");
    if let (true, Some(Value::String(title))) = (numbered, info.get_mut("title"))
        && title.ends_with(" (1)")
    {
        title.truncate(title.len() - " (1)".len());
    }
}

/// A picture: the named one, or the last of several, which yt-dlp sorts from worst to best.
pub(super) fn picture(info: &Map<String, Value>) -> Option<String> {
    let pictures = info.get("thumbnails").and_then(Value::as_array).into_iter().flatten();
    link(info, "thumbnail")
        .or_else(|| pictures.filter_map(Value::as_object).rev().find_map(|picture| link(picture, "url")))
}

fn format(format: &Map<String, Value>) -> Format {
    let (vcodec, acodec) = (format.get("vcodec").and_then(Value::as_str), format.get("acodec").and_then(Value::as_str));
    Format {
        format_id: text(format, "format_id"),
        protocol: Protocol::from_yt_dlp(format.get("protocol").and_then(Value::as_str)),
        ext: text(format, "ext"),
        video: Codec::from_rfc6381(vcodec),
        audio: Codec::from_rfc6381(acodec),
        width: integer(format, "width"),
        height: integer(format, "height"),
        fps: number(format, "fps"),
        tbr: number(format, "tbr"),
        filesize: integer(format, "filesize"),
        filesize_approx: integer(format, "filesize_approx"),
        // yt-dlp also says "maybe", of a format that may turn out to be free.
        has_drm: format.get("has_drm").and_then(Value::as_bool).unwrap_or(false),
        plain_get: plain_get(format),
    }
}

/// Does the format ask for nothing but a GET for its address, or for each of its fragments? yt-dlp knows a body, a browser's handshake, keys
/// and parameters for every request of a format as well.
fn plain_get(format: &Map<String, Value>) -> bool {
    const MORE: [&str; 4] = ["impersonate", "request_data", "hls_aes", "hls_media_playlist_data"];
    let asks = |key: &str| format.get(key).is_some_and(|value| !matches!(value, Value::Null | Value::Bool(false)));
    let extra = format.keys().any(|key| key.starts_with("extra_param_to_"));
    !MORE.into_iter().any(asks) && !extra && !asks("is_live")
}

/// On air, announced for later, or over but not yet turned into a recording.
fn is_live(info: &Map<String, Value>) -> bool {
    info.get("is_live").and_then(Value::as_bool).unwrap_or(false)
        || matches!(info.get("live_status").and_then(Value::as_str), Some("is_live" | "is_upcoming" | "post_live"))
}

/// Seconds of media.
pub(super) fn duration(info: &Map<String, Value>) -> Option<f64> {
    number(info, "duration").filter(|seconds| *seconds > 0.0)
}

pub(super) fn text(map: &Map<String, Value>, key: &str) -> String {
    map.get(key).and_then(Value::as_str).unwrap_or_default().chars().take(MAX_TEXT_CHARS).collect()
}

pub(super) fn link(map: &Map<String, Value>, key: &str) -> Option<String> {
    let link = map.get(key)?.as_str()?;
    let is_link = link.starts_with("https://") || link.starts_with("http://");
    (is_link && link.len() <= MAX_LINK_BYTES).then(|| link.to_owned())
}

fn number(map: &Map<String, Value>, key: &str) -> Option<f64> {
    map.get(key)?.as_f64().filter(|number| number.is_finite())
}

/// A whole number that may be written as a float. Zero is what some extractors say for "unknown".
pub(super) fn integer<T: TryFrom<u64>>(map: &Map<String, Value>, key: &str) -> Option<T> {
    let value = map.get(key)?;
    let whole = value.as_u64().or_else(|| value.as_f64().and_then(whole))?;
    T::try_from(whole).ok().filter(|_| whole > 0)
}

fn whole(number: f64) -> Option<u64> {
    /// Beyond this, a float no longer counts by ones.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be between 0 and 2^53")]
    (0.0..EXACT).contains(&number).then_some(number as u64)
}
