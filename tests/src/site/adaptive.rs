//! Samples with separate video and audio: as a manifest behind a page, and as a list of formats.

use bytes::Bytes;

use super::{Content, Format, Listing, Page, Part, Resource, Sample, Site, Size, Source};
use crate::media::{Adaptive, Clips, Rendition, on_demand};

/// Serves `film` as an adaptive site would: a page at `/watch/{slug}` with a manifest of separate video and audio.
pub fn publish_film(site: &Site, slug: &str, title: &str, film: &Adaptive, poster: &Bytes) -> Sample {
    let folder = format!("/media/{slug}");
    let mut streams: Vec<(String, &Rendition)> =
        film.video.iter().map(|video| (format!("{folder}/{}p.{}", video.height, extension(video)), video)).collect();
    streams.push((format!("{folder}/sound.{}", extension(&film.audio)), &film.audio));
    let mut parts = Vec::new();
    for (path, stream) in &streams {
        site.publish(path, Resource::file(stream.mime, Content::new(stream.bytes.clone())));
        let selector = if stream.height > 0 { format!("bv[height={}]", stream.height) } else { "ba".into() };
        parts.push(Part { selector, bytes: stream.bytes.clone() });
    }
    let (manifest, image, path) =
        (format!("{folder}/manifest.mpd"), format!("{folder}/poster.jpg"), format!("/watch/{slug}"));
    site.publish(&manifest, Resource::text("application/dash+xml", on_demand(&streams)));
    site.publish(&image, Resource::file("image/jpeg", Content::new(poster.clone())));
    let source = Source::Described { path: manifest };
    site.publish_page(&path, &Page { title: title.into(), poster: Some(image), source });
    let files = streams.into_iter().map(|(path, _)| path).collect();
    Sample { kind: "page with separate video and audio", path, files, parts }
}

/// Serves a list with the formats that such lists usually have, under the numbers that everybody knows.
pub(super) fn publish_list(site: &Site, clips: &Clips) -> Sample {
    let (mp4, webm) = (&clips.mp4_apart, &clips.webm_apart);
    let streams = [
        (137, mp4.at(1080), false),
        (136, mp4.at(720), false),
        (135, mp4.at(480), true),
        (247, webm.at(720), false),
        (244, webm.at(480), true),
        (140, &mp4.audio, false),
        (251, &webm.audio, true),
    ];
    let mut parts = Vec::new();
    let mut formats = Vec::new();
    for (itag, stream, approximate) in streams {
        let path = format!("/media/list/{itag}");
        site.publish(&path, Resource::file(stream.mime, Content::new(stream.bytes.clone())));
        parts.push(Part { selector: itag.to_string(), bytes: stream.bytes.clone() });
        formats.push(Format {
            itag,
            path,
            mime: format!("{}; codecs=\"{}\"", stream.mime, stream.codecs),
            picture: (stream.height > 0).then(|| (stream.width(), stream.height)),
            bits_per_second: stream.bits_per_second(),
            size: if approximate { Size::Approximate } else { Size::Exact(stream.bytes.len() as u64) },
        });
    }
    site.publish("/media/list/18", Resource::file("video/mp4", Content::new(clips.progressive.clone())));
    parts.push(Part { selector: "18".into(), bytes: clips.progressive.clone() });
    formats.push(Format {
        itag: 18,
        path: "/media/list/18".into(),
        mime: format!("video/mp4; codecs=\"{}, mp4a.40.2\"", mp4.at(720).codecs),
        picture: Some((1280, 720)),
        bits_per_second: clips.progressive.len() as u64 * 8 / u64::from(mp4.audio.seconds),
        size: Size::Approximate,
    });
    let files = formats.iter().map(|format| format.path.clone()).collect();
    let path = site.publish_listing(&Listing {
        id: "clip".into(),
        title: "A list of formats".into(),
        seconds: mp4.audio.seconds,
        thumbnail: Some("/files/poster.jpg".into()),
        formats,
    });
    Sample { kind: "list of formats", path, files, parts }
}

fn extension(stream: &Rendition) -> &'static str {
    match stream.mime {
        "video/mp4" => "mp4",
        "audio/mp4" => "m4a",
        _ => "webm",
    }
}
