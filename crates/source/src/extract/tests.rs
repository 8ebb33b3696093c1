//! What every extractor must do, and how its answers are read.

use serde_json::json;
use sluice_domain::{Codec, FailureKind, Protocol};

use super::{reply::Look, *};
use crate::testing::{Body, TestServer, dash, gate, hls, link, progressive, tools};

pub(super) fn site() -> TestServer {
    let live = "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\nclip0.ts\n";
    TestServer::start()
        .on("/clip.mp4", Body::Whole("video/mp4", progressive()))
        .on("/page", Body::Whole("text/html", b"<title>A film</title><video src=\"/clip.mp4\"></video>".to_vec()))
        .on("/nothing", Body::Whole("text/html", b"<title>Words</title>".to_vec()))
        .on("/live.m3u8", Body::Whole("application/vnd.apple.mpegurl", live.into()))
        .on("/blocked", Body::Status(403))
        .on("/busy", Body::Status(503))
        .folder(hls().path())
        .folder(dash().path())
}

/// Media it must be.
pub(super) fn media(found: Result<Found, Failure>) -> Result<Extraction, Failure> {
    match found? {
        Found::Media(extraction) => Ok(extraction),
        Found::List(list) => panic!("{list:?}"),
    }
}

pub(super) async fn check(extractor: &dyn Extractor) {
    let site = site();
    let gate = gate();
    let extract = async |path: &str| media(extractor.extract(&link(site.url(path)), None, &gate).await);

    let clip = extract("/clip.mp4").await.unwrap();
    assert_eq!((clip.info.title.as_str(), clip.info.formats.len()), ("clip", 1));
    let format = &clip.info.formats[0];
    assert_eq!((&format.protocol, format.ext.as_str(), &format.video), (&Protocol::Http, "mp4", &Codec::Unknown));
    assert_eq!(Extraction::from_json(clip.json.clone()).unwrap().info, clip.info);

    let page = extract("/page").await.unwrap();
    assert_eq!(page.info.title, "A film");

    let dash = extract("/clip.mpd").await.unwrap().info;
    let ways: Vec<_> = dash.formats.iter().map(|format| (format.video.clone(), format.audio.clone())).collect();
    assert_eq!(ways, [(Codec::None, Codec::Aac), (Codec::H264, Codec::None)]);
    assert!(!extract("/clip.m3u8").await.unwrap().info.is_live);
    assert!(extract("/live.m3u8").await.unwrap().info.is_live);

    for (path, kind) in [
        ("/nothing", FailureKind::UnsupportedSite),
        ("/blocked", FailureKind::SiteBusy),
        ("/busy", FailureKind::SiteBusy),
        ("/missing", FailureKind::BadLink),
    ] {
        let failure = extract(path).await.unwrap_err();
        assert_eq!(failure.kind, kind, "{path}: {failure}");
    }
}

#[tokio::test]
async fn plain_yt_dlp_extracts() {
    check(&PlainYtDlp::new(tools())).await;
}

#[tokio::test]
async fn half_an_emoji_is_no_obstacle_to_plain_yt_dlp() {
    let site = TestServer::start().on("/clip.mp4", Body::Whole("video/mp4", progressive()));
    let page = half_an_emoji(&site);
    let site = site.on("/half", page);
    let found = PlainYtDlp::new(tools()).extract(&link(site.url("/half")), None, &gate()).await;
    assert_eq!(media(found).unwrap().info.title, "Half ?");
}

/// A page whose title ends in a half of a surrogate pair.
pub(super) fn half_an_emoji(site: &TestServer) -> Body {
    let page = format!(
        r#"<script type="application/ld+json">{{"@context": "https://schema.org", "@type": "VideoObject",
           "name": "Half \ud83d", "contentUrl": "{}"}}</script>"#,
        site.url("/clip.mp4")
    );
    Body::Whole("text/html", page.into())
}

/// What the info JSON says of one piece.
fn read(value: serde_json::Value) -> Result<MediaInfo, Failure> {
    reply::read_media(value, None).map(|extraction| extraction.info)
}

#[test]
fn hostile_fields_are_absent_fields() {
    let info = read(json!({
        "id": 7, "title": ["x"], "duration": "long", "thumbnail": "javascript:alert(1)", "is_live": "yes",
        "formats": [null, 5, {"format_id": "a", "filesize": -1, "width": 1e300, "height": 1080.0, "tbr": null, "fps": "60"}],
    }))
    .unwrap();
    assert_eq!((info.title.as_str(), info.duration, info.thumbnail, info.is_live), ("", None, None, false));
    let [format] = &info.formats[..] else { panic!("{:?}", info.formats) };
    assert_eq!((format.filesize, format.width, format.height), (None, None, Some(1080)));
}

#[test]
fn a_single_format_is_the_info_itself() {
    let info = read(
        json!({"id": "x", "title": "t", "url": "https://a.example/v", "format_id": "0", "ext": "mp4", "protocol": "https"}),
    );
    assert_eq!(info.unwrap().formats.len(), 1);
    assert!(read(json!({"id": "x", "title": "t"})).unwrap().formats.is_empty());
}

#[test]
fn what_has_not_ended_is_live() {
    for status in ["is_live", "is_upcoming", "post_live"] {
        assert!(read(json!({"live_status": status})).unwrap().is_live);
    }
    assert!(!read(json!({"live_status": "was_live", "is_live": false})).unwrap().is_live);
}

#[test]
fn lists_are_told_from_pieces() {
    let piece = json!({"id": "x", "url": "https://a.example/v", "format_id": "0"});
    let elsewhere = json!({"_type": "url", "url": "https://a.example/v"});
    let look =
        |entries: serde_json::Value, item| match Look::read(json!({"_type": "playlist", "entries": entries}), item) {
            Ok(Look::Media(_)) => "media".to_owned(),
            Ok(Look::List(_, entries)) => format!("list of {}", entries.len()),
            Err(failure) => failure.kind.to_string(),
        };
    assert_eq!(look(json!([]), None), "list of 0");
    assert_eq!(look(json!([piece, piece]), None), "list of 2");
    assert_eq!(look(json!([piece]), None), "media");
    assert_eq!(look(json!([elsewhere]), None), "list of 1");
    assert_eq!(look(json!([null]), None), "list of 1");
    assert_eq!(look(json!("x"), None), "list of 0");
    assert_eq!(look(json!([piece]), Some(7)), "media");
    assert_eq!(look(json!([]), Some(7)), "removed");
    assert_eq!(look(json!([null]), Some(7)), "removed");
    assert_eq!(look(json!([{"_type": "playlist"}]), Some(7)), "unsupported_site");
    assert!(Look::read(json!(null), None).is_err());
    assert!(Look::read(piece.clone(), Some(1)).is_ok());
    assert_eq!(Look::read(piece, Some(2)).unwrap_err().kind, FailureKind::Removed);
}

#[test]
fn heavy_parts_are_not_kept() {
    let value = json!({"id": "x", "automatic_captions": {"en": []}, "formats": []});
    assert_eq!(&*reply::read_media(value, None).unwrap().json, r#"{"id":"x","formats":[]}"#);
}

#[test]
fn only_a_piece_that_is_alone_loses_its_number() {
    let value = json!({"id": "x", "title": "A film (1)", "extractor_key": "HTML5MediaEmbed"});
    let title = |item| {
        let extraction = reply::read_media(value.clone(), item).unwrap();
        assert_eq!(Extraction::from_json(extraction.json).unwrap().info, extraction.info);
        extraction.info.title
    };
    assert_eq!((title(None).as_str(), title(Some(1)).as_str()), ("A film", "A film (1)"));
}
