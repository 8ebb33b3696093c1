//! The whole route, with the real yt-dlp and ffmpeg.

mod rig;

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use futures::StreamExt;
use sluice_domain::{
    ByteSize, FailureKind, Length, Limits,
    plan::{Container, Encoding},
};
use sluice_transfer::{Access, Gate};

use super::UPLOAD_WINDOW;
use crate::{
    http::OpenError,
    id3::id3,
    labels::Labels,
    testing::{Body, TestServer, capped, gate, hls, hls_fmp4, hls_pair, large, moov_last, progressive, webm_pair},
};
use rig::{Memory, Rig, hash, of};

/// A gate that bears this much silence.
fn impatient() -> Gate {
    Gate::new(&Limits { max_file_bytes: ByteSize(u64::MAX), idle_timeout: Duration::from_secs(1), ..Limits::default() })
}

#[tokio::test]
async fn segments_become_one_film_packet_by_packet() {
    let (hls, fmp4) = (hls(), hls_fmp4());
    let server = TestServer::start().folder(hls.path()).folder(fmp4.path());
    let links = [("/clip.m3u8", &hls), ("/fmp4.m3u8", &fmp4)];
    for (rig, (path, folder)) in links.into_iter().flat_map(|link| [(Rig::new(), link), (Rig::native(), link)]) {
        let gate = gate();
        let fetched = rig.fetch_link(&server.url(path), &gate).await.unwrap();
        assert_eq!(fetched.source.access(), Access::Forward { window: UPLOAD_WINDOW });
        let film = rig.read(&fetched, &gate).await.unwrap();
        let original = fs::canonicalize(folder.path().join(&path[1..])).unwrap();
        assert_eq!(hash(&film, "mp4"), of(&original), "{path}");
        assert!(gate.at_least() >= ByteSize(film.len() as u64));
        drop(fetched);
        rig.nothing_is_left().await;
    }
}

#[tokio::test]
async fn a_pair_becomes_one_film_packet_by_packet() {
    let (picture, sound) = webm_pair();
    let rig = Rig::new();
    for container in [Container::Webm, Container::Mkv] {
        let inputs = [Memory::whole(&picture), Memory::whole(&sound)];
        let fetched = rig.fetch(container, Some(6.0), inputs, &gate()).await.unwrap();
        assert_eq!(fetched.source.length(), Length::Estimate(7));
        let film = rig.read(&fetched, &gate()).await.unwrap();
        let (of_picture, of_sound) = (hash(&picture, "webm"), hash(&sound, "webm"));
        assert_eq!(hash(&film, "webm"), [&of_picture[..], &of_sound.replace("0,a", "1,a")].concat());
        drop(fetched);
        rig.nothing_is_left().await;
    }
}

#[tokio::test]
async fn segments_of_a_picture_and_of_a_sound_become_one_film() {
    let hls = hls_pair();
    let server = TestServer::start().folder(hls.path());
    // ffmpeg, and yt-dlp for each that we do not fetch; one that has given everything may be gone by now.
    for (rig, children) in [(Rig::new(), 2..=3), (Rig::native(), 1..=1)] {
        let gate = gate();
        let fetched = rig.fetch_link(&server.url("/pair.m3u8"), &gate).await.unwrap();
        assert_eq!(fetched.file_name.as_str(), "pair.mp4", "the site did not say what the sound is");
        assert!(children.contains(&rig.children().len()), "{:?}", rig.children());
        let film = hash(&rig.read(&fetched, &gate).await.unwrap(), "mp4");
        let (picture, sound) = (of(&hls.path().join("picture.m3u8")), of(&joined(hls.path(), "sound", "aac")));
        assert_eq!(film, [picture, sound.replace("0,a", "1,a")].concat());
    }
}

#[tokio::test]
async fn what_we_fetch_is_never_a_file() {
    let hls = hls();
    let server = TestServer::start().folder(hls.path()).on("/clip3.ts", Body::Stalls("video/mp2t", vec![0x47; 1000]));
    let (rig, gate) = (Rig::native(), gate());
    let fetched = rig.fetch_link(&server.url("/clip.m3u8"), &gate).await.unwrap();
    server.asked("/clip3.ts").await;
    assert_eq!((rig.files(), rig.children().len()), (Vec::<PathBuf>::new(), 1), "three segments went by");
    drop(fetched);
    rig.nothing_is_left().await;
}

/// The segments of a folder as one file.
fn joined(folder: &Path, name: &str, ext: &str) -> PathBuf {
    let segments = (0..).map_while(|number| fs::read(folder.join(format!("{name}{number}.{ext}"))).ok());
    let file = folder.join(format!("joined.{ext}"));
    fs::write(&file, segments.collect::<Vec<_>>().concat()).unwrap();
    file
}

#[tokio::test]
async fn a_film_that_is_interrupted_by_another_goes_through() {
    let (one, other) = (hls(), hls());
    let mut server = TestServer::start();
    let mut playlist = "#EXTM3U\n#EXT-X-TARGETDURATION:1\n".to_owned();
    for (folder, name) in [(&one, "clip0.ts"), (&one, "clip1.ts"), (&other, "clip0.ts"), (&one, "clip2.ts")] {
        let path = format!("/{}{name}", folder.path().file_name().unwrap().display());
        let segment = fs::read(folder.path().join(name)).unwrap();
        server = server.on(&path, Body::Whole("video/mp2t", segment));
        playlist += &format!("#EXT-X-DISCONTINUITY\n#EXTINF:1,\n{path}\n");
    }
    playlist += "#EXT-X-ENDLIST\n";
    let server = server.on("/clip.m3u8", Body::Whole("application/vnd.apple.mpegurl", playlist.into()));
    let mut films = Vec::new();
    for rig in [Rig::new(), Rig::native()] {
        let gate = gate();
        let fetched = rig.fetch_link(&server.url("/clip.m3u8"), &gate).await.unwrap();
        films.push(rig.read(&fetched, &gate).await.unwrap());
    }
    assert!(films[0].len() > 100_000, "{}", films[0].len());
    assert!(films[0] == films[1], "the same, whoever fetches it");
}

#[tokio::test]
async fn what_follows_the_film_in_its_file_does_no_harm() {
    let rig = Rig::new();
    let mut clip = progressive();
    let film = hash(&clip, "mp4");
    clip.extend([&[0, 16, 0, 0][..], b"free"].concat());
    clip.resize(clip.len() + (1 << 20) - 8, 0);
    let fetched = rig.fetch(Container::Mp4, Some(6.0), [Memory::whole(&clip)], &gate()).await.unwrap();
    assert_eq!(hash(&rig.read(&fetched, &gate()).await.unwrap(), "mp4"), film);
}

/// Does this end like that, with nothing left behind?
async fn fails(rig: &Rig, inputs: impl IntoIterator<Item = Memory>, gate: &Gate, want: FailureKind) {
    let inputs: Vec<_> = inputs.into_iter().collect();
    let container = if inputs.len() == 2 { Container::Webm } else { Container::Mp4 };
    let failure = rig.whole(container, Some(6.0), inputs, gate).await.unwrap_err();
    assert_eq!(failure.kind, want, "{failure}");
    rig.nothing_is_left().await;
}

#[tokio::test]
async fn a_part_that_breaks_off_never_ends_well() {
    let ((picture, sound), clip, rig) = (webm_pair(), progressive(), Rig::new());
    for part in [1, 2, 3] {
        let cut = |bytes: &[u8]| bytes.len() * part / 4;
        let (at, whole) = (cut(&sound), Memory::whole(&picture));
        fails(&rig, [whole.clone(), Memory::fails(&sound, at)], &gate(), FailureKind::Network).await;
        fails(&rig, [whole, Memory::short(&sound, at)], &gate(), FailureKind::Network).await;
        fails(&rig, [Memory::fails(&clip, cut(&clip))], &gate(), FailureKind::Network).await;
        fails(&rig, [Memory::short(&clip, cut(&clip))], &gate(), FailureKind::Network).await;
    }
    fails(&rig, [Memory::whole(&[])], &gate(), FailureKind::BadLink).await;
    fails(&rig, [Memory::whole(b"#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1/\n")], &gate(), FailureKind::Internal).await;
}

#[tokio::test]
async fn a_film_that_is_too_short_never_ends_well() {
    let rig = Rig::new();
    let failure = rig.whole(Container::Mp4, Some(9.0), [Memory::whole(&progressive())], &gate()).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Network, "{failure}");
    assert!(rig.whole(Container::Mp4, None, [Memory::whole(&progressive())], &gate()).await.is_ok());
}

#[tokio::test]
async fn a_segment_that_is_not_whole_never_ends_well() {
    let hls = hls();
    let segment = fs::read(hls.path().join("clip3.ts")).unwrap();
    let cut = Body::CutOff(segment.len() as u64, segment[..segment.len() / 2].to_vec());
    // What breaks off is not gone on with: yt-dlp would not ask whether it is still the same.
    for (fault, tries) in [(Body::Status(404), 4), (cut, 1)] {
        let server = TestServer::start().folder(hls.path()).on("/clip3.ts", fault);
        let asked = || server.requests().iter().filter(|path| *path == "/clip3.ts").count();
        let (rig, gate) = (Rig::new(), gate());
        let failure = rig.whole_link(&server.url("/clip.m3u8"), &gate).await.unwrap_err();
        assert!(matches!(failure.kind, FailureKind::BadLink | FailureKind::Network), "{failure}");
        assert_eq!(asked(), tries);
        rig.nothing_is_left().await;
        let rig = Rig::native();
        let failure = rig.whole_link(&server.url("/clip.m3u8"), &gate).await.unwrap_err();
        assert!(matches!(failure.kind, FailureKind::Internal | FailureKind::Network), "{failure}");
        assert!(asked() <= tries + 6, "{} requests", asked());
        rig.nothing_is_left().await;
    }
}

#[tokio::test]
async fn sound_is_converted_while_it_comes() {
    let ((_, sound), clip, rig) = (webm_pair(), progressive(), Rig::new());
    for input in [&sound, &clip, &large()] {
        // The film would not be let through, the sound is.
        let mp3 = rig.convert(Encoding::Mp3, Some(6.0), Memory::whole(input), &capped(200_000)).await.unwrap();
        let labels = id3(&Labels { title: Some("A title".into()), ..Labels::default() });
        assert!(mp3.starts_with(&labels));
        let (bytes, expected) = (mp3.len() - labels.len(), 6 * 192_000 / 8);
        assert!((expected..expected + 2500).contains(&bytes), "{bytes} bytes");
        let opus = rig.convert(Encoding::Opus, Some(6.0), Memory::whole(input), &gate()).await.unwrap();
        assert!(opus.starts_with(b"OggS") && opus.len() > 10_000);
        rig.nothing_is_left().await;
    }
}

#[tokio::test]
async fn a_conversion_of_half_a_film_never_ends_well() {
    let (clip, rig) = (progressive(), Rig::new());
    for encoding in [Encoding::Mp3, Encoding::Opus] {
        for input in [Memory::short(&clip, clip.len() / 2), Memory::fails(&clip, clip.len() / 2)] {
            let refused = rig.convert(encoding, None, input, &gate()).await.unwrap_err();
            assert!(
                matches!(&refused, OpenError::Failed(failure) if failure.kind == FailureKind::Network),
                "{refused:?}"
            );
        }
        let refused = rig.convert(encoding, Some(9.0), Memory::whole(&clip), &gate()).await.unwrap_err();
        assert!(matches!(&refused, OpenError::Failed(failure) if failure.kind == FailureKind::Network), "{refused:?}");
        let refused = rig.convert(encoding, None, Memory::whole(&clip), &capped(20_000)).await.unwrap_err();
        assert!(matches!(&refused, OpenError::Failed(failure) if failure.kind == FailureKind::TooLarge), "{refused:?}");
        rig.nothing_is_left().await;
    }
}

#[tokio::test]
async fn what_has_its_index_last_is_for_another_route() {
    let rig = Rig::new();
    let refused = rig.convert(Encoding::Mp3, None, Memory::whole(&moov_last()), &gate()).await.unwrap_err();
    assert!(matches!(refused, OpenError::Unsuitable(_)), "{refused:?}");
    rig.nothing_is_left().await;
}

#[tokio::test]
async fn silence_ends() {
    let ((picture, sound), rig) = (webm_pair(), Rig::new());
    let silent = Memory::stalls(&sound, sound.len() / 2);
    fails(&rig, [Memory::whole(&picture), silent], &impatient(), FailureKind::TimedOut).await;
    let hls = hls();
    for (path, body) in [("/clip0.ts", vec![0x47; 1000]), ("/clip3.ts", vec![0x47; 1000])] {
        let server = TestServer::start().folder(hls.path()).on(path, Body::Stalls("video/mp2t", body));
        for rig in [Rig::new(), Rig::native()] {
            let failure = rig.whole_link(&server.url("/clip.m3u8"), &impatient()).await.unwrap_err();
            assert_eq!(failure.kind, FailureKind::TimedOut, "{failure}");
            rig.nothing_is_left().await;
        }
    }
}

#[tokio::test]
async fn dropping_it_ends_everything() {
    let hls = hls();
    let server = TestServer::start().folder(hls.path()).on("/clip3.ts", Body::Stalls("video/mp2t", vec![0x47; 1000]));
    let (rig, gate) = (Rig::new(), gate());
    let fetched = rig.fetch_link(&server.url("/clip.m3u8"), &gate).await.unwrap();
    let mut reader = fetched.source.open(0, None).await.unwrap();
    assert!(futures::poll!(reader.next()).is_pending());
    assert_eq!(rig.children().len(), 2, "yt-dlp and ffmpeg");
    drop(fetched);
    rig.nothing_is_left().await;
    assert!(reader.next().await.unwrap().is_err());
}

#[tokio::test]
async fn a_shut_gate_ends_everything_even_when_nobody_reads() {
    let hls = hls();
    let server = TestServer::start().folder(hls.path()).on("/clip3.ts", Body::Stalls("video/mp2t", vec![0x47; 1000]));
    let (rig, gate) = (Rig::new(), gate());
    let fetched = rig.fetch_link(&server.url("/clip.m3u8"), &gate).await.unwrap();
    gate.shut(sluice_domain::Failure::new(FailureKind::Cancelled, "test"));
    rig.nothing_is_left().await;
    assert_eq!(rig.read(&fetched, &gate).await.unwrap_err().kind, FailureKind::Cancelled);
}

#[tokio::test]
async fn a_killed_child_is_no_end() {
    let ((picture, sound), rig) = (webm_pair(), Rig::new());
    let inputs = [Memory::stalls(&picture, picture.len() / 2), Memory::whole(&sound)];
    let fetched = rig.fetch(Container::Webm, None, inputs, &gate()).await.unwrap();
    for child in rig.children() {
        nix::sys::signal::kill(child, nix::sys::signal::Signal::SIGKILL).unwrap();
    }
    assert_eq!(rig.read(&fetched, &gate()).await.unwrap_err().kind, FailureKind::Internal);
    rig.nothing_is_left().await;
}

#[tokio::test]
async fn too_much_is_stopped_at_the_inputs() {
    let (rig, clip) = (Rig::new(), large());
    let gate = capped(10_000_000);
    let input = Memory::whole(&clip);
    let fetched = rig.fetch(Container::Mp4, None, [input.clone()], &gate).await.unwrap();
    // Read, but not counted at the gate by the reader.
    let other = crate::testing::gate();
    assert_eq!(rig.read(&fetched, &other).await.unwrap_err().kind, FailureKind::TooLarge);
    assert!((12_000_000..12_100_000).contains(&input.asked()), "{}", input.asked());
    rig.nothing_is_left().await;
}

#[tokio::test]
async fn a_slow_reader_holds_everything_up() {
    let (rig, clip) = (Rig::new(), large());
    let input = Memory::whole(&clip);
    let fetched = rig.fetch(Container::Mp4, None, [input.clone()], &gate()).await.unwrap();
    let mut reader = fetched.source.open(0, None).await.unwrap();
    let mut taken = 0;
    while taken <= UPLOAD_WINDOW {
        taken += reader.next().await.unwrap().unwrap().len() as u64;
    }
    assert!(futures::poll!(reader.next()).is_pending(), "nothing is released");
    let mut asked = 0;
    while asked != input.asked() {
        asked = input.asked();
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    // The window; two pipes of 256 KiB; a fragment of 5 MB in ffmpeg's hands.
    assert!(asked < UPLOAD_WINDOW + (6 << 20), "{asked} of {}", clip.len());
    fetched.source.release(taken);
    while taken < 2 * UPLOAD_WINDOW {
        taken += reader.next().await.unwrap().unwrap().len() as u64;
        fetched.source.release(taken);
    }
    drop(fetched);
    rig.nothing_is_left().await;
}
