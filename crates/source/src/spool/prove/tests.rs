//! What is believed, and what a file is called.

use std::sync::Arc;

use sluice_domain::{MediaInfo, Route};

use super::*;

fn plan(container: Container, length: Length, name: FileName) -> Plan {
    let formats = vec!["0".into()];
    let (sound_only, encode, prove_codecs) = (false, None, None);
    Plan { route: Route::Spool, formats, container, file_name: name, length, sound_only, encode, prove_codecs }
}

#[test]
fn sizes_must_agree() {
    let check = |length, announced, want: Option<bool>| {
        let plan = plan(Container::AsIs, length, FileName::from_title("x", ""));
        let arrived = Arrived { path: "media.mp4".into(), bytes: 10, announced };
        assert_eq!(prove_size(&plan, &arrived).ok(), want, "{length:?} {announced:?}");
    };
    check(Length::Unknown, None, Some(false));
    check(Length::Estimate(99), None, Some(false));
    check(Length::Exact(10), None, Some(true));
    check(Length::Unknown, Some(10), Some(true));
    check(Length::Exact(10), Some(10), Some(true));
    check(Length::Exact(11), Some(10), None);
    check(Length::Exact(9), Some(10), Some(true));
    check(Length::Unknown, Some(11), None);
    check(Length::Unknown, Some(9), None);
}

#[test]
fn durations_may_differ_a_little() {
    let check =
        |announced, found, want| assert_eq!(prove_duration(announced, found).is_ok(), want, "{announced:?} {found:?}");
    check(Some(60.0), Some(58.0), true);
    check(Some(60.0), Some(57.9), false);
    check(Some(3600.0), Some(3492.0), true);
    check(Some(3600.0), Some(3491.0), false);
    check(Some(60.0), Some(90.0), true);
    check(None, Some(1.0), true);
    check(Some(60.0), None, true);
}

#[test]
fn codecs_are_proven() {
    let check = |video: Option<Codec>, audio: Option<Codec>, want| {
        let found = Probe { format: "mov".into(), duration: None, video, audio };
        assert_eq!(prove_codecs(&(Codec::H264, Codec::Aac), &found).is_ok(), want, "{found:?}");
    };
    check(Some(Codec::H264), Some(Codec::Aac), true);
    check(Some(Codec::H264), None, true);
    check(Some(Codec::H265), Some(Codec::Aac), false);
    check(Some(Codec::H264), Some(Codec::Opus), false);
    check(None, Some(Codec::Aac), false);
}

#[test]
fn names_get_the_real_extension() {
    let check = |title: &str, planned: &str, container, real: Option<&str>, want: &str| {
        let format = Format { format_id: "0".into(), ext: planned.into(), ..Format::default() };
        let info = MediaInfo { formats: vec![format], ..MediaInfo::default() };
        let extraction = Extraction { info, json: Arc::from("{}") };
        let put = if planned.starts_with("unknown") { "" } else { planned };
        let plan = plan(container, Length::Unknown, FileName::from_title(title, put));
        assert_eq!(name(&plan, &extraction, real).as_str(), want);
    };
    check("clip", "mp4", Container::AsIs, Some("mp4"), "clip.mp4");
    check("clip", "mp4", Container::AsIs, Some("webm"), "clip.webm");
    check("clip", "mp4", Container::AsIs, None, "clip.mp4");
    check("clip", "unknown_video", Container::AsIs, Some("mp4"), "clip.mp4");
    check("Version 2.0", "unknown_video", Container::AsIs, Some("mp4"), "Version 2.0.mp4");
    check("clip", "mp4", Container::Mp4, Some("mkv"), "clip.mkv");
}

#[test]
fn the_link_names_what_is_no_media() {
    let check = |link: &str, want: Option<&str>| {
        let info = MediaInfo { webpage_url: Some(link.into()), ..MediaInfo::default() };
        assert_eq!(extension_in_link(&Extraction { info, json: Arc::from("{}") }).as_deref(), want, "{link}");
    };
    check("https://a.example/notes.TXT?x=1.y", Some("txt"));
    check("https://a.example/notes", None);
    check("https://a.example/.hidden", None);
    check("https://a.example/long.extension", None);
}
