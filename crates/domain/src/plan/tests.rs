use super::*;
use crate::{Format, Protocol};

fn format(id: &str, ext: &str, video: Codec, audio: Codec, lines: u32, filesize: Option<u64>) -> Format {
    let size = (lines > 0).then_some(lines);
    Format {
        format_id: id.into(),
        protocol: Protocol::Http,
        ext: ext.into(),
        video,
        audio,
        width: size.map(|l| l * 16 / 9),
        height: size,
        filesize,
        plain_get: true,
        ..Format::default()
    }
}

/// A list as YouTube's: worst to best.
fn tube() -> MediaInfo {
    use Codec::{Aac, H264, None, Opus, Vp9};
    let formats = vec![
        format("sb0", "mhtml", None, None, 90, Option::None),
        format("140", "m4a", None, Aac, 0, Some(5_000_000)),
        format("251", "webm", None, Opus, 0, Some(6_000_000)),
        format("18", "mp4", H264, Aac, 360, Some(40_000_000)),
        format("135", "mp4", H264, None, 480, Some(80_000_000)),
        format("136", "mp4", H264, None, 720, Some(150_000_000)),
        format("137", "mp4", H264, None, 1080, Some(400_000_000)),
        format("248", "webm", Vp9, None, 1080, Some(300_000_000)),
    ];
    MediaInfo { id: "x".into(), title: "A film".into(), duration: Some(600.0), formats, ..MediaInfo::default() }
}

fn limits(max: u64) -> Limits {
    Limits { max_file_bytes: ByteSize(max), ..Limits::default() }
}

#[track_caller]
fn check(info: &MediaInfo, preset: Preset, formats: &[&str], name: &str) {
    let plan = plan(info, preset, &limits(4_000_000_000), None).unwrap();
    assert_eq!(
        (plan.formats.iter().map(String::as_str).collect::<Vec<_>>().as_slice(), plan.file_name.as_str()),
        (formats, name),
        "{preset}"
    );
}

#[test]
fn presets_choose_from_what_the_site_has() {
    let info = tube();
    check(&info, Preset::Best, &["248", "251"], "A film.webm");
    check(&info, Preset::P2160, &["248", "251"], "A film.webm");
    check(&info, Preset::P720, &["136", "140"], "A film.mp4");
    check(&info, Preset::P480, &["135", "140"], "A film.mp4");
    check(&info, Preset::Iphone, &["137", "140"], "A film.mp4");
    check(&info, Preset::Audio, &["251"], "A film.webm");
    check(&info, Preset::M4a, &["140"], "A film.m4a");
    check(&info, Preset::Mp3, &["251"], "A film.mp3");
    check(&info, Preset::Opus, &["251"], "A film.opus");
}

#[test]
fn sound_is_converted_only_where_the_site_has_it_in_no_such_form() {
    let encoded = |info: &MediaInfo, preset| {
        let plan = plan(info, preset, &limits(4_000_000_000), None).unwrap();
        assert!(plan.encode.is_none() || plan.sound_only);
        (plan.formats.concat(), plan.encode, plan.route, plan.length)
    };
    let of = |seconds: u64, encoding: Encoding| Length::Estimate(u64::from(encoding.bits_per_second()) / 8 * seconds);
    let mp3 = (Some(Encoding::Mp3), Route::Pipe, of(600, Encoding::Mp3));
    assert_eq!(encoded(&tube(), Preset::Mp3), ("251".to_owned(), mp3.0, mp3.1, mp3.2));
    assert_eq!(encoded(&tube(), Preset::M4a), ("140".to_owned(), None, Route::Direct, Length::Exact(5_000_000)));
    let without = |codec: Codec| {
        let mut info = tube();
        info.formats.retain(|format| format.audio != codec);
        info
    };
    let aac = (Some(Encoding::Aac), Route::Spool, of(600, Encoding::Aac));
    assert_eq!(encoded(&without(Codec::Aac), Preset::M4a), ("251".to_owned(), aac.0, aac.1, aac.2));
    let opus = (Some(Encoding::Opus), Route::Pipe, of(600, Encoding::Opus));
    assert_eq!(encoded(&without(Codec::Opus), Preset::Opus), ("140".to_owned(), opus.0, opus.1, opus.2));
    let podcast = |ext: &str, audio| MediaInfo {
        formats: vec![format("0", ext, Codec::None, audio, 0, Some(7))],
        ..MediaInfo::default()
    };
    for audio in [Codec::Mp3, Codec::Unknown] {
        let as_it_is = ("0".to_owned(), None, Route::Direct, Length::Exact(7));
        assert_eq!(encoded(&podcast("mp3", audio), Preset::Mp3), as_it_is);
    }
    let film = MediaInfo {
        formats: vec![format("0", "mp4", Codec::Unknown, Codec::Unknown, 0, Some(7))],
        ..MediaInfo::default()
    };
    assert_eq!(encoded(&film, Preset::Mp3), ("0".to_owned(), mp3.0, mp3.1, Length::Unknown));
    assert_eq!(encoded(&film, Preset::M4a), ("0".to_owned(), aac.0, aac.1, Length::Unknown));
    let mut silent = tube();
    silent.formats.retain(|format| !format.audio.is_present());
    assert_eq!(plan(&silent, Preset::Mp3, &limits(10), None).unwrap_err().kind, FailureKind::NoSuchFormat);
}

#[test]
fn smaller_than_the_smallest_takes_the_smallest() {
    let mut info = tube();
    info.formats.retain(|format| format.lines().is_none_or(|lines| lines >= 720));
    check(&info, Preset::P480, &["136", "140"], "A film.mp4");
}

#[test]
fn a_plain_file_is_taken_as_it_is() {
    let unknown = || format("0", "mp4", Codec::Unknown, Codec::Unknown, 0, Some(7));
    let info = MediaInfo { title: "clip".into(), formats: vec![unknown()], ..MediaInfo::default() };
    for preset in [Preset::Best, Preset::P480, Preset::Fit] {
        check(&info, preset, &["0"], "clip.mp4");
    }
    let iphone = plan(&info, Preset::Iphone, &limits(10), None).unwrap();
    assert_eq!((iphone.length, iphone.prove_codecs), (Length::Exact(7), Some((Codec::H264, Codec::Aac))));
    assert!(plan(&info, Preset::Audio, &limits(10), None).unwrap().sound_only);
}

#[test]
fn a_pair_is_estimated_by_its_sum() {
    let plan = plan(&tube(), Preset::Iphone, &limits(4_000_000_000), None).unwrap();
    assert_eq!(plan.length, Length::Estimate(405_000_000));
}

#[test]
fn the_sum_of_a_pair_is_judged() {
    let refused = plan(&tube(), Preset::Iphone, &limits(404_999_999), None).unwrap_err();
    assert_eq!(refused.kind, FailureKind::TooLarge);
    assert_eq!(refused.message(), "Too large: at least 405 MB, the limit is 404 MB. 1080p would fit (306 MB).");
    assert!(plan(&tube(), Preset::Iphone, &limits(405_000_000), None).is_ok());
}

#[test]
fn free_space_is_judged_to_the_byte() {
    let free = |bytes| plan(&tube(), Preset::Iphone, &limits(4_000_000_000), Some(ByteSize(bytes)));
    assert!(free(405_000_000).is_ok());
    assert_eq!(free(404_999_999).unwrap_err().kind, FailureKind::QuotaExceeded);
}

#[test]
fn fit_takes_the_best_pair_that_fits() {
    let fit = |max, free: Option<u64>| {
        plan(&tube(), Preset::Fit, &limits(max), free.map(ByteSize))
            .map(|plan| plan.formats.join("+"))
            .map_err(|refusal| refusal.kind)
    };
    assert_eq!(fit(4_000_000_000, None).as_deref(), Ok("248+251"));
    assert_eq!(fit(306_000_000, None).as_deref(), Ok("136+140"), "one per cent of margin");
    assert_eq!(fit(4_000_000_000, Some(90_000_000)).as_deref(), Ok("135+140"));
    assert_eq!(fit(1_000_000, None), Err(FailureKind::TooLarge));
}

#[test]
fn what_cannot_be_had_is_said() {
    let kind = |info: &MediaInfo, preset| plan(info, preset, &limits(4_000_000_000), None).unwrap_err().kind;
    assert_eq!(kind(&MediaInfo::default(), Preset::Best), FailureKind::UnsupportedSite);
    assert_eq!(kind(&MediaInfo { is_live: true, ..tube() }, Preset::Best), FailureKind::LiveNotFinished);
    let mut protected = tube();
    protected.formats.iter_mut().for_each(|format| format.has_drm = true);
    assert_eq!(kind(&protected, Preset::Best), FailureKind::Drm);
    let mut no_aac = tube();
    no_aac.formats.retain(|format| format.audio != Codec::Aac);
    assert_eq!(kind(&no_aac, Preset::Iphone), FailureKind::NoSuchFormat);
}

#[test]
fn the_cheapest_route_that_gives_the_whole_result() {
    let route = |info: &MediaInfo, preset| plan(info, preset, &limits(4_000_000_000), None).unwrap().route;
    let info = tube();
    assert_eq!(route(&info, Preset::Best), Route::Interleave);
    assert_eq!(route(&info, Preset::M4a), Route::Direct);
    assert_eq!(route(&info, Preset::Opus), Route::Pipe, "moved into another container");
    let all = |change: fn(&mut Format)| {
        let mut info = tube();
        info.formats.iter_mut().for_each(change);
        info
    };
    assert_eq!(route(&all(|format| format.plain_get = false), Preset::Best), Route::Pipe);
    assert_eq!(route(&all(|format| format.protocol = Protocol::Dash), Preset::Best), Route::Interleave);
    let hls = all(|format| format.protocol = Protocol::Hls);
    assert_eq!((route(&hls, Preset::Best), route(&hls, Preset::M4a)), (Route::Pipe, Route::Spool));
    let odd = all(|format| format.protocol = Protocol::Other("rtmp".into()));
    assert_eq!((route(&odd, Preset::Best), route(&odd, Preset::M4a)), (Route::Spool, Route::Spool));
    let silent = all(|format| format.ext = "unknown_video".into());
    assert_eq!(route(&silent, Preset::M4a), Route::Spool, "only the file itself tells what it is");
}

#[test]
fn hostile_numbers_do_not_overflow() {
    let mut info = tube();
    info.formats.iter_mut().for_each(|format| format.filesize = Some(u64::MAX / 2 + 1));
    let _ = plan(&info, Preset::Best, &limits(u64::MAX), Some(ByteSize(u64::MAX)));
}
