//! What the site says about one format, read from yt-dlp's info JSON. Every field is hostile: a wrong type is an absent value.

use std::{sync::Arc, time::Duration};

use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Map, Value};
use sluice_domain::Failure;
use url::Url;

use super::{cookies::Cookies, hls::Playlist};

/// More fragments than a long film has.
pub(super) const MAX_FRAGMENTS: usize = 4000;
const MAX_HEADERS: usize = 50;
const MAX_HEADER_BYTES: usize = 8 * 1024;
/// Headers that are ours to write, or belong to the connection.
const NOT_THEIRS: [&str; 20] = [
    "accept-encoding",
    "connection",
    "content-length",
    "content-type",
    "cookie",
    "expect",
    "host",
    "http2-settings",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
    "keep-alive",
    "proxy-connection",
    "range",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Where one format is, and how it wants to be asked for. It carries secrets: it is never printed.
#[derive(Clone)]
pub(crate) struct Target {
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) cookies: Cookies,
    /// Longer ranges are throttled by the site.
    pub(super) chunk: Option<u64>,
    /// Earlier requests are turned down, in seconds since 1970.
    available_at: Option<u64>,
    /// The pieces, whose bytes one after another are the format.
    pub(super) fragments: Option<Vec<Url>>,
    /// The address is that of a playlist.
    pub(super) is_playlist: bool,
    /// What it says, once it was fetched.
    pub(super) playlist: Option<Arc<Playlist>>,
    pub(super) ext: String,
    /// What the extractor thinks.
    pub(super) filesize: Option<u64>,
}

/// Why there is no target.
#[derive(Debug)]
pub(crate) enum Unreadable {
    /// The info has no such format.
    Missing,
    /// The format is not made of plain GETs.
    Unsuitable(&'static str),
}

impl Unreadable {
    pub(super) fn failure(&self, format_id: &str) -> Failure {
        match self {
            Self::Missing => Failure::internal(format!("the format {format_id} is not in the info JSON")),
            Self::Unsuitable(why) => Failure::internal(format!("the format {format_id} is not for plain GETs: {why}")),
        }
    }
}

impl Target {
    /// The format of that id.
    pub(crate) fn read(info: &Map<String, Value>, format_id: &str) -> Result<Self, Unreadable> {
        let has_id = |format: &&Map<String, Value>| format.get("format_id").and_then(Value::as_str) == Some(format_id);
        let format = match info.get("formats") {
            Some(Value::Array(all)) => all.iter().filter_map(Value::as_object).find(has_id),
            // A piece with a single format is that format itself.
            _ => Some(info).filter(has_id),
        };
        let format = format.ok_or(Unreadable::Missing)?;
        let text = |key: &str| format.get(key).and_then(Value::as_str);
        let url = text("url").and_then(web);
        let fragments = match text("protocol") {
            Some("http" | "https") => None,
            Some("http_dash_segments") => Some(fragments(format)?),
            // One of the films that a playlist puts together, which yt-dlp knows how to tell apart.
            Some("m3u8" | "m3u8_native") if format.get("format_index").is_none_or(Value::is_null) => None,
            _ => return Err(Unreadable::Unsuitable("protocol")),
        };
        let first = fragments.as_ref().and_then(|fragments| fragments.first().cloned());
        let options = format.get("downloader_options").and_then(Value::as_object);
        let count =
            |map: &Map<String, Value>, key: &str| map.get(key).and_then(Value::as_u64).filter(|count| *count > 0);
        Ok(Self {
            url: first.or(url).ok_or(Unreadable::Unsuitable("address"))?,
            headers: headers(format.get("http_headers").or_else(|| info.get("http_headers"))),
            cookies: text("cookies").map(Cookies::read).unwrap_or_default(),
            chunk: options.and_then(|options| count(options, "http_chunk_size")).map(|chunk| chunk.max(64 * 1024)),
            available_at: count(format, "available_at"),
            fragments,
            is_playlist: matches!(text("protocol"), Some("m3u8" | "m3u8_native")),
            playlist: None,
            ext: text("ext").unwrap_or_default().to_ascii_lowercase(),
            filesize: count(format, "filesize"),
        })
    }

    /// A file that belongs to no format.
    pub(super) fn of_file(url: Url) -> Self {
        Self {
            url,
            headers: HeaderMap::new(),
            cookies: Cookies::default(),
            chunk: None,
            available_at: None,
            fragments: None,
            is_playlist: false,
            playlist: None,
            ext: "file".to_owned(),
            filesize: None,
        }
    }

    /// How long to wait before asking, `now` being the time since 1970.
    pub(super) fn wait(&self, now: Duration) -> Duration {
        const LONGEST: Duration = Duration::from_secs(60);
        let at = Duration::from_secs(self.available_at.unwrap_or(0));
        at.saturating_sub(now).min(LONGEST)
    }

    /// Is a page of HTML what was asked for?
    pub(super) fn is_page(&self) -> bool {
        matches!(self.ext.as_str(), "" | "html" | "htm" | "xhtml" | "mhtml" | "unknown_video")
    }
}

fn web(text: &str) -> Option<Url> {
    const MAX_URL_BYTES: usize = 64 * 1024;
    Url::parse(text).ok().filter(|url| text.len() <= MAX_URL_BYTES && is_web(url))
}

/// Only these are ever asked, whatever a redirect says.
pub(super) fn is_web(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https") && url.has_host()
}

fn fragments(format: &Map<String, Value>) -> Result<Vec<Url>, Unreadable> {
    let Some(Value::Array(all)) = format.get("fragments") else {
        return Err(Unreadable::Unsuitable("fragments"));
    };
    if all.is_empty() || all.len() > MAX_FRAGMENTS {
        return Err(Unreadable::Unsuitable("number of fragments"));
    }
    let base = format.get("fragment_base_url").and_then(Value::as_str).and_then(web);
    let address = |fragment: &Value| {
        let text = |key: &str| fragment.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
        match text("url") {
            Some(url) => web(url),
            None => base.as_ref()?.join(text("path")?).ok().filter(is_web),
        }
    };
    all.iter().map(address).collect::<Option<_>>().ok_or(Unreadable::Unsuitable("address of a fragment"))
}

fn headers(value: Option<&Value>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in value.and_then(Value::as_object).into_iter().flatten().take(MAX_HEADERS) {
        let name = name.to_ascii_lowercase();
        if NOT_THEIRS.contains(&name.as_str()) || name.starts_with("proxy-") {
            continue;
        }
        let Some(value) = value.as_str().filter(|value| name.len() + value.len() <= MAX_HEADER_BYTES) else { continue };
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::from_str(value)) {
            headers.insert(name, value);
        }
    }
    headers
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(info: &Value) -> Result<Target, Unreadable> {
        Target::read(info.as_object().unwrap(), "7")
    }

    #[test]
    fn a_format_is_found_among_others_or_alone() {
        let one = json!({"format_id": "7", "url": "https://a.example/v", "protocol": "https", "ext": "MP4"});
        assert_eq!(read(&one).unwrap().ext, "mp4");
        let several = json!({"formats": [{"format_id": "6"}, one], "http_headers": {"Referer": "r"}});
        let target = read(&several).unwrap();
        assert_eq!((target.url.as_str(), target.headers["referer"].to_str().unwrap()), ("https://a.example/v", "r"));
        assert!(matches!(read(&json!({"formats": []})), Err(Unreadable::Missing)));
        for url in ["file:///etc/passwd", "rtmp://a.example/", "", "https://"] {
            assert!(matches!(
                read(&json!({"format_id": "7", "url": url, "protocol": "https"})),
                Err(Unreadable::Unsuitable(_))
            ));
        }
        for (protocol, index, is_playlist) in
            [("m3u8_native", json!(null), true), ("m3u8", json!(null), true), ("m3u8", json!(0), false)]
        {
            let hls =
                json!({"format_id": "7", "url": "https://a.example/v", "protocol": protocol, "format_index": index});
            assert_eq!(read(&hls).is_ok_and(|target| target.is_playlist), is_playlist);
        }
    }

    #[test]
    fn fragments_are_joined_with_their_base() {
        let dash = |fragments: Value| {
            read(&json!({"format_id": "7", "url": "https://a.example/m.mpd", "protocol": "http_dash_segments",
                "fragment_base_url": "https://a.example/d/", "fragments": fragments}))
        };
        let target =
            dash(json!([{"path": "i.mp4"}, {"url": "https://b.example/1", "path": "x"}, {"path": "/2?q"}])).unwrap();
        let urls: Vec<_> = target.fragments.iter().flatten().map(Url::as_str).collect();
        assert_eq!(urls, ["https://a.example/d/i.mp4", "https://b.example/1", "https://a.example/2?q"]);
        for wrong in [json!([]), json!("x"), json!([{}]), json!([{"url": "file:///x"}]), json!([{"path": "ftp://x/"}])]
        {
            assert!(dash(wrong).is_err());
        }
        assert!(dash(json!(vec![json!({"path": "x"}); MAX_FRAGMENTS + 1])).is_err());
    }

    #[test]
    fn foreign_headers_cannot_steer_the_connection() {
        let kept = headers(Some(
            &json!({"User-Agent": "u", "Host": "evil", "Transfer-Encoding": "chunked", "Range": "bytes=0-",
            "Cookie": "a", "Proxy-Authorization": "b", "X-A": "1\r\nX-B: 2", "bad name": "x", "X-N": 5, "X-Long": "x".repeat(9000)}),
        ));
        assert_eq!(kept.keys().map(HeaderName::as_str).collect::<Vec<_>>(), ["user-agent"]);
    }

    #[test]
    fn it_waits_until_the_address_is_good() {
        let at = |at: Value| {
            read(&json!({"format_id": "7", "url": "https://a.example/v", "protocol": "https", "available_at": at}))
        };
        let wait = |value: Value| at(value).unwrap().wait(Duration::from_secs(1000)).as_secs();
        assert_eq!((wait(json!(1003)), wait(json!(900)), wait(json!(u64::MAX)), wait(json!("x"))), (3, 0, 60, 0));
    }
}
