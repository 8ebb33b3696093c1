//! The fork server, alive and dead.

use sluice_domain::Permanence;
use tokio::time::timeout;

use super::*;
use crate::{
    ToolsConfig,
    extract::tests::{check, half_an_emoji, media, site},
    testing::{Body, TestServer, gate, link, tools, tools_config},
};

#[tokio::test]
async fn the_fork_server_extracts() {
    let server = ForkServer::start(tools());
    assert!(server.version().await.is_some());
    check(&server).await;
}

#[tokio::test]
async fn half_an_emoji_in_a_title_is_no_obstacle() {
    let (server, site) = (ForkServer::start(tools()), site());
    let page = half_an_emoji(&site);
    let site = site.on("/half", page);
    let extraction = media(server.extract(&link(site.url("/half")), None, &gate()).await).unwrap();
    assert_eq!(extraction.info.title, "Half ?");
}

#[tokio::test]
async fn without_a_server_plain_yt_dlp_answers() {
    // A Python without yt-dlp: the system's own, in its isolated mode.
    let tools = Tools::find(ToolsConfig { python: "/usr/bin/python3".into(), ..tools_config() }).unwrap();
    let server = ForkServer::start(tools);
    assert_eq!(server.version().await, None);
    let site = site();
    assert!(server.extract(&link(site.url("/clip.mp4")), None, &gate()).await.is_ok());
}

#[tokio::test]
async fn a_dead_server_is_replaced() {
    let server = ForkServer::start(tools());
    let first = server.0.server().await.unwrap();
    first.kill();
    let site = site();
    assert!(server.extract(&link(site.url("/clip.mp4")), None, &gate()).await.is_ok());
    first.died().await;
    assert!(server.extract(&link(site.url("/clip.mp4")), None, &gate()).await.is_ok());
    assert!(!Arc::ptr_eq(&first, &server.0.server().await.unwrap()));
}

#[tokio::test]
async fn many_are_served_together() {
    let tools = Tools::find(ToolsConfig { extract_slots: 8, ..tools_config() }).unwrap();
    let (server, site, gate) = (ForkServer::start(tools), site(), gate());
    let url = link(site.url("/page"));
    let all = futures::future::join_all((0..24).map(|_| server.extract(&url, None, &gate))).await;
    assert!(all.iter().all(Result::is_ok), "{all:?}");
}

#[tokio::test]
async fn a_shut_gate_ends_an_extraction_at_once() {
    let site = TestServer::start().on("/slow", Body::Stalls("text/html", b"<html><title>".repeat(100)));
    let (server, gate, url) = (ForkServer::start(tools()), gate(), link(site.url("/slow")));
    let shut = async {
        while site.requests().is_empty() {
            tokio::task::yield_now().await;
        }
        gate.shut(Failure::new(FailureKind::Cancelled, "test"));
        Instant::now()
    };
    let (extracted, at) = tokio::join!(server.extract(&url, None, &gate), shut);
    assert_eq!(extracted.unwrap_err().kind, FailureKind::Cancelled);
    assert!(at.elapsed() < Duration::from_millis(500));
    // The child is gone as well: the server at the other end sees its connection close.
    timeout(Duration::from_secs(2), site.hung_up("/slow")).await.expect("the child lives on");
}

#[tokio::test]
async fn an_extraction_has_an_end() {
    let site = TestServer::start().on("/slow", Body::Stalls("text/html", b"<html><title>".repeat(100)));
    let config = ToolsConfig { extract_timeout: Duration::from_secs(2), ..tools_config() };
    let server = ForkServer::start(Tools::find(config).unwrap());
    let failure = server.extract(&link(site.url("/slow")), None, &gate()).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::TimedOut, "{failure}");
}

#[tokio::test]
async fn a_page_that_would_fill_the_memory_is_refused() {
    let site = TestServer::start().on("/huge", Body::EndlessPage);
    let server = ForkServer::start(tools());
    let failure = server.extract(&link(site.url("/huge")), None, &gate()).await.unwrap_err();
    assert!(matches!(failure.kind, FailureKind::TimedOut | FailureKind::PageTooLarge), "{failure}");
    assert!(server.version().await.is_some(), "the server itself does not mind");
}

#[tokio::test]
async fn a_page_that_drips_has_an_end_too() {
    let site = TestServer::start().on("/drips", Body::Drips);
    let config = ToolsConfig { extract_timeout: Duration::from_secs(3), ..tools_config() };
    let server = ForkServer::start(Tools::find(config).unwrap());
    let failure = server.extract(&link(site.url("/drips")), None, &gate()).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::TimedOut, "{failure}");
    timeout(Duration::from_secs(2), site.hung_up("/drips")).await.expect("the child lives on");
}

/// Three gigabytes of a page, in twenty megabytes.
fn bomb() -> Vec<u8> {
    const PAGE: &[u8] = b"<html><p> ";
    const BYTES: usize = 3 << 30;
    // A head, and the beginning of the page as it is.
    let mut bomb = b"\x1f\x8b\x08\0\0\0\0\0\0\xff\0\x0a\0\xf5\xff".to_vec();
    bomb.extend(PAGE);
    // Then, in deflate's fixed code, "258 times the byte before", again and again: 13 bits each, eight of which are 13 bytes.
    let again = [1, 1, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0];
    let bits: Vec<u8> = [0, 1, 0].into_iter().chain(again.into_iter().cycle()).take(14 * 8).collect();
    let coded: Vec<u8> = bits.chunks(8).map(|byte| byte.iter().rev().fold(0, |sum, bit| 2 * sum + bit)).collect();
    bomb.push(coded[0]);
    bomb.extend(coded[1..].repeat(BYTES / (8 * 258)));
    bomb
}

#[tokio::test]
async fn a_small_page_that_unpacks_to_gigabytes_is_refused() {
    let site = TestServer::start().on("/bomb", Body::Gzip(bomb()));
    let server = ForkServer::start(tools());
    let failure = server.extract(&link(site.url("/bomb")), None, &gate()).await.unwrap_err();
    assert!(failure.kind == FailureKind::PageTooLarge && failure.detail.contains("MemoryError"), "{failure}");
    assert_eq!(failure.permanence, Permanence::Permanent);
    assert!(server.version().await.is_some(), "the server itself does not mind");
}

#[tokio::test]
async fn what_is_said_of_a_link_is_bounded() {
    let variants = |count: u32, name: &str| {
        let info =
            |number| format!("#EXT-X-STREAM-INF:BANDWIDTH={number}000,RESOLUTION=640x360,CODECS=\"avc1.42c00c\"");
        let all = (1..=count).map(|number| format!("{}\n/{name}{number}.m3u8\n", info(number)));
        let list: String = std::iter::once("#EXTM3U\n".to_owned()).chain(all).collect();
        Body::Whole("application/vnd.apple.mpegurl", list.into())
    };
    let site =
        TestServer::start().on("/many.m3u8", variants(2100, "")).on("/much.m3u8", variants(4000, &"long".repeat(1500)));
    let server = ForkServer::start(tools());
    let many = media(server.extract(&link(site.url("/many.m3u8")), None, &gate()).await).unwrap();
    assert_eq!(many.info.formats.len(), 2000);
    let failure = server.extract(&link(site.url("/much.m3u8")), None, &gate()).await.unwrap_err();
    assert!(failure.kind == FailureKind::PageTooLarge && failure.detail.contains("more info JSON"), "{failure}");
    assert_eq!(failure.permanence, Permanence::Permanent);
    assert!(server.version().await.is_some(), "the server itself does not mind");
}
