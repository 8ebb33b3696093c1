//! Lists of real shapes, read by both extractors.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use tempfile::TempDir;
use tokio::time::sleep;

use super::*;
use crate::{
    Extraction, Extractor, Found, Tools, ToolsConfig,
    extract::PlainYtDlp,
    extractor,
    testing::{Body, TestServer, gate, link, tools_config},
};

/// An extractor, and the folder that all its children work in.
struct Under {
    extractor: Arc<dyn Extractor>,
    work: TempDir,
    name: &'static str,
}

fn config(work: &Path) -> ToolsConfig {
    let plugins = concat!(env!("CARGO_MANIFEST_DIR"), "/src/testing/plugins");
    ToolsConfig { plugin_dirs: vec![plugins.into()], work_dir: work.to_owned(), ..tools_config() }
}

fn both(change: impl Fn(ToolsConfig) -> ToolsConfig) -> [Under; 2] {
    let make = |name, change: &dyn Fn(ToolsConfig) -> ToolsConfig, make: &dyn Fn(Tools) -> Arc<dyn Extractor>| {
        let work = tempfile::tempdir().unwrap();
        Under { extractor: make(Tools::find(change(config(work.path()))).unwrap()), work, name }
    };
    // Nobody may step in for the server.
    let alone = |config| ToolsConfig { yt_dlp: "/bin/false".into(), ..change(config) };
    [make("fork server", &alone, &extractor), make("plain yt-dlp", &change, &|tools| Arc::new(PlainYtDlp::new(tools)))]
}

impl Under {
    async fn find(&self, url: &str, item: Option<u32>) -> Result<Found, Failure> {
        self.extractor.extract(&link(url), item, &gate()).await
    }

    async fn list(&self, url: &str) -> List {
        match self.find(url, None).await {
            Ok(Found::List(list)) => list,
            other => panic!("{}: {url}: {other:?}", self.name),
        }
    }

    async fn media(&self, url: &str, item: Option<u32>) -> Extraction {
        match self.find(url, item).await {
            Ok(Found::Media(extraction)) => extraction,
            other => panic!("{}: {url}: {other:?}", self.name),
        }
    }

    /// The processes that look at links now, but not the server, which looks at nothing itself.
    fn children(&self) -> Vec<PathBuf> {
        let here =
            |process: &PathBuf| fs::read_link(process.join("cwd")).is_ok_and(|cwd| cwd.starts_with(self.work.path()));
        let server = |process: &PathBuf| {
            let line = fs::read(process.join("cmdline")).unwrap_or_default();
            let stat = fs::read_to_string(process.join("stat")).unwrap_or_default();
            let parent = stat.rsplit(") ").next().and_then(|rest| rest.split(' ').nth(1)?.parse().ok());
            String::from_utf8_lossy(&line).contains("Imports yt-dlp once") && parent == Some(std::process::id())
        };
        let processes = fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.path());
        processes.filter(|process| here(process) && !server(process)).collect()
    }

    /// The most memory that a child had at any time, in MiB.
    fn memory(&self) -> u64 {
        let peak = |process: PathBuf| {
            let status = fs::read_to_string(process.join("status")).unwrap_or_default();
            let line =
                status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?.trim().split(' ').next()?.parse().ok();
            line.map(|kib: u64| kib / 1024)
        };
        self.children().into_iter().filter_map(peak).max().expect("no child runs")
    }

    async fn childless(&self) {
        let start = Instant::now();
        while !self.children().is_empty() {
            assert!(start.elapsed() < Duration::from_secs(20), "{}: {:?} live on", self.name, self.children());
            sleep(Duration::from_millis(5)).await;
        }
    }
}

fn site() -> TestServer {
    let site = TestServer::start()
        .on("/clip.mp4", Body::Whole("video/mp4", b"clip".repeat(100)))
        .on("/b.mp4", Body::Whole("video/mp4", b"b".repeat(300)))
        .on("/busy", Body::Status(503))
        .on("/slow", Body::Stalls("text/html", b"<html>".to_vec()))
        .on(
            "/pages",
            Body::Whole(
                "text/html",
                b"<title>Two</title><video src=\"/clip.mp4\"></video><video src=\"/b.mp4\"></video>".to_vec(),
            ),
        );
    (0..100)
        .fold(site, |site, page| site.on(&format!("/lists-page/{page}"), Body::Whole("text/html", b"page".to_vec())))
}

/// So many items, all well.
async fn take(list: &mut List, count: usize) -> Vec<Item> {
    let mut items = Vec::new();
    while items.len() < count {
        items.push(list.items.next().await.expect("the list is over").unwrap());
    }
    items
}

async fn all(list: List) -> Vec<Result<Item, Failure>> {
    list.items.collect().await
}

/// Number, link and place.
fn brief(site: &TestServer, item: &Item) -> (u32, String, Option<u32>) {
    (item.number, item.url.as_str().replace(&site.url(""), ""), item.item)
}

#[tokio::test]
async fn a_list_is_read_no_further_than_its_reader_goes() {
    for under in both(|config| config) {
        for shape in ["generator", "lazy", "paged", "advance"] {
            let site = site();
            let mut list = under.list(&site.url(&format!("/lists/{shape}"))).await;
            assert_eq!((list.id.as_str(), list.announced), (shape, Some(5000)));
            assert_eq!(
                (list.title.as_deref(), list.extractor.as_str()),
                (Some(&*format!("A list: {shape}")), "SluiceLists")
            );
            assert_eq!(list.thumbnail, Some(site.url("/list.jpg")));
            let items = take(&mut list, 300).await;
            for (item, place) in items.iter().zip(1..) {
                assert_eq!(brief(&site, item), (place, format!("/item/{place}"), None));
                assert_eq!(
                    (item.title.clone(), item.duration),
                    (Some(format!("Item {place}")), Some(f64::from(place)))
                );
            }
            // A reader that waits makes the child wait.
            sleep(Duration::from_millis(300)).await;
            let memory = under.memory();
            drop(list);
            under.childless().await;
            let pages: HashSet<_> =
                site.requests().into_iter().filter(|path| path.starts_with("/lists-page/")).collect();
            println!("{}, {shape}: {} of 100 pages for 300 of 5000 items, {memory} MiB", under.name, pages.len());
            assert!((6..=9).contains(&pages.len()), "{pages:?}");
            assert!(memory < 200, "{memory} MiB");
        }
    }
}

#[tokio::test]
async fn a_feed_of_5000_episodes() {
    let base = TestServer::start();
    let episode = |number: u32| {
        let link = base.url(&format!("/episode/{number}.mp3"));
        format!(
            "<item><title>Episode {number}</title><guid>id-{number}</guid><description>{}</description>\
             <itunes:duration>60</itunes:duration><enclosure url=\"{link}\" type=\"audio/mpeg\"/></item>",
            "words ".repeat(50)
        )
    };
    let feed = format!(
        "<?xml version=\"1.0\"?><rss version=\"2.0\" xmlns:itunes=\"http://www.itunes.com/dtds/podcast-1.0.dtd\">\
         <channel><title>A podcast</title>{}</channel></rss>",
        (1..=5000).map(episode).collect::<String>()
    );
    let site = base.on("/feed", Body::Whole("application/rss+xml", feed.into()));
    for under in both(|config| config) {
        let mut list = under.list(&site.url("/feed")).await;
        assert_eq!((list.title.as_deref(), list.announced), (Some("A podcast"), Some(5000)));
        let items = take(&mut list, 300).await;
        assert_eq!(brief(&site, &items[299]), (300, "/episode/300.mp3".to_owned(), None));
        assert_eq!((items[0].title.as_deref(), items[0].duration), (Some("Episode 1"), Some(60.0)));
        let memory = under.memory();
        println!("{}: {memory} MiB", under.name);
        assert!(memory < 200, "{memory} MiB");
        drop(list);
        under.childless().await;

        let whole = all(under.list(&site.url("/feed")).await).await;
        assert_eq!(whole.iter().filter(|item| item.is_ok()).count(), 5000);
        under.childless().await;
        assert!(!site.requests().iter().any(|path| path.starts_with("/episode")), "an item was visited");
    }
}

#[tokio::test]
async fn a_list_without_an_end_costs_what_is_read_of_it() {
    let site = site();
    for under in both(|config| config) {
        let mut list = under.list(&site.url("/lists/endless")).await;
        let items = take(&mut list, 3000).await;
        assert_eq!(brief(&site, &items[2999]), (3000, "/item/3000".to_owned(), None));
        // Its reader has enough; the child waits for nobody else.
        let memory = under.memory();
        drop(list);
        under.childless().await;
        println!("{}: {memory} MiB", under.name);
        assert!(memory < 200, "{memory} MiB");
    }
}

#[tokio::test]
async fn items_without_a_page_of_their_own_are_reached_by_their_place() {
    let site = site();
    for under in both(|config| config) {
        for path in ["/pages", "/lists/multi"] {
            let url = site.url(path);
            let items: Vec<_> = all(under.list(&url).await).await.into_iter().map(Result::unwrap).collect();
            let briefs: Vec<_> = items.iter().map(|item| brief(&site, item)).collect();
            assert_eq!(briefs, [(1, path.to_owned(), Some(1)), (2, path.to_owned(), Some(2))]);
            for (item, file) in items.iter().zip(["/clip.mp4", "/b.mp4"]) {
                let media = under.media(&url, item.item).await;
                assert!(media.json.contains(&site.url(file)), "{}", media.json);
                assert_eq!(media.info.formats.len(), 1);
                assert_eq!(Some(media.info.title), item.title);
            }
            let failure = under.find(&url, Some(3)).await.unwrap_err();
            assert_eq!(failure.kind, FailureKind::Removed, "{failure:?}");
        }
        // A link that is no list any more.
        assert_eq!(under.media(&site.url("/clip.mp4"), Some(1)).await.info.title, "clip");
        let failure = under.find(&site.url("/clip.mp4"), Some(2)).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::Removed, "{failure:?}");
    }
}

#[tokio::test]
async fn a_list_that_breaks_says_so_last() {
    let site = site();
    for under in both(|config| config) {
        let mut items = all(under.list(&site.url("/lists/breaks")).await).await;
        let last = items.pop().unwrap().unwrap_err();
        assert_eq!((last.kind, items.len()), (FailureKind::SiteBusy, 50), "{last:?}");
        assert!(items.iter().all(Result::is_ok));
        under.childless().await;
        let failure = under.find(&site.url("/lists/broken"), None).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::SiteBusy, "{failure:?}");
    }
}

#[tokio::test]
async fn a_list_of_nothing_is_refused_and_a_list_of_one_is_that_one() {
    let site = site();
    for under in both(|config| config) {
        for (shape, says) in [("empty", "This list is empty."), ("junk", "Nothing in this list can be fetched")] {
            let failure = under.find(&site.url(&format!("/lists/{shape}")), None).await.unwrap_err();
            assert_eq!(failure.kind, FailureKind::UnsupportedSite, "{failure:?}");
            assert!(failure.message().starts_with(says), "{failure:?}");
        }
        assert_eq!(under.media(&site.url("/lists/one"), None).await.info.title, "clip");
        let failure = under.find(&site.url("/lists/circle"), None).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::UnsupportedSite, "{failure:?}");
        under.childless().await;
    }
}

#[tokio::test]
async fn what_is_more_than_can_be_kept_is_not_asked_for_again() {
    let site = site();
    for under in both(|config| config) {
        let asked = site.requests().len();
        let failure = under.find(&site.url("/lists/huge"), None).await.unwrap_err();
        assert_eq!((failure.kind, site.requests().len() - asked), (FailureKind::PageTooLarge, 1), "{failure:?}");
        assert!(failure.detail.contains("more"), "{failure:?}");
    }
}

#[tokio::test]
async fn lists_in_lists_are_items() {
    let site = site();
    for under in both(|config| config) {
        let list = under.list(&site.url("/lists/nested")).await;
        let skipped = list.skipped.clone();
        let items: Vec<_> = all(list).await.into_iter().map(|item| brief(&site, &item.unwrap())).collect();
        assert_eq!(items, [(1, "/lists/multi".to_owned(), None), (2, "/lists/paged".to_owned(), None)]);
        assert_eq!(skipped.count(), 1, "the list in itself");
    }
}

#[tokio::test]
async fn hostile_entries_are_left_out_and_counted() {
    let site = site();
    for under in both(|config| config) {
        let list = under.list(&site.url("/lists/hostile")).await;
        let skipped = list.skipped.clone();
        let items: Vec<_> = all(list).await.into_iter().map(Result::unwrap).collect();
        let mut briefs: Vec<_> = items.iter().map(|item| brief(&site, item)).collect();
        // A title that fills a line: the fork server's child cuts it, plain yt-dlp does not, and the line is dropped.
        let long = briefs.iter().position(|(_, path, _)| path == "/item/8").map(|at| briefs.remove(at));
        let here = "/lists/hostile".to_owned();
        let places: Vec<_> = briefs.iter().map(|(_, path, item)| (path.clone(), *item)).collect();
        assert_eq!(
            places,
            [("/item/6".to_owned(), None), (here.clone(), Some(11)), (here, Some(12))],
            "{}",
            under.name
        );
        assert!(items.iter().zip(1..).all(|(item, number)| item.number == number));
        assert_eq!((items[0].title.clone(), items[0].duration, items[0].thumbnail.clone()), (None, None, None));
        assert!(items.iter().all(|item| item.title.as_ref().is_none_or(|title| title.chars().count() <= 1000)));
        assert_eq!(skipped.count(), 9 - u32::from(long.is_some()), "{}", under.name);
        let half = items.iter().find(|item| item.item == Some(11)).unwrap();
        assert_eq!((half.title.as_deref(), half.duration), (Some("Half ?"), None));
        for (place, file) in [(11, "/b.mp4"), (12, "/clip.mp4")] {
            let media = under.media(&site.url("/lists/hostile"), Some(place)).await;
            assert!(media.json.contains(&site.url(file)), "{}", media.json);
        }
    }
}

#[tokio::test]
async fn a_shut_gate_ends_a_list() {
    let site = site();
    for under in both(|config| config) {
        let gate = gate();
        let Ok(Found::List(mut list)) = under.extractor.extract(&link(site.url("/lists/generator")), None, &gate).await
        else {
            panic!("no list");
        };
        take(&mut list, 10).await;
        gate.shut(Failure::new(FailureKind::Cancelled, "test"));
        assert_eq!(list.items.next().await.unwrap().unwrap_err().kind, FailureKind::Cancelled);
        assert!(list.items.next().await.is_none());
        under.childless().await;
    }
}

#[tokio::test]
async fn a_list_that_hangs_is_given_up() {
    let site = site();
    // Long enough for plain yt-dlp to start on a busy machine.
    for under in both(|config| ToolsConfig { list_timeout: Duration::from_secs(8), ..config }) {
        let mut items = all(under.list(&site.url("/lists/hangs")).await).await;
        let last = items.pop().unwrap().unwrap_err();
        assert_eq!((last.kind, items.len()), (FailureKind::TimedOut, 50), "{last:?}");
        under.childless().await;
    }
}

#[tokio::test]
async fn lists_that_nobody_reads_hold_up_no_link() {
    let site = site();
    for under in both(|config| ToolsConfig { extract_slots: 1, list_slots: 2, ..config }) {
        let url = site.url("/lists/generator");
        let (first, mut second) = (under.list(&url).await, under.list(&url).await);
        assert_eq!(under.media(&site.url("/clip.mp4"), None).await.info.title, "clip");
        // A third list waits for one of the others to end, and links still do not wait.
        let third = under.list(&url);
        tokio::pin!(third);
        let early = tokio::select! {
            biased;
            _ = &mut third => true,
            media = async { under.media(&site.url("/clip.mp4"), None).await; under.media(&site.url("/b.mp4"), None).await } => {
                media.info.title.is_empty()
            }
        };
        assert!(!early, "{}: three lists at once", under.name);
        drop(first);
        take(&mut third.await, 60).await;
        take(&mut second, 60).await;
    }
}
