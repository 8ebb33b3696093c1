//! A film in segments: the very bytes of its parts one after another, or a failure.

use proptest::{collection::vec, prelude::*};
use sluice_domain::{ByteSize, Length, Limits};
use sluice_transfer::Access;

use super::{
    site::{End, Framing, Reply, Request, Site},
    *,
};
use crate::http::Film;

const SIZE: usize = 100_000;
const PLAYLIST: &str = "/f/list.m3u8";

fn part(number: usize) -> File {
    file(SIZE + 8 * number, None)
}

fn film(parts: impl IntoIterator<Item = usize>) -> Vec<u8> {
    parts.into_iter().flat_map(|number| part(number).bytes.to_vec()).collect()
}

/// A playlist with these addresses.
fn list<'a>(addresses: impl IntoIterator<Item = &'a str>) -> String {
    let segments = addresses.into_iter().map(|address| format!("#EXTINF:1.5,\n{address}\n"));
    format!("#EXTM3U\n#EXT-X-TARGETDURATION:2\n{}#EXT-X-ENDLIST\n", segments.collect::<String>())
}

fn text(text: &str) -> Reply {
    Reply { body: text.into(), ..Reply::status(200) }.with("Content-Type", "application/vnd.apple.mpegurl")
}

/// Serves the playlist, and whatever path ends in `N.ts` as that part; `odd` may answer first.
async fn site(playlist: String, odd: impl Fn(&Request) -> Option<Reply> + Send + Sync + 'static) -> Site {
    Site::start(move |request| odd(request).unwrap_or_else(|| orderly(request, &playlist))).await
}

fn orderly(request: &Request, playlist: &str) -> Reply {
    let path = request.path.split('?').next().unwrap_or_default();
    let number = path.strip_suffix(".ts").and_then(|path| path.rsplit('/').next()?.parse().ok());
    match number {
        Some(number) => part(number).serve(request),
        None if path == PLAYLIST => text(playlist),
        None => Reply::status(404),
    }
}

/// Answers requests for this path like that, one after another.
fn once(path: &'static str, replies: Vec<Reply>) -> impl Fn(&Request) -> Option<Reply> + Send + Sync {
    let replies = Mutex::new(replies);
    move |request| {
        let mut replies = replies.lock().unwrap();
        (request.path == path && !replies.is_empty()).then(|| replies.remove(0))
    }
}

fn playlist_format(url: &str) -> Value {
    json!({"format_id": "7", "url": url, "protocol": "m3u8_native", "ext": "mp4"})
}

async fn open_found(url: &str, found: &Arc<Found>, gate: &Gate) -> Result<Film, OpenError> {
    let tuning = Tuning { stall: Duration::from_secs(1), ..tuning() };
    web(tuning).open_film(&media(&playlist_format(url), found), "7", gate).await
}

async fn film_of(site: &Site) -> Result<Film, OpenError> {
    open_found(&format!("{}{PLAYLIST}", site.base), &Arc::default(), &gate()).await
}

/// All of it.
async fn all(site: &Site) -> (Vec<u8>, Option<Failure>) {
    match film_of(site).await {
        Ok(film) => read(&film, 0, None).await,
        Err(why) => panic!("{why:?}"),
    }
}

async fn comes(site: &Site, want: &[u8]) {
    let (bytes, failure) = all(site).await;
    assert_eq!(failure, None);
    same(&bytes, want);
}

fn paths(site: &Site) -> Vec<String> {
    site.requests().into_iter().map(|request| request.path).collect()
}

#[tokio::test]
async fn segments_come_one_after_another_over_one_connection() {
    let site = site(list(["0.ts", "/1.ts", "../g/2.ts?sig=1"]), |_| None).await;
    let opened = film_of(&site).await.unwrap();
    assert_eq!((opened.length(), opened.access(), opened.fingerprint(), opened.seconds()), {
        (Length::Unknown, Access::Forward { window: 0 }, None, Some(4.5))
    });
    assert_eq!(paths(&site), [PLAYLIST, "/f/0.ts"], "the first is asked for at once");
    let (bytes, failure) = read(&opened, 0, None).await;
    assert_eq!(failure, None);
    same(&bytes, &film(0..3));
    assert_eq!(paths(&site), [PLAYLIST, "/f/0.ts", "/1.ts", "/g/2.ts?sig=1"]);
    assert!(site.requests().iter().all(|request| request.connection == 0 && request.header("range").is_none()));
    assert!(read(&opened, 0, None).await.1.is_some(), "it passes once");
}

#[tokio::test]
async fn a_film_may_be_read_in_part() {
    let site = site(list(["0.ts", "1.ts", "2.ts"]), |_| None).await;
    let (bytes, failure) = read(&film_of(&site).await.unwrap(), 0, Some(SIZE as u64 + 5)).await;
    assert_eq!(failure, None);
    same(&bytes, &film(0..2)[..SIZE + 5]);
    assert!(read(&film_of(&site).await.unwrap(), 1, None).await.1.is_some());
}

#[tokio::test]
async fn addresses_are_those_after_the_redirects() {
    let other = site(list(["0.ts", "1.ts"]), |_| None).await;
    let to = format!("{}{PLAYLIST}", other.base);
    let site = Site::start(move |_| Reply::status(302).with("Location", to.as_str())).await;
    comes(&site, &film(0..2)).await;
    assert_eq!(paths(&site), [PLAYLIST]);
    let moved = once("/f/1.ts", vec![Reply::status(302).with("Location", "/elsewhere/1.ts")]);
    let site = self::site(list(["0.ts", "1.ts"]), moved).await;
    comes(&site, &film(0..2)).await;
    assert_eq!(paths(&site), [PLAYLIST, "/f/0.ts", "/f/1.ts", "/elsewhere/1.ts"]);
}

#[tokio::test]
async fn who_we_are_is_told_to_nobody_else() {
    let other = site(String::new(), |_| None).await;
    let far = format!("{}/1.ts", other.base);
    let site = site(list(["0.ts", &far]), |_| None).await;
    let mut format = playlist_format(&format!("{}{PLAYLIST}", site.base));
    format["http_headers"] = json!({"Authorization": "secret", "Referer": "r"});
    let film = web(tuning()).open_film(&media(&format, &Arc::default()), "7", &gate()).await.unwrap();
    assert_eq!(read(&film, 0, None).await.1, None);
    assert!(site.requests().iter().all(|request| request.header("authorization") == Some("secret")));
    assert_eq!((other.requests()[0].header("authorization"), other.requests()[0].header("referer")), (None, Some("r")));
}

#[tokio::test]
async fn the_map_comes_first() {
    let map = "#EXT-X-MAP:URI=\"9.ts\"\n#EXTINF:1.5,\n0.ts\n#EXT-X-DISCONTINUITY\n#EXT-X-MAP:URI=\"9.ts\"\n#EXTINF:2.5,\n1.ts\n";
    let site = site(format!("#EXTM3U\n{map}#EXT-X-ENDLIST\n"), |_| None).await;
    comes(&site, &film([9, 0, 1])).await;
}

#[tokio::test]
async fn ranges_of_a_file_are_read_as_such() {
    let ranges = "#EXT-X-MAP:URI=\"0.ts\",BYTERANGE=\"100@0\"\n#EXT-X-BYTERANGE:50000@100\n#EXTINF:1.5,\n0.ts\n\
                  #EXT-X-BYTERANGE:900\n#EXTINF:1.5,\n0.ts\n#EXT-X-BYTERANGE:7@60000\n#EXTINF:1.5,\n0.ts\n#EXTINF:1.5,\n1.ts\n";
    let playlist = format!("#EXTM3U\n{ranges}#EXT-X-ENDLIST\n");
    let cuts = AtomicUsize::new(0);
    let cut = move |request: &Request| {
        (request.header("range") == Some("bytes=0-50999") && cuts.fetch_add(1, Ordering::SeqCst) == 0)
            .then(|| Reply { cut: Some((30_000, End::Close)), ..part(0).serve(request) })
    };
    let broken = site(playlist.clone(), cut).await;
    let bytes = film([0]);
    comes(&broken, &[&bytes[..51_000], &bytes[60_000..60_007], &film([1])[..]].concat()).await;
    let short = site(playlist.replace("7@60000", "7@99994"), |_| None).await;
    let (bytes, failure) = all(&short).await;
    assert_eq!((bytes.len(), failure.unwrap().kind), (51_000, FailureKind::Network));
    let without_ranges = site(playlist, |request| request.path.ends_with("0.ts").then(|| part(0).whole())).await;
    assert!(film_of(&without_ranges).await.is_err());
}

#[tokio::test]
async fn what_breaks_off_goes_on_at_the_same_byte() {
    let broken = |at, end| Reply { cut: Some((at, end)), ..part(1).whole() };
    for framing in [Framing::Length, Framing::Chunked] {
        for replies in [
            vec![broken(0, End::Close)],
            vec![broken(1, End::Reset), broken(70_000, End::Close), Reply::status(500), broken(30_000, End::Close)],
            vec![broken(SIZE + 7, End::Close)],
            vec![broken(50_000, End::Stall)],
            vec![Reply::status(503), Reply::status(429).with("Retry-After", "1")],
        ] {
            let replies = replies.into_iter().map(|reply| Reply { framing, ..reply }).collect();
            let site = site(list(["0.ts", "1.ts", "2.ts"]), once("/f/1.ts", replies)).await;
            comes(&site, &film(0..3)).await;
        }
    }
    let first = Reply { cut: Some((5000, End::Close)), ..part(0).whole() };
    comes(&site(list(["0.ts", "1.ts"]), once("/f/0.ts", vec![first])).await, &film(0..2)).await;
}

#[tokio::test]
async fn another_segment_is_noticed() {
    let cut = Reply { cut: Some((50_000, End::Close)), ..part(1).whole() };
    for other in [part(2).whole(), Reply { body: part(1).bytes[..40_000].to_vec(), ..Reply::status(200) }] {
        let site = site(list(["0.ts", "1.ts"]), once("/f/1.ts", vec![cut.clone(), other])).await;
        let (bytes, failure) = all(&site).await;
        let failure = failure.unwrap();
        assert!(failure.detail.contains("the source has changed") && failure.is_transient(), "{failure}");
        same(&bytes, &film(0..2)[..bytes.len()]);
    }
}

#[tokio::test]
async fn what_nobody_vouches_for_is_refused() {
    let odd = |reply: Reply| once("/f/1.ts", vec![reply; 50]);
    let unproven = Reply { framing: Framing::UntilClose, ..part(1).whole() };
    let page = part(1).whole().with("Content-Type", "text/html");
    let packed = part(1).whole().with("Content-Encoding", "gzip");
    let cut = Reply { cut: Some((50_000, End::Close)), ..part(1).whole() };
    for reply in [unproven, page, packed, cut, Reply::status(200), Reply::status(502)] {
        let what = format!("{:?} {:?}", reply.headers, reply.framing);
        let site = site(list(["0.ts", "1.ts", "2.ts"]), odd(reply)).await;
        let (bytes, failure) = all(&site).await;
        let failure = failure.unwrap_or_else(|| panic!("{what} passes"));
        assert!(failure.is_transient() && !failure.detail.contains("http://"), "{failure}");
        same(&bytes, &film(0..2)[..bytes.len()]);
    }
}

#[tokio::test]
async fn what_is_no_plain_film_is_left_to_others() {
    let plain = list(["0.ts"]);
    let unproven = |reply: Reply| Reply { framing: Framing::UntilClose, ..reply };
    for reply in [
        text(&plain.replace("#EXT-X-ENDLIST", "")),
        text(&plain.replace("#EXTINF", "#EXT-X-KEY:METHOD=AES-128,URI=\"k\"\n#EXTINF")),
        text("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nlist.m3u8\n"),
        text(&(plain.clone() + &"#".repeat(4 << 20))),
        Reply { framing: Framing::Chunked, ..text(&(plain.clone() + &"#\n".repeat(2 << 20))) },
        Reply { body: vec![0xFF; 9], ..Reply::status(200) },
        unproven(text(&plain)),
    ] {
        let site = Site::start(move |_| reply.clone()).await;
        assert!(matches!(film_of(&site).await, Err(OpenError::Unsuitable(_))));
        assert_eq!(paths(&site), [PLAYLIST]);
    }
    let site = self::site(plain, |_| None).await;
    let format = format(&format!("{}/0.ts", site.base));
    let media = media(&format, &Arc::default());
    assert!(matches!(web(tuning()).open_film(&media, "7", &gate()).await, Err(OpenError::Unsuitable(_))));
    let format = playlist_format(&format!("{}{PLAYLIST}", site.base));
    assert!(matches!(open(&web(tuning()), &format, &gate()).await, Err(OpenError::Unsuitable(_))));
}

#[tokio::test]
async fn a_playlist_that_breaks_off_is_asked_for_again() {
    let playlist = list(["0.ts", "1.ts"]);
    let cut = Reply { cut: Some((40, End::Close)), ..text(&playlist) };
    let stalled = Reply { cut: Some((40, End::Stall)), framing: Framing::Chunked, ..text(&playlist) };
    let site = site(playlist, once(PLAYLIST, vec![cut, Reply::status(503), stalled])).await;
    comes(&site, &film(0..2)).await;
    assert_eq!(paths(&site)[..4], [PLAYLIST; 4]);
}

/// A site whose addresses expire: those with `sig=N` are good while N is the newest; the playlists are `/N`.
async fn expiring(lists: Vec<String>, is_due: impl Fn(&Request) -> bool + Send + Sync + 'static) -> Site {
    let newest = AtomicUsize::new(0);
    Site::start(move |request| {
        if let Some(playlist) = request.path[1..].parse::<usize>().ok().and_then(|number| lists.get(number)) {
            return text(playlist);
        }
        if is_due(request) {
            newest.fetch_max(1, Ordering::SeqCst);
        }
        let sig: usize = request.path.split_once("sig=").unwrap().1.parse().unwrap();
        if sig < newest.load(Ordering::SeqCst) {
            return Reply::status(403);
        }
        let reply = orderly(request, "");
        let breaks = is_due(request) && sig == 0;
        if breaks { Reply { cut: Some((60_000, End::Close)), ..reply } } else { reply }
    })
    .await
}

fn signed(sig: usize, segments: usize) -> String {
    let addresses: Vec<_> = (0..segments).map(|number| format!("{number}.ts?sig={sig}")).collect();
    list(addresses.iter().map(String::as_str))
}

#[tokio::test]
async fn expired_addresses_are_renewed_and_it_goes_on_there() {
    let site = expiring(vec![signed(0, 4), signed(1, 4)], |request| request.path.starts_with("/2.ts")).await;
    let found = Found::these(vec![playlist_format(&format!("{}/1", site.base))]);
    let opened = open_found(&format!("{}/0", site.base), &found, &gate()).await.unwrap();
    let (bytes, failure) = read(&opened, 0, None).await;
    assert_eq!((failure, found.looked()), (None, 1));
    same(&bytes, &film(0..4));
    let paths = paths(&site);
    assert_eq!(paths.iter().filter(|path| path.ends_with("sig=1")).collect::<Vec<_>>(), ["/2.ts?sig=1", "/3.ts?sig=1"]);
    assert_eq!(paths[..3], ["/0", "/0.ts?sig=0", "/1.ts?sig=0"]);
}

#[tokio::test]
async fn another_film_is_not_gone_on_with() {
    for other in [signed(1, 5), signed(1, 4).replace("1.5", "1.6"), "#EXTM3U\n".to_owned()] {
        let site = expiring(vec![signed(0, 4), other], |request| request.path.starts_with("/2.ts")).await;
        let found = Found::these(vec![playlist_format(&format!("{}/1", site.base))]);
        let opened = open_found(&format!("{}/0", site.base), &found, &gate()).await.unwrap();
        let (bytes, failure) = read(&opened, 0, None).await;
        let failure = failure.unwrap();
        assert!(failure.detail.contains("the source has changed"), "{failure}");
        same(&bytes, &film(0..3)[..bytes.len()]);
    }
}

#[tokio::test]
async fn a_segment_that_is_not_there_fails() {
    let missing = |request: &Request| request.path.starts_with("/f/1.ts").then(|| Reply::status(404));
    let site = site(list(["0.ts", "1.ts", "2.ts"]), missing).await;
    let url = format!("{}{PLAYLIST}", site.base);
    let found = Found::these(vec![playlist_format(&url); 5]);
    let opened = open_found(&url, &found, &gate()).await.unwrap();
    let (bytes, failure) = read(&opened, 0, None).await;
    same(&bytes, &film([0]));
    assert_eq!((failure.unwrap().kind, found.looked()), (FailureKind::Removed, 1));
}

#[tokio::test]
async fn a_shut_gate_ends_it_at_once() {
    let stalled = Reply { cut: Some((1000, End::Stall)), ..part(1).whole() };
    let site = site(list(["0.ts", "1.ts"]), once("/f/1.ts", vec![stalled; 9])).await;
    let gate = Gate::new(&Limits { max_file_bytes: ByteSize(u64::MAX), ..Limits::default() });
    let opened = open_found(&format!("{}{PLAYLIST}", site.base), &Arc::default(), &gate).await.unwrap();
    let mut stream = opened.open(0, None).await.unwrap();
    let mut came = 0;
    while came < SIZE + 1000 {
        came += stream.next().await.unwrap().unwrap().len();
    }
    gate.shut(Failure::new(FailureKind::Cancelled, "test"));
    assert_eq!(stream.next().await.unwrap().unwrap_err().kind, FailureKind::Cancelled);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn whatever_breaks_it_is_the_film_or_its_beginning(faults in vec((0_usize..4, 0_usize..SIZE, 0_usize..3), 0..16)) {
        let left = Mutex::new(faults.clone());
        let odd = move |request: &Request| {
            let number = request.path.strip_prefix("/f/")?.strip_suffix(".ts")?.parse().ok()?;
            let mut left = left.lock().unwrap();
            let next = left.iter().position(|(part, ..)| *part == number)?;
            let (_, at, kind) = left.remove(next);
            let reply = Reply { cut: Some((at, End::Close)), ..part(number).whole() };
            Some(match kind {
                0 => reply,
                1 => Reply { framing: Framing::Chunked, ..reply },
                _ => Reply::status(500),
            })
        };
        let few = (0..4).all(|number| faults.iter().filter(|(part, ..)| *part == number).count() <= 5);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let site = site(list(["0.ts", "1.ts", "2.ts", "3.ts"]), odd).await;
            let (bytes, failure) = match film_of(&site).await {
                Ok(film) => read(&film, 0, None).await,
                Err(why) => (Vec::new(), Some(failure(Err(why)))),
            };
            let want = film(0..4);
            same(&bytes, if failure.is_none() { &want } else { &want[..bytes.len()] });
            assert!(failure.is_none() || !few, "{failure:?}");
        });
    }
}
