//! The catalogue: one sample of every kind of input, each with the bytes that must arrive.

use anyhow::{Context, Result};
use bytes::Bytes;

use super::{
    Content, Delivery, Page, Resource, Site, Source,
    adaptive::{publish_film, publish_list},
};
use crate::media::{Clips, Folder};

/// One kind of input.
#[derive(Debug, Clone)]
pub struct Sample {
    /// The kind, for messages.
    pub kind: &'static str,
    /// The path whose address a person would paste.
    pub path: String,
    /// The files behind it, for a test that wants to hold or slow one down.
    pub files: Vec<String>,
    /// Every format that it offers.
    pub parts: Vec<Part>,
}

/// One format and its exact bytes: a file, or all segments one behind the other.
#[derive(Debug, Clone)]
pub struct Part {
    /// yt-dlp's selector that picks this format and no other.
    pub selector: String,
    /// What a correct download of the format alone contains.
    pub bytes: Bytes,
}

/// What picks the only format there is, whatever it holds.
const ONLY: &str = "b/bv/ba";

/// Serves every kind of input and says where.
pub fn publish_samples(site: &Site, clips: &Clips) -> Result<Vec<Sample>> {
    let file = |path: &str, mime: &str, bytes: &Bytes| {
        site.publish(path, Resource::file(mime, Content::new(bytes.clone())));
    };
    file("/files/clip.mp4", "video/mp4", &clips.progressive);
    file("/files/moov-last.mp4", "video/mp4", &clips.moov_last);
    file("/files/clip.webm", "video/webm", &clips.webm);
    file("/files/clip.m4a", "audio/mp4", &clips.m4a);
    file("/files/clip.mp3", "audio/mpeg", &clips.mp3);
    file("/files/clip.opus", "audio/ogg", &clips.opus);
    file("/files/poster.jpg", "image/jpeg", &clips.poster);
    file("/files/unannounced.mp4", "video/mp4", &clips.progressive);
    site.deliver("/files/unannounced.mp4", Delivery::chunked());
    for (from, to) in [("/hop/1", "/hop/2"), ("/hop/2", "/hop/3"), ("/hop/3", "/files/clip.mp4")] {
        site.publish(from, Resource::redirect(to));
    }
    let plain = Source::Video { path: "/files/clip.mp4".into(), mime: "video/mp4" };
    let poster = Some("/files/poster.jpg".to_owned());
    site.publish_page("/page/plain", &Page { title: "A plain page".into(), poster, source: plain });
    folder(site, "/hls/ts", &clips.hls_ts);
    folder(site, "/hls/fmp4", &clips.hls_fmp4);
    folder(site, "/dash/template", &clips.dash_template);

    let only = |kind, path: &str, bytes: &Bytes| Sample {
        kind,
        path: path.into(),
        files: Vec::new(),
        parts: vec![Part { selector: ONLY.into(), bytes: bytes.clone() }],
    };
    let template = |stream: u32, selector: &str| -> Result<Part> {
        let bytes =
            joined(&clips.dash_template, &[&format!("init-stream{stream}"), &format!("chunk-stream{stream}-")])?;
        Ok(Part { selector: selector.into(), bytes })
    };
    Ok(vec![
        only("progressive MP4", "/files/clip.mp4", &clips.progressive),
        only("MP4 with its index last", "/files/moov-last.mp4", &clips.moov_last),
        only("WebM", "/files/clip.webm", &clips.webm),
        only("no Content-Length", "/files/unannounced.mp4", &clips.progressive),
        only("redirect chain", "/hop/1", &clips.progressive),
        only("page with a video", "/page/plain", &clips.progressive),
        only("audio: AAC", "/files/clip.m4a", &clips.m4a),
        only("audio: MP3", "/files/clip.mp3", &clips.mp3),
        only("audio: Opus", "/files/clip.opus", &clips.opus),
        only("HLS with transport streams", "/hls/ts/index.m3u8", &joined(&clips.hls_ts, &["part"])?),
        only("HLS with fragmented MP4", "/hls/fmp4/index.m3u8", &joined(&clips.hls_fmp4, &["init", "part"])?),
        Sample {
            kind: "DASH with a segment template",
            path: "/dash/template/index.mpd".into(),
            files: Vec::new(),
            parts: vec![template(0, "bv")?, template(1, "ba")?],
        },
        publish_film(site, "clip", "Separate video and audio", &clips.mp4_apart, &clips.poster),
        publish_film(site, "webm", "Separate video and audio in WebM", &clips.webm_apart, &clips.poster),
        publish_list(site, clips),
    ])
}

fn folder(site: &Site, path: &str, files: &Folder) {
    for (name, bytes) in files {
        let mime = match name.rsplit('.').next() {
            Some("m3u8") => "application/vnd.apple.mpegurl",
            Some("mpd") => "application/dash+xml",
            Some("ts") => "video/mp2t",
            _ => "video/mp4",
        };
        site.publish(&format!("{path}/{name}"), Resource::file(mime, Content::new(bytes.clone())));
    }
}

/// The files whose names begin so, group by group and in order within each.
fn joined(files: &Folder, beginnings: &[&str]) -> Result<Bytes> {
    let mut bytes = Vec::new();
    for beginning in beginnings {
        let mut group = files.iter().filter(|(name, _)| name.starts_with(beginning)).peekable();
        group.peek().with_context(|| format!("no file begins with {beginning}"))?;
        group.for_each(|(_, part)| bytes.extend_from_slice(part));
    }
    Ok(bytes.into())
}
