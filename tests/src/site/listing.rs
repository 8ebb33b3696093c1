//! A watch page whose formats come as a JSON list, separate video and audio, as the largest video site has it.
//! The yt-dlp plugin in `tests/plugins` reads it; the list says what a format is, never what a client should do with it.

use serde_json::{Value, json};

use super::{Resource, Site};

/// What the list says about a format's size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// `contentLength`: believed to be exact, whether it is or not.
    Exact(u64),
    /// Only what bit rate and duration suggest.
    Approximate,
    /// Nothing: no length and no bit rate.
    Hidden,
}

/// One entry of the list.
#[derive(Debug, Clone)]
pub struct Format {
    /// The site's number of the format.
    pub itag: u32,
    /// Path of the file, or a whole address, in which the placeholders of [`Resource::text`] work.
    pub path: String,
    /// Type with codecs: `video/mp4; codecs="avc1.64001f"`; two codecs for a progressive file.
    pub mime: String,
    /// Width and height in pixels; `None` for audio.
    pub picture: Option<(u32, u32)>,
    /// Bits per second.
    pub bits_per_second: u64,
    /// What the list says about the size.
    pub size: Size,
}

/// A watch page with its list.
#[derive(Debug, Clone)]
pub struct Listing {
    /// Last part of its address.
    pub id: String,
    /// Title.
    pub title: String,
    /// Length in seconds.
    pub seconds: u32,
    /// Path of a thumbnail.
    pub thumbnail: Option<String>,
    /// Formats in any order.
    pub formats: Vec<Format>,
}

impl Site {
    /// Serves the page at `/yt/{id}` and its list at `/yt/{id}/player.json`; returns the page's path.
    pub fn publish_listing(&self, listing: &Listing) -> String {
        let path = format!("/yt/{}", listing.id);
        self.publish(&format!("{path}/player.json"), Resource::text("application/json", player(listing).to_string()));
        let page = format!("<!doctype html><title>{}</title><script>/* player */</script>", listing.id);
        self.publish(&path, Resource::text("text/html; charset=utf-8", page));
        path
    }

    /// Serves a playlist of listings at `/ytlist/{id}`; returns its path.
    pub fn publish_playlist(&self, id: &str, title: &str, videos: &[&str]) -> String {
        let path = format!("/ytlist/{id}");
        let list = json!({ "title": title, "videos": videos });
        self.publish(&format!("{path}/list.json"), Resource::text("application/json", list.to_string()));
        path
    }
}

fn player(listing: &Listing) -> Value {
    let (adaptive, progressive): (Vec<_>, Vec<_>) =
        listing.formats.iter().partition(|format| !format.mime.contains(','));
    let entries =
        |formats: Vec<&Format>| formats.into_iter().map(|format| entry(format, listing.seconds)).collect::<Vec<_>>();
    json!({
        "videoDetails": {
            "videoId": listing.id,
            "title": listing.title,
            "lengthSeconds": listing.seconds.to_string(),
            "author": "The local site",
            "thumbnails": listing.thumbnail.iter()
                .map(|path| json!({ "url": format!("{{base}}{path}"), "width": 480, "height": 270 }))
                .collect::<Vec<_>>(),
        },
        "streamingData": { "formats": entries(progressive), "adaptiveFormats": entries(adaptive) },
    })
}

fn entry(format: &Format, seconds: u32) -> Value {
    let mut entry = json!({
        "itag": format.itag,
        "url": if format.path.starts_with('/') { format!("{{base}}{}", format.path) } else { format.path.clone() },
        "mimeType": format.mime,
        "approxDurationMs": (u64::from(seconds) * 1000).to_string(),
    });
    if let Some((width, height)) = format.picture {
        entry["width"] = width.into();
        entry["height"] = height.into();
        entry["qualityLabel"] = format!("{height}p").into();
    }
    if format.size != Size::Hidden {
        entry["bitrate"] = format.bits_per_second.into();
    }
    // Numbers that may be large travel as text there.
    if let Size::Exact(length) = format.size {
        entry["contentLength"] = length.to_string().into();
    }
    entry
}
