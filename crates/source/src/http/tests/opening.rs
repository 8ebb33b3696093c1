//! What is learned from the first byte, and what is refused.

use sluice_domain::Length;
use sluice_transfer::Access;

use super::{
    site::{End, Framing, Reply, Site},
    *,
};

const SIZE: usize = 200_000;

#[tokio::test]
async fn a_file_in_ranges_is_read_at_random() {
    let file = file(SIZE, Some("\"e\""));
    let site = Site::faulty(file.clone(), Vec::new()).await;
    let source = opened(&format(&site.base)).await.unwrap();
    assert_eq!((source.length(), source.access()), (Length::Exact(SIZE as u64), Access::Random));
    let again = opened(&format(&site.base)).await.unwrap();
    assert!(source.fingerprint().is_some());
    assert_eq!(source.fingerprint(), again.fingerprint());
    for (from, to) in [(0, None), (5, Some(6)), (7, Some(7)), (SIZE, None), (SIZE - 1, Some(usize::MAX))] {
        let end = to.unwrap_or(usize::MAX).min(SIZE);
        let (bytes, failure) = read(&*source, from as u64, to.map(|to| to as u64)).await;
        assert_eq!(failure, None);
        same(&bytes, &file.bytes[from..end]);
    }
    assert!(read(&*source, SIZE as u64 + 1, None).await.1.is_some());
}

#[tokio::test]
async fn chunks_are_asked_for_on_the_same_connection() {
    let site = Site::faulty(file(250_000, Some("\"e\"")), Vec::new()).await;
    let mut format = format(&site.base);
    format["downloader_options"] = json!({"http_chunk_size": 100_000});
    let source = opened(&format).await.unwrap();
    assert_eq!(read(&*source, 0, None).await.1, None);
    assert_eq!(site.ranges(), ["bytes=0-0", "bytes=0-99999", "bytes=100000-199999", "bytes=200000-"]);
    assert!(site.requests().iter().all(|request| request.connection == 0));
    assert!(site.requests()[1..].iter().all(|request| request.header("if-range") == Some("\"e\"")));
    assert!(site.requests().iter().all(|request| request.header("accept-encoding") == Some("identity")));
}

async fn whole(framing: Framing, cut: Option<(usize, End)>, filesize: Option<usize>) -> (Arc<dyn Source>, File) {
    let file = file(SIZE, None);
    let served = file.clone();
    let site = Site::start(move |_| Reply { framing, cut, ..served.whole() }).await;
    let mut format = format(&site.base);
    format["filesize"] = json!(filesize);
    (opened(&format).await.unwrap(), file)
}

#[tokio::test]
async fn a_file_without_ranges_is_read_once_from_the_start() {
    for (framing, length) in [(Framing::Length, Length::Exact(SIZE as u64)), (Framing::Chunked, Length::Unknown)] {
        let (source, file) = whole(framing, None, None).await;
        assert_eq!(
            (source.length(), source.access(), source.fingerprint()),
            (length, Access::Forward { window: 0 }, None)
        );
        let (bytes, failure) = read(&*source, 0, None).await;
        assert_eq!(failure, None);
        same(&bytes, &file.bytes);
        same(&read(&*source, 0, Some(1000)).await.0, &file.bytes[..1000]);
        assert!(read(&*source, 1, None).await.1.is_some());
    }
}

#[tokio::test]
async fn the_end_of_a_file_without_ranges_is_proven() {
    for cut in [Some((1000, End::Close)), Some((SIZE - 1, End::Reset))] {
        for framing in [Framing::Length, Framing::Chunked, Framing::UntilClose] {
            let (source, _) = whole(framing, cut, None).await;
            assert_eq!(read(&*source, 0, None).await.1.unwrap().kind, FailureKind::Network, "{framing:?}");
        }
    }
    let (source, file) = whole(Framing::UntilClose, None, Some(SIZE)).await;
    let (bytes, failure) = read(&*source, 0, None).await;
    assert_eq!(failure, None);
    same(&bytes, &file.bytes);
    for filesize in [None, Some(SIZE + 1), Some(SIZE - 1)] {
        let (source, _) = whole(Framing::UntilClose, None, filesize).await;
        assert!(read(&*source, 0, None).await.1.is_some(), "{filesize:?}");
    }
}

#[tokio::test]
async fn what_is_no_media_is_refused() {
    let check = async |reply: Reply, kind| {
        let site = Site::start(move |_| reply.clone()).await;
        assert_eq!(failure(opened(&format(&site.base)).await).kind, kind);
    };
    let page = Reply { body: b"<html>".to_vec(), ..Reply::status(200) }.with("Content-Type", "Text/HTML");
    check(page, FailureKind::SiteBusy).await;
    check(Reply::status(200), FailureKind::BadLink).await;
    check(Reply::status(416).with("Content-Range", "bytes */0"), FailureKind::BadLink).await;
    check(Reply::status(404), FailureKind::Removed).await;
    check(Reply::status(451), FailureKind::GeoBlocked).await;
    check(Reply::status(500), FailureKind::Network).await;
    check(Reply::status(302).with("Location", "file:///etc/passwd"), FailureKind::Network).await;
    check(Reply::status(302).with("Location", "/again"), FailureKind::Network).await;
    // Looking again finds nothing.
    check(Reply::status(403), FailureKind::Removed).await;
}

#[tokio::test]
async fn an_address_that_nobody_lets_in_is_renewed_once_in_vain() {
    for (status, kind) in [(401, FailureKind::Private), (403, FailureKind::SiteBusy), (410, FailureKind::Removed)] {
        let site = Site::start(move |_| Reply::status(status)).await;
        let found = Found::these(vec![format(&site.base); 9]);
        let media = media(&format(&site.base), &found);
        assert_eq!(failure(web(tuning()).open(&media, "7", &gate()).await).kind, kind);
        assert_eq!((found.looked(), site.requests().len()), (1, 2));
    }
}

#[tokio::test]
async fn cookies_and_authorization_stay_with_their_host() {
    let file = file(SIZE, Some("\"e\""));
    let there = Site::faulty(file.clone(), Vec::new()).await;
    let elsewhere = there.base.replace("127.0.0.1", "localhost");
    let here = Site::start(move |_| Reply::status(302).with("Location", elsewhere.clone())).await;
    let mut format = format(&here.base);
    format["http_headers"] = json!({"Authorization": "Bearer x", "Referer": "https://a.example/", "Host": "evil"});
    format["cookies"] = json!("a=1; Domain=127.0.0.1; Path=/; b=2; Domain=.a.example; Path=/");
    let source = opened(&format).await.unwrap();
    same(&read(&*source, 0, None).await.0, &file.bytes);
    let (first, then) = (here.requests(), there.requests());
    assert_eq!((first[0].header("cookie"), first[0].header("authorization")), (Some("a=1"), Some("Bearer x")));
    assert_eq!(first.len(), 1, "the way is known by now");
    assert!(then.iter().all(|request| request.header("cookie").is_none() && request.header("authorization").is_none()));
    assert!(then.iter().all(|request| request.header("referer") == Some("https://a.example/")));
}

#[tokio::test]
async fn where_redirects_led_is_forgotten_when_it_expires() {
    let file = file(SIZE, Some("\"e\""));
    let (served, asked) = (file.clone(), AtomicUsize::new(0));
    let site = Site::start(move |request| match request.path.as_str() {
        "/v" => Reply::status(302).with("Location", format!("/{}", asked.fetch_add(1, Ordering::SeqCst))),
        "/0" if request.header("range") != Some("bytes=0-0") => Reply::status(410),
        _ => served.serve(request),
    })
    .await;
    let found = Arc::default();
    let media = media(&format(&format!("{}/v", site.base)), &found);
    let source = web(tuning()).open(&media, "7", &gate()).await.unwrap();
    let (bytes, failure) = read(&*source, 0, None).await;
    assert_eq!((failure, found.looked()), (None, 0));
    same(&bytes, &file.bytes);
    let paths: Vec<_> = site.requests().iter().map(|request| request.path.clone()).collect();
    assert_eq!(paths, ["/v", "/0", "/0", "/v", "/1"]);
}

#[tokio::test]
async fn a_shut_gate_ends_everything() {
    let served = file(SIZE, Some("\"e\""));
    let site = Site::start(move |request| match request.header("range") {
        Some("bytes=0-0") => served.serve(request),
        _ => Reply { cut: Some((50_000, End::Stall)), ..served.serve(request) },
    })
    .await;
    let gate = gate();
    let source = open(&web(tuning()), &format(&site.base), &gate).await.unwrap();
    let mut stream = source.open(0, None).await.unwrap();
    let mut bytes = 0;
    while bytes < 50_000 {
        bytes += stream.next().await.unwrap().unwrap().len();
    }
    let shut = async { gate.shut(Failure::new(FailureKind::Cancelled, "")) };
    let (next, ()) = tokio::join!(stream.next(), shut);
    assert_eq!(next.unwrap().unwrap_err().kind, FailureKind::Cancelled);
    assert!(stream.next().await.is_none());
    assert_eq!(failure(open(&web(tuning()), &format(&site.base), &gate).await).kind, FailureKind::Cancelled);
}

fn dash(base: &str, fragments: usize) -> Value {
    let fragments: Vec<_> = (0..fragments).map(|index| json!({"path": format!("{index}.m4s")})).collect();
    json!({"format_id": "7", "url": format!("{base}/x.mpd"), "protocol": "http_dash_segments", "ext": "mp4",
        "fragment_base_url": format!("{base}/d/"), "fragments": fragments})
}

#[tokio::test]
async fn fragments_are_one_file() {
    let files: Vec<File> = (0..40).map(|index| file(10_000 + 997 * index, Some("\"e\""))).collect();
    let want: Vec<u8> = files.iter().flat_map(|file| file.bytes.to_vec()).collect();
    let broken = AtomicUsize::new(0);
    let site = Site::start(move |request| {
        let name = request.path.rsplit('/').next().unwrap().trim_end_matches(".m4s");
        let reply = files[name.parse::<usize>().unwrap()].serve(request);
        let expired = request.path.starts_with("/d/") && broken.fetch_add(1, Ordering::SeqCst) > 50;
        match request.header("range") {
            Some("bytes=0-0") => reply,
            _ if expired => Reply::status(403),
            _ => reply,
        }
    })
    .await;
    for worth_splitting in [u64::MAX, 0] {
        let mut renewed = dash(&site.base, 40);
        renewed["fragment_base_url"] = json!(format!("{}/new/", site.base));
        let found = Found::these(vec![renewed; 3]);
        let media = media(&dash(&site.base, 40), &found);
        let web = web(Tuning { worth_splitting, ..tuning() });
        let source = web.open(&media, "7", &gate()).await.unwrap();
        assert_eq!((source.length(), source.access()), (Length::Exact(want.len() as u64), Access::Random));
        assert!(source.fingerprint().is_some());
        for (from, to) in [(0, want.len()), (10_000, 20_997), (9_999, 10_001), (300_000, 300_000), (123_456, 555_555)] {
            let (bytes, failure) = read(&*source, from as u64, Some(to as u64)).await;
            assert_eq!(failure, None);
            same(&bytes, &want[from..to]);
        }
        assert_eq!(found.looked(), 1);
    }
}

#[tokio::test]
async fn what_another_route_must_do_is_said() {
    let served = file(SIZE, None);
    let site = Site::start(move |_| served.whole()).await;
    let mut hls = format(&site.base);
    hls["protocol"] = json!("m3u8_native");
    for format in [dash(&site.base, 3), dash(&site.base, 4001), dash(&site.base, 0), hls] {
        assert!(matches!(opened(&format).await, Err(OpenError::Unsuitable(_))));
    }
}
