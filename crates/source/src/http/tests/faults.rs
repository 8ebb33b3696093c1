//! Every fault over one connection, in chunks and over several connections: the very bytes, or a failure.

use futures::future::join_all;
use proptest::{collection::vec, option, prelude::*, sample::select};

use super::{
    site::{Fault, Reply, Site},
    *,
};

const SIZE: usize = 600_000;

/// How the same bytes are fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Single,
    Chunked,
    Several,
}

const WAYS: [Way; 3] = [Way::Single, Way::Chunked, Way::Several];

impl Way {
    fn tuning(self) -> Tuning {
        let worth_splitting = if self == Self::Several { 64 * 1024 } else { u64::MAX };
        Tuning { worth_splitting, stall: Duration::from_secs(1), ..tuning() }
    }

    fn format(self, url: &str) -> Value {
        let mut format = format(url);
        if self == Self::Chunked {
            format["downloader_options"] = json!({"http_chunk_size": 100_000});
        }
        format
    }
}

async fn fetch(
    way: Way,
    file: &File,
    faults: Vec<Option<Fault>>,
    from: u64,
    to: Option<u64>,
) -> (Vec<u8>, Option<Failure>) {
    let site = Site::faulty(file.clone(), faults).await;
    let source = open(&web(way.tuning()), &way.format(&site.base), &gate()).await.unwrap();
    read(&*source, from, to).await
}

async fn heals(faults: &[Option<Fault>]) {
    let all = WAYS.into_iter().flat_map(|way| [(way, Some("\"e\"")), (way, None)]);
    let heals = async |(way, etag)| {
        let file = file(SIZE, etag);
        let (bytes, failure) = fetch(way, &file, faults.to_vec(), 0, None).await;
        assert_eq!(failure, None, "{way:?} {etag:?} {faults:?}");
        same(&bytes, &file.bytes);
    };
    join_all(all.map(heals)).await;
}

async fn fails(fault: Fault, kind: FailureKind) {
    for way in WAYS {
        for etag in [Some("\"e\""), None] {
            let file = file(SIZE, etag);
            let (bytes, failure) = fetch(way, &file, vec![Some(fault)], 0, None).await;
            let failure = failure.unwrap_or_else(|| panic!("{way:?} {etag:?} {fault:?} passes"));
            assert_eq!(failure.kind, kind, "{way:?} {etag:?} {fault:?}: {failure}");
            assert!(failure.is_transient() && !failure.detail.contains("http://"), "{failure}");
            same(&bytes, &file.bytes[..bytes.len()]);
        }
    }
}

#[tokio::test]
async fn a_cut_answer_goes_on_at_the_same_byte() {
    for at in [0, 1, 50_000, SIZE - 1] {
        heals(&[Some(Fault::Cut(at))]).await;
    }
    heals(&[Some(Fault::Cut(70_000)), Some(Fault::Cut(10_000)), None, Some(Fault::Cut(0))]).await;
}

#[tokio::test]
async fn a_reset_connection_is_replaced() {
    heals(&[Some(Fault::Reset(0))]).await;
    heals(&[Some(Fault::Reset(66_000)), Some(Fault::Reset(1))]).await;
}

#[tokio::test]
async fn a_stalled_connection_is_replaced() {
    heals(&[Some(Fault::Stall(30_000))]).await;
}

#[tokio::test]
async fn a_server_out_of_order_is_asked_again() {
    heals(&[Some(Fault::Status(500)), Some(Fault::Status(503))]).await;
    heals(&[None, Some(Fault::Later(429))]).await;
}

#[tokio::test]
async fn what_is_sent_beyond_the_range_is_refused() {
    fails(Fault::TooMuch, FailureKind::Network).await;
}

#[tokio::test]
async fn an_answer_that_is_not_the_range_is_refused() {
    for fault in
        [Fault::WrongStart, Fault::WrongTotal, Fault::Gzip, Fault::Multipart, Fault::IgnoresRange, Fault::Unsatisfiable]
    {
        fails(fault, FailureKind::Network).await;
    }
    fails(Fault::Page, FailureKind::SiteBusy).await;
}

#[tokio::test]
async fn another_validator_is_another_file() {
    for way in WAYS {
        let file = file(SIZE, Some("\"e\""));
        let (bytes, failure) = fetch(way, &file, vec![Some(Fault::WrongEtag)], 0, None).await;
        assert!(bytes.is_empty());
        assert!(failure.unwrap().detail.contains("the source has changed"));
    }
}

#[tokio::test]
async fn it_gives_up_on_a_server_that_stays_out_of_order() {
    for way in WAYS {
        let (bytes, failure) = fetch(way, &file(SIZE, None), vec![Some(Fault::Status(502)); 50], 0, None).await;
        assert_eq!((bytes.len(), failure.unwrap().kind), (0, FailureKind::Network));
    }
}

#[tokio::test]
async fn a_long_pause_is_for_the_next_attempt() {
    let file = file(SIZE, None);
    let site = Site::start(move |request| match request.header("range") {
        Some("bytes=0-0") => file.serve(request),
        _ => Reply::status(429).with("Retry-After", "61"),
    })
    .await;
    let source = opened(&format(&site.base)).await.unwrap();
    let failure = read(&*source, 0, None).await.1.unwrap();
    assert_eq!((failure.kind, failure.retry_after), (FailureKind::SiteBusy, Some(Duration::from_secs(61))));
}

/// The file becomes another one after so many requests.
async fn changes(way: Way, etags: [Option<&'static str>; 2], after: usize) -> (Vec<u8>, Option<Failure>, File) {
    let (old, mut new) = (file(SIZE, etags[0]), file(SIZE, etags[1]));
    new.bytes = new.bytes.iter().map(|byte| !byte).collect();
    let (asked, first) = (AtomicUsize::new(0), old.clone());
    let site = Site::start(move |request| {
        let asked = asked.fetch_add(1, Ordering::SeqCst);
        let reply = if asked < after { first.serve(request) } else { new.serve(request) };
        if asked == 1 { Reply { cut: Some((80_000, site::End::Close)), ..reply } } else { reply }
    })
    .await;
    let source = open(&web(way.tuning()), &way.format(&site.base), &gate()).await.unwrap();
    let (bytes, failure) = read(&*source, 0, None).await;
    (bytes, failure, old)
}

#[tokio::test]
async fn two_files_are_never_mixed() {
    for way in WAYS {
        for etags in [[Some("\"old\""), Some("\"new\"")], [None, None], [None, Some("\"new\"")]] {
            for after in [2, 3, 4] {
                let (bytes, failure, old) = changes(way, etags, after).await;
                same(&bytes, &old.bytes[..bytes.len()]);
                assert_eq!(failure.is_none(), bytes.len() == SIZE, "{way:?} {etags:?} {after}");
            }
            let (_, failure, _) = changes(way, etags, 2).await;
            assert!(failure.unwrap().detail.contains("the source has changed"), "{way:?} {etags:?}");
        }
    }
}

#[tokio::test]
async fn an_expired_address_is_renewed_once_for_all_streams() {
    for way in WAYS {
        let file = file(SIZE, Some("\"e\""));
        let (served, asked) = (file.clone(), AtomicUsize::new(0));
        let site = Site::start(move |request| match (request.path.as_str(), asked.fetch_add(1, Ordering::SeqCst)) {
            ("/old", 2..) => Reply::status(403),
            ("/old", 1) => Reply { cut: Some((90_000, site::End::Close)), ..served.serve(request) },
            _ => served.serve(request),
        })
        .await;
        let found = Found::these(vec![way.format(&format!("{}/new", site.base))]);
        let media = media(&way.format(&format!("{}/old", site.base)), &found);
        let source = web(way.tuning()).open(&media, "7", &gate()).await.unwrap();
        let (one, other) = tokio::join!(read(&*source, 0, None), read(&*source, 1000, Some(400_000)));
        assert_eq!((one.1, other.1), (None, None), "{way:?}");
        same(&one.0, &file.bytes);
        same(&other.0, &file.bytes[1000..400_000]);
        assert_eq!(found.looked(), 1);
    }
}

#[tokio::test]
async fn addresses_are_renewed_three_times_at_most() {
    const PIECE: usize = 1_100_000;
    for (pieces, enough) in [(4, true), (5, false)] {
        let file = file(pieces * PIECE, Some("\"e\""));
        let (served, used) = (file.clone(), Mutex::new(Vec::new()));
        let site = Site::start(move |request| {
            let mut used = used.lock().unwrap();
            if request.header("range") == Some("bytes=0-0") {
                return served.serve(request);
            }
            if used.contains(&request.path) {
                return Reply::status(403);
            }
            used.push(request.path.clone());
            Reply { cut: Some((PIECE, site::End::Close)), ..served.serve(request) }
        })
        .await;
        let found = Found::these((1..9).map(|number| format(&format!("{}/{number}", site.base))).collect());
        let media = media(&format(&format!("{}/0", site.base)), &found);
        let source = web(tuning()).open(&media, "7", &gate()).await.unwrap();
        let (bytes, failure) = read(&*source, 0, None).await;
        assert_eq!(
            (failure.map(|failure| failure.kind), found.looked()),
            ((!enough).then_some(FailureKind::SiteBusy), 3)
        );
        same(&bytes, &file.bytes[..4 * PIECE]);
    }
}

#[tokio::test]
async fn a_renewed_address_of_another_file_is_noticed() {
    for status in [403, 404, 410] {
        let (old, new) = (file(SIZE, Some("\"e\"")), file(SIZE - 1, Some("\"f\"")));
        let site = Site::start(move |request| match (request.path.as_str(), request.header("range")) {
            ("/old", Some("bytes=0-0")) => old.serve(request),
            ("/old", _) => Reply::status(status),
            _ => new.serve(request),
        })
        .await;
        let found = Found::these(vec![format(&format!("{}/new", site.base))]);
        let media = media(&format(&format!("{}/old", site.base)), &found);
        let source = web(tuning()).open(&media, "7", &gate()).await.unwrap();
        let (bytes, failure) = read(&*source, 0, None).await;
        assert!(bytes.is_empty());
        assert!(failure.unwrap().detail.contains("the source has changed"), "{status}");
    }
}

fn fault() -> impl Strategy<Value = Fault> {
    let at = 0..SIZE;
    prop_oneof![
        4 => at.clone().prop_map(Fault::Cut),
        2 => at.prop_map(Fault::Reset),
        1 => select(vec![500, 502, 503, 408]).prop_map(Fault::Status),
        1 => select(vec![Fault::WrongStart, Fault::WrongTotal, Fault::TooMuch, Fault::Gzip, Fault::IgnoresRange, Fault::Page]),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn the_very_bytes_or_a_failure(
        way in select(WAYS.to_vec()),
        faults in vec(option::weighted(0.5, fault()), 0..12),
        etag in option::of(Just("\"e\"")),
        ends in (0..=SIZE, 0..=SIZE),
    ) {
        let file = file(SIZE, etag);
        let (from, to) = (ends.0.min(ends.1), ends.0.max(ends.1));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (bytes, failure) = runtime.block_on(fetch(way, &file, faults, from as u64, Some(to as u64)));
        let want = &file.bytes[from..to];
        prop_assert!(bytes.len() <= want.len() && bytes == want[..bytes.len()], "other bytes");
        prop_assert_eq!(failure.is_none(), bytes.len() == want.len(), "{:?}", failure);
    }
}
