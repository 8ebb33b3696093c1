//! Inputs that are too large, in every way in which a site can be: real media, grown by legal filler on the fly.

use std::fmt::Write as _;

use bytes::Bytes;

use super::{Announce, Content, Delivery, Format, Listing, Resource, Site, Size};
use crate::media::{Clips, Rendition};

/// One input of about the asked size.
#[derive(Debug, Clone)]
pub struct Heavy {
    /// In what way it is large, for messages.
    pub kind: &'static str,
    /// The path whose address a person would paste.
    pub path: String,
    /// Paths of the media behind it.
    pub files: Vec<String>,
    /// Whether its size can be known before its first byte is fetched.
    pub announced: bool,
}

/// Serves inputs of about `bytes` bytes each and says where.
pub fn publish_heavy(site: &Site, clips: &Clips, bytes: u64) -> Vec<Heavy> {
    let film = Content::padded_mp4(&clips.progressive, bytes);
    let single = |kind, path: &str, announce| {
        site.publish(path, Resource::file("video/mp4", film.clone()));
        site.deliver(path, Delivery { announce, ..Delivery::default() });
        Heavy { kind, path: path.into(), files: vec![path.into()], announced: announce == Announce::Honest }
    };
    vec![
        single("announced", "/heavy/announced.mp4", Announce::Honest),
        single("not announced", "/heavy/chunked.mp4", Announce::Nothing),
        single("HEAD lies", "/heavy/lying.mp4", Announce::ClaimInHead(1000)),
        hls(site, &clips.hls_ts["part000.ts"], bytes),
        pair(site, clips, "heavy-pair", bytes, Told::Truth),
        pair(site, clips, "heavy-silent", bytes, Told::Nothing),
        pair(site, clips, "heavy-lying", bytes, Told::Lie),
    ]
}

/// A list of ten-megabyte segments that says nothing of their size.
fn hls(site: &Site, segment: &Bytes, bytes: u64) -> Heavy {
    const SEGMENT: u64 = 10_000_000;
    let content = Content::padded_ts(segment, SEGMENT);
    let mut list = String::from("#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:2\n#EXT-X-PLAYLIST-TYPE:VOD\n");
    let mut files = Vec::new();
    for number in 0..bytes.div_ceil(SEGMENT) {
        let path = format!("/heavy/hls/part{number}.ts");
        let _ = write!(list, "#EXTINF:2.0,\npart{number}.ts\n");
        site.publish(&path, Resource::file("video/mp2t", content.clone()));
        files.push(path);
    }
    list.push_str("#EXT-X-ENDLIST\n");
    let path = "/heavy/hls/index.m3u8".to_owned();
    site.publish(&path, Resource::text("application/vnd.apple.mpegurl", list));
    Heavy { kind: "HLS", path, files, announced: false }
}

/// What a list says about the sizes of its formats.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Told {
    Truth,
    Nothing,
    Lie,
}

/// Two files of which neither is over `bytes`, but their sum is: six and five tenths.
fn pair(site: &Site, clips: &Clips, id: &str, bytes: u64, told: Told) -> Heavy {
    let (video, audio) = (clips.mp4_apart.at(720), &clips.mp4_apart.audio);
    let format = |itag: u32, stream: &Rendition, length: u64| {
        let path = format!("/media/{id}/{itag}");
        site.publish(&path, Resource::file(stream.mime, Content::padded_mp4(&stream.bytes, length)));
        if told != Told::Truth {
            site.deliver(&path, Delivery::chunked());
        }
        Format {
            itag,
            path,
            mime: format!("{}; codecs=\"{}\"", stream.mime, stream.codecs),
            picture: (stream.height > 0).then(|| (stream.width(), stream.height)),
            bits_per_second: stream.bits_per_second(),
            size: match told {
                Told::Truth => Size::Exact(length),
                Told::Nothing => Size::Hidden,
                Told::Lie => Size::Exact(stream.bytes.len() as u64),
            },
        }
    };
    let formats = vec![format(136, video, bytes / 10 * 6), format(140, audio, bytes / 10 * 5)];
    let files = formats.iter().map(|format| format.path.clone()).collect();
    let path = site.publish_listing(&Listing {
        id: id.into(),
        title: "A pair that is large together".into(),
        seconds: audio.seconds,
        thumbnail: None,
        formats,
    });
    let kind = match told {
        Told::Truth => "pair, announced",
        Told::Nothing => "pair, not announced",
        Told::Lie => "pair, announced too small",
    };
    Heavy { kind, path, files, announced: told == Told::Truth }
}
