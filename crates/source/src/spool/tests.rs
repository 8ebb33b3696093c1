//! The whole route, with the real yt-dlp and ffmpeg.

use std::{fs, time::Instant};

use futures::TryStreamExt;
use serde_json::json;
use sluice_domain::{ByteSize, FailureKind, Length, Limits, Preset, plan};
use tempfile::TempDir;

use super::*;
use crate::{
    Extractor, Found,
    extract::PlainYtDlp,
    testing::{Body, Memory, TestServer, capped, dash, gate, hls, hls_fmp4, link, progressive, tools},
};

struct Rig {
    spool: Spool,
    plain: PlainYtDlp,
    dir: TempDir,
}

impl Rig {
    fn new() -> Self {
        Self::with_room(1 << 30)
    }

    fn with_room(bytes: u64) -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self { spool: Spool::open(dir.path(), ByteSize(bytes), tools()).unwrap(), plain: PlainYtDlp::new(tools()), dir }
    }

    async fn fetch(&self, url: &str, preset: Preset, gate: &Gate) -> Result<Fetched, Failure> {
        let Found::Media(extraction) = self.plain.extract(&link(url), None, gate).await? else { panic!("a list") };
        self.fetch_found(&extraction, preset, gate).await
    }

    async fn fetch_found(&self, extraction: &Extraction, preset: Preset, gate: &Gate) -> Result<Fetched, Failure> {
        let plan = plan::plan(&extraction.info, preset, &Limits::default(), None)?;
        self.spool.fetch(&plan, extraction, None, &Labels::default(), gate).await
    }

    /// How many fetches have a directory now.
    fn fetches(&self) -> usize {
        let owners = fs::read_dir(self.dir.path()).unwrap().flatten().filter(|entry| entry.path().is_dir());
        owners
            .map(|owner| fs::read_dir(owner.path()).unwrap().flatten().filter(|entry| entry.path().is_dir()).count())
            .sum()
    }
}

async fn read(fetched: &Fetched, offset: u64) -> Vec<u8> {
    fetched.source.open(offset, None).await.unwrap().try_collect::<Vec<_>>().await.unwrap().concat()
}

/// Does the link end like this, with nothing left behind?
async fn fails(body: Body, gate: &Gate, want: FailureKind) -> Failure {
    let server = TestServer::start().on("/clip.mp4", body);
    let rig = Rig::new();
    let failure = rig.fetch(&server.url("/clip.mp4"), Preset::Best, gate).await.unwrap_err();
    assert_eq!(failure.kind, want, "{failure}");
    assert_eq!(rig.fetches(), 0);
    failure
}

#[tokio::test]
async fn a_file_arrives_byte_for_byte() {
    let clip = progressive();
    let server = TestServer::start()
        .on("/clip.mp4", Body::Whole("video/mp4", clip.clone()))
        .on("/chunked.mp4", Body::Chunked("video/mp4", clip.clone()))
        .on("/closed.mp4", Body::UntilClose("video/mp4", clip.clone()))
        .on("/moved", Body::Redirect("/clip.mp4".into()))
        .on("/notes.txt", Body::Whole("text/plain", b"plain words".to_vec()));
    let rig = Rig::new();
    for (path, name, want) in [
        ("/clip.mp4", "clip.mp4", &clip[..]),
        ("/chunked.mp4", "chunked.mp4", &clip),
        ("/closed.mp4", "closed.mp4", &clip),
        ("/moved", "clip.mp4", &clip),
        ("/notes.txt", "notes.txt", b"plain words"),
    ] {
        let gate = gate();
        let fetched = rig.fetch(&server.url(path), Preset::Best, &gate).await.unwrap();
        assert_eq!(fetched.file_name.as_str(), name);
        assert_eq!(fetched.source.length(), Length::Exact(want.len() as u64));
        assert!(read(&fetched, 0).await == want, "{path}");
        assert!(read(&fetched, 5).await == want[5..], "{path} from an offset");
        assert_eq!(gate.counts().0, want.len() as u64);
        assert_eq!(rig.fetches(), 1);
        drop(fetched);
        assert_eq!(rig.fetches(), 0);
    }
}

#[tokio::test]
async fn streams_in_pieces_become_one_file() {
    let (hls, fmp4, dash) = (hls(), hls_fmp4(), dash());
    let server = TestServer::start().folder(hls.path()).folder(fmp4.path()).folder(dash.path());
    let rig = Rig::new();
    for (path, preset, name) in [
        ("/clip.m3u8", Preset::Best, "clip.mp4"),
        ("/fmp4.m3u8", Preset::Best, "fmp4.mp4"),
        ("/clip.mpd", Preset::Best, "clip.mp4"),
        ("/clip.mpd", Preset::Iphone, "clip.mp4"),
        ("/clip.mpd", Preset::M4a, "clip.m4a"),
        ("/clip.m3u8", Preset::M4a, "clip.m4a"),
        ("/fmp4.m3u8", Preset::Audio, "fmp4.m4a"),
    ] {
        let fetched = rig.fetch(&server.url(path), preset, &gate()).await.unwrap();
        assert_eq!(fetched.file_name.as_str(), name, "{path} {preset}");
        assert!(read(&fetched, 4).await.starts_with(b"ftyp"), "{path} {preset}");
    }
}

#[tokio::test]
async fn sound_is_taken_out_of_a_film_as_it_is() {
    let server = TestServer::start().on("/clip.mp4", Body::Whole("video/mp4", progressive()));
    let rig = Rig::new();
    let fetched = rig.fetch(&server.url("/clip.mp4"), Preset::Audio, &gate()).await.unwrap();
    assert_eq!(fetched.file_name.as_str(), "clip.m4a");
}

#[tokio::test]
async fn the_sound_of_a_film_that_is_too_large_is_not_too_large() {
    let film = progressive();
    let server = TestServer::start().on("/clip.mp4", Body::Ranges("video/mp4", film.clone()));
    let (rig, gate) = (Rig::new(), capped(film.len() as u64 / 2));
    let Found::Media(extraction) = rig.plain.extract(&link(server.url("/clip.mp4")), None, &gate).await.unwrap() else {
        panic!("a list")
    };
    for preset in [Preset::Audio, Preset::M4a] {
        let plan = plan::plan(&extraction.info, preset, &Limits::default(), None).unwrap();
        let memory: Arc<dyn Source> = Arc::new(Memory::new(film.clone(), None));
        for own in [None, Some(memory)] {
            let fetched = rig.spool.fetch(&plan, &extraction, own, &Labels::default(), &gate).await.unwrap();
            let sound = read(&fetched, 0).await;
            assert!(sound[4..].starts_with(b"ftyp") && sound.len() < film.len() / 2, "{} bytes", sound.len());
        }
        let capped = capped(5000);
        let failure = rig.spool.fetch(&plan, &extraction, None, &Labels::default(), &capped).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::TooLarge, "{failure}");
    }
    assert_eq!(rig.fetches(), 0);
}

#[tokio::test]
async fn an_unnamed_codec_is_proven_for_the_iphone() {
    let server = TestServer::start().on("/clip.mp4", Body::Whole("video/mp4", progressive()));
    let rig = Rig::new();
    assert!(rig.fetch(&server.url("/clip.mp4"), Preset::Iphone, &gate()).await.is_ok());
    fails_for_iphone(b"\0\0\0\x18ftypmp42 but no film".to_vec()).await;
}

async fn fails_for_iphone(bytes: Vec<u8>) {
    let server = TestServer::start().on("/clip.mp4", Body::Whole("video/mp4", bytes));
    let failure = Rig::new().fetch(&server.url("/clip.mp4"), Preset::Iphone, &gate()).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::NoSuchFormat);
}

#[tokio::test]
async fn what_breaks_off_never_lands() {
    let clip = progressive();
    let cut = Body::CutOff(clip.len() as u64, clip[..clip.len() / 2].to_vec());
    assert!(fails(cut, &gate(), FailureKind::Network).await.is_transient());
    let cut = Body::UntilClose("video/mp4", clip[..clip.len() / 2].to_vec());
    assert!(fails(cut, &gate(), FailureKind::Network).await.is_transient());
    fails(Body::Whole("video/mp4", Vec::new()), &gate(), FailureKind::BadLink).await;
}

#[tokio::test]
async fn two_files_are_never_mixed_when_one_replaces_the_other() {
    let (old, new) = (vec![1; 300_000], vec![2; 300_000]);
    let server = TestServer::start().on("/notes", Body::Replaced("application/octet-stream", old, new.clone()));
    let file = |chunk: u32| {
        json!({"id": "x", "title": "notes", "extractor": "Site", "formats": [{
            "format_id": "0", "protocol": "http", "url": server.url("/notes"), "ext": "unknown_video",
            "vcodec": null, "acodec": null, "downloader_options": {"http_chunk_size": chunk},
        }]})
    };
    // Asked for piece by piece, it might be replaced between two of them.
    for chunk in [0, 100_000] {
        let extraction = Extraction::from_json(file(chunk).to_string().into()).unwrap();
        let rig = Rig::new();
        let fetched = rig.fetch_found(&extraction, Preset::Best, &gate()).await.unwrap();
        assert!(read(&fetched, 0).await == new, "pieces of {chunk}");
    }
    let asked = server.requests().len();
    assert_eq!(asked, 3, "begun twice, and then once");
}

#[tokio::test]
async fn a_segment_is_never_mixed_with_the_one_that_replaces_it() {
    let hls = hls();
    let segment = fs::read(hls.path().join("clip3.ts")).unwrap();
    let other = [&segment[..segment.len() / 2], &vec![0xFF; segment.len() - segment.len() / 2]].concat();
    // The end of one packet is another.
    let server = TestServer::start().folder(hls.path()).on("/clip3.ts", Body::Replaced("video/mp2t", other, segment));
    let rig = Rig::new();
    let fetched = rig.fetch(&server.url("/clip.m3u8"), Preset::Best, &gate()).await.unwrap();
    let asked = |path: &str| server.requests().iter().filter(|asked| *asked == path).count();
    assert_eq!((asked("/clip0.ts"), asked("/clip3.ts")), (2, 2), "begun again, from the first segment on");
    assert!(read(&fetched, 4).await.starts_with(b"ftyp"));
}

#[tokio::test]
async fn a_missing_fragment_is_not_skipped() {
    let hls = hls();
    let server = TestServer::start().folder(hls.path()).on("/clip3.ts", Body::Status(404));
    let failure = Rig::new().fetch(&server.url("/clip.m3u8"), Preset::Best, &gate()).await.unwrap_err();
    assert!(matches!(failure.kind, FailureKind::BadLink | FailureKind::Network), "{failure}");
}

#[tokio::test]
async fn too_much_is_refused_as_soon_as_it_is_announced() {
    let gate = capped(1_000_000);
    fails(Body::Announced(1 << 30), &gate, FailureKind::TooLarge).await;
    assert!(gate.counts().0 <= 1_000_000 + 64 * 1024, "{:?}", gate.counts());
}

#[tokio::test]
async fn too_much_is_stopped_when_nobody_announced_it() {
    let gate = capped(1_000_000);
    fails(Body::Endless, &gate, FailureKind::TooLarge).await;
    assert!(gate.counts().0 <= 1_000_000 + 64 * 1024, "{:?}", gate.counts());
}

#[tokio::test]
async fn the_sum_of_all_pieces_counts() {
    let (hls, dash) = (hls(), dash());
    let server = TestServer::start().folder(hls.path()).folder(dash.path());
    let rig = Rig::new();
    for path in ["/clip.m3u8", "/clip.mpd"] {
        let whole = rig.fetch(&server.url(path), Preset::Best, &gate()).await.unwrap().source.length().bytes().unwrap();
        // Every piece alone would fit.
        let gate = capped(whole - 20_000);
        let failure = rig.fetch(&server.url(path), Preset::Best, &gate).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::TooLarge, "{path}: {failure}");
        assert!(rig.fetch(&server.url(path), Preset::Best, &capped(whole + whole / 4)).await.is_ok(), "{path}");
        assert_eq!(rig.fetches(), 0);
    }
}

#[tokio::test]
async fn the_spool_has_an_end() {
    let server = TestServer::start().on("/clip.mp4", Body::Endless);
    let rig = Rig::with_room(2_000_000);
    let failure = rig.fetch(&server.url("/clip.mp4"), Preset::Best, &gate()).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::NoSpool, "{failure}");
}

#[tokio::test]
async fn silence_ends() {
    let limits = Limits { idle_timeout: std::time::Duration::from_secs(1), ..Limits::default() };
    let gate = Gate::new(&limits);
    let started = Instant::now();
    fails(Body::Stalls("video/mp4", vec![0; 100_000]), &gate, FailureKind::TimedOut).await;
    // yt-dlp alone would wait and try again for a minute.
    assert!(started.elapsed().as_secs() < 40);
}

#[tokio::test]
async fn a_shut_gate_ends_it_at_once() {
    let server = TestServer::start().on("/clip.mp4", Body::Stalls("video/mp4", vec![0; 100_000]));
    let (rig, gate) = (Rig::new(), gate());
    let shut = async {
        // The download is under way as soon as there is something to count.
        while gate.counts().0 == 0 {
            tokio::task::yield_now().await;
        }
        gate.shut(Failure::new(FailureKind::Cancelled, "test"));
        Instant::now()
    };
    let url = server.url("/clip.mp4");
    let (fetched, shut_at) = tokio::join!(rig.fetch(&url, Preset::Best, &gate), shut);
    assert_eq!(fetched.unwrap_err().kind, FailureKind::Cancelled);
    assert!(shut_at.elapsed().as_millis() < 1000);
    assert_eq!(rig.fetches(), 0);
}

#[tokio::test]
async fn a_failing_download_does_not_extract_again() {
    let server = TestServer::start()
        .on("/page", Body::Whole("text/html", b"<title>x</title><video src=\"/gone.mp4\"></video>".to_vec()))
        .on("/gone.mp4", Body::Status(403));
    let failure = Rig::new().fetch(&server.url("/page"), Preset::Best, &gate()).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::SiteBusy, "{failure}");
    let pages = server.requests().iter().filter(|path| *path == "/page").count();
    assert!(pages <= 2, "{:?}", server.requests());
}

#[tokio::test]
async fn a_playlist_in_disguise_leads_nowhere() {
    let server = TestServer::start().on("/secret.ts", Body::Whole("video/mp2t", vec![0x47; 188]));
    let playlist =
        format!("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{}\n#EXT-X-ENDLIST\n", server.url("/secret.ts"));
    let page = format!("<title>x</title><video src=\"{}\"></video>", server.url("/film.mp4"));
    let server = server
        .on("/page", Body::Whole("text/html", page.into()))
        .on("/film.mp4", Body::Whole("video/mp4", playlist.into()));
    // Every preset that lets ffmpeg or ffprobe see the file.
    for preset in [Preset::Audio, Preset::Iphone] {
        assert!(Rig::new().fetch(&server.url("/page"), preset, &gate()).await.is_err());
    }
    assert!(!server.requests().contains(&"/secret.ts".to_owned()), "{:?}", server.requests());
}
