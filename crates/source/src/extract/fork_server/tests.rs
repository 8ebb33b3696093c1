//! The fork server, alive and dead.

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
    assert!(matches!(failure.kind, FailureKind::TimedOut | FailureKind::Internal), "{failure}");
    assert!(server.version().await.is_some(), "the server itself does not mind");
}
