//! What every extractor must do, and how its answers are read.

use serde_json::json;
use sluice_domain::{Codec, Protocol};

use super::*;
use crate::testing::{Body, TestServer, dash, gate, hls, link, progressive, tools};

pub(super) fn site() -> TestServer {
    let live = "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\nclip0.ts\n";
    TestServer::start()
        .on("/clip.mp4", Body::Whole("video/mp4", progressive()))
        .on("/page", Body::Whole("text/html", b"<title>A film</title><video src=\"/clip.mp4\"></video>".to_vec()))
        .on(
            "/pages",
            Body::Whole(
                "text/html",
                b"<title>Two</title><video src=\"/clip.mp4\"></video><video src=\"/b.mp4\"></video>".to_vec(),
            ),
        )
        .on("/nothing", Body::Whole("text/html", b"<title>Words</title>".to_vec()))
        .on("/live.m3u8", Body::Whole("application/vnd.apple.mpegurl", live.into()))
        .on("/blocked", Body::Status(403))
        .on("/busy", Body::Status(503))
        .folder(hls().path())
        .folder(dash().path())
}

pub(super) async fn check(extractor: &dyn Extractor) {
    let site = site();
    let gate = gate();
    let extract = async |path: &str| extractor.extract(&link(site.url(path)), &gate).await;

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
        ("/pages", FailureKind::UnsupportedSite),
        ("/nothing", FailureKind::UnsupportedSite),
        ("/blocked", FailureKind::SiteBusy),
        ("/busy", FailureKind::SiteBusy),
        ("/missing", FailureKind::BadLink),
    ] {
        let failure = extract(path).await.unwrap_err();
        assert_eq!(failure.kind, kind, "{path}: {failure}");
        assert_eq!(failure.explanation.as_deref() == Some(A_LIST), path == "/pages", "{failure:?}");
    }
}

#[tokio::test]
async fn plain_yt_dlp_extracts() {
    check(&PlainYtDlp::new(tools())).await;
}

/// What the info JSON says of one piece.
fn read(value: serde_json::Value) -> Result<MediaInfo, Failure> {
    match Reply::read(value)? {
        Reply::Media(extraction) => Ok(extraction.info),
        other => Err(Failure::internal(format!("{other:?}"))),
    }
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
    let list = |entries: serde_json::Value| Reply::read(json!({"_type": "playlist", "entries": entries}));
    let piece = json!({"id": "x", "url": "https://a.example/v", "format_id": "0"});
    let elsewhere = json!({"_type": "url", "url": "https://a.example/v"});
    assert!(matches!(list(json!([])), Ok(Reply::List)));
    assert!(matches!(list(json!([piece, piece])), Ok(Reply::List)));
    assert!(matches!(list(json!([piece])), Ok(Reply::Media(_))));
    assert!(matches!(list(json!([elsewhere])), Ok(Reply::Item(_))));
    assert!(matches!(list(json!([{"_type": "url", "url": "file:///etc/passwd"}])), Ok(Reply::List)));
    assert!(Reply::read(json!(null)).is_err());
}

#[test]
fn heavy_parts_are_not_kept() {
    let reply = Reply::read(json!({"id": "x", "automatic_captions": {"en": []}, "formats": []})).unwrap();
    let Reply::Media(extraction) = reply else { panic!("not a piece") };
    assert_eq!(&*extraction.json, r#"{"id":"x","formats":[]}"#);
}
