//! Two proxies in a row, and a client that knows no other way. Nobody but the gateway looks a name up.

use std::net::{IpAddr, SocketAddr};

use async_trait::async_trait;
use tokio::{
    io::AsyncWriteExt as _,
    net::{TcpListener, TcpStream},
};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::*;
use crate::{
    AddressClass, Egress, Gateway, Guarded, Lookup, NoRequest, Policy, Proxy,
    proxy::tests::{Names, OK, Site, key, said},
};

/// A network without a name server.
struct Nobody;

#[async_trait]
impl Lookup for Nobody {
    async fn lookup(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        panic!("{name} is looked up")
    }
}

/// A gateway that may visit `port` of 127.0.0.1, and what goes out through it.
struct Inside {
    egress: Egress,
    gateway: Egress,
    upstream: SocketAddr,
    _end: DropGuard,
}

impl Inside {
    async fn start(port: u16) -> Self {
        let policy = Policy { allow: vec![format!("127.0.0.1:{port}").parse().unwrap()], ..Policy::default() };
        let outside = Egress::with_lookup(policy.clone(), Names);
        let gateway = Gateway::bind("127.0.0.1:0".parse().unwrap(), outside.clone(), String::new).await.unwrap();
        let (address, end) = (gateway.address(), CancellationToken::new());
        let until = end.clone();
        tokio::spawn(async move { gateway.serve(&until).await });
        let upstream = format!("http://{address}").parse().unwrap();
        let egress = Egress::made(policy, Box::new(Nobody), Some(upstream));
        Self { egress, gateway: outside, upstream: address, _end: end.drop_guard() }
    }

    fn guarded(&self) -> Guarded {
        Guarded::new(self.egress.clone()).unwrap()
    }
}

async fn get(guarded: &Guarded, url: &str) -> Result<String, NoRequest> {
    let mut answer = guarded.get(url.parse().unwrap())?.send().await?;
    let mut text = String::new();
    while let Some(piece) = answer.chunk().await.unwrap() {
        text.push_str(std::str::from_utf8(&piece).unwrap());
        assert!(text.len() < 1000, "{text}");
    }
    Ok(text)
}

fn reason(error: &NoRequest) -> Option<Reason> {
    match error {
        NoRequest::Refused(refusal) => Some(refusal.reason),
        NoRequest::Broken(_) => None,
    }
}

fn causes(error: &NoRequest) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

/// A port that nobody listens on.
async fn dead() -> u16 {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port()
}

#[test]
fn what_is_a_proxy_is_read() {
    for (text, want) in [
        ("http://proxy:3128", "http://proxy:3128"),
        ("http://10.0.0.1:8080/", "http://10.0.0.1:8080"),
        ("http://[fd00::1]:8080", "http://[fd00::1]:8080"),
        ("http://PROXY", "http://proxy:80"),
    ] {
        assert_eq!(text.parse::<Upstream>().unwrap().to_string(), want);
    }
    for text in [
        "",
        "proxy:3128",
        "https://proxy:3128",
        "http://a:b@proxy",
        "http://proxy/x",
        "http://proxy/?x",
        "http://proxy:0",
    ] {
        assert!(text.parse::<Upstream>().is_err(), "{text:?}");
    }
}

#[tokio::test]
async fn a_client_is_told_of_refusals_and_of_nothing_else_as_such() {
    let (site, canary) = (Site::start(OK).await, Site::start(OK).await);
    let inside = Inside::start(site.port).await;
    let guarded = inside.guarded();
    let (port, other) = (site.port, canary.port);
    let loopback = Some(Reason::Address(AddressClass::Loopback));
    for round in 0..3 {
        assert_eq!(get(&guarded, &format!("http://site.example:{port}/{round}")).await.unwrap(), "bytes");
        for url in [
            format!("http://in.example:{port}/"),
            format!("https://in.example:{port}/"),
            format!("http://site.example:{other}/"),
            format!("https://site.example:{other}/"),
            format!("http://localhost:{other}/"),
            format!("http://127.0.0.1:{other}/"),
            format!("https://127.0.0.2:{port}/"),
        ] {
            assert_eq!(reason(&get(&guarded, &url).await.unwrap_err()), loopback, "{url}");
        }
        for scheme in ["http", "https"] {
            let error = get(&guarded, &format!("{scheme}://gone.example:{port}/")).await.unwrap_err();
            assert!(matches!(&error, NoRequest::Broken(_)) && causes(&error).contains("no address"), "{error:?}");
        }
    }
    assert_eq!(canary.heard(), "");
    let dialled = inside.gateway.figures().0;
    assert!((1..=3).contains(&dialled), "only the site was dialled, and a tunnel to it may be kept: {dialled}");
    // An address is judged before anybody is asked, `localhost` too; a name, by the gateway, once.
    let refused = |egress: &Egress| egress.figures().1.iter().map(|(_, count)| count).sum::<u64>();
    assert_eq!((refused(&inside.egress), refused(&inside.gateway)), (3 * 7, 3 * 4));
}

#[tokio::test]
async fn children_go_through_both_proxies() {
    let (site, canary) = (Site::start(OK).await, Site::start(OK).await);
    let inside = Inside::start(site.port).await;
    let (proxy, port) = (Proxy::start(inside.egress.clone()).unwrap(), site.port);
    let pass = proxy.pass();
    let key = key(&pass);
    let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
    for (host, want) in [
        ("site.example", "HTTP/1.1 200 "),
        ("gone.example", "HTTP/1.1 502 no address for this name"),
        ("site.example", "HTTP/1.1 200 "),
        ("in.example", "HTTP/1.1 403 in.example"),
    ] {
        let request = format!("GET http://{host}:{port}/ HTTP/1.1\r\nHost: a\r\n{key}\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let answer = said(&mut stream).await;
        assert!(answer.starts_with(want), "{host}: {answer}");
    }
    assert_eq!(pass.refusal().unwrap().reason, Reason::Address(AddressClass::Loopback));
    for (place, want) in [
        (format!("in.example:{port}"), "403"),
        (format!("site.example:{}", canary.port), "403"),
        (format!("127.0.0.1:{}", canary.port), "403"),
        (format!("{}", inside.upstream), "403"),
        (format!("gone.example:{port}"), "502"),
        (format!("site.example:{port}"), "200"),
    ] {
        let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
        stream.write_all(format!("CONNECT {place} HTTP/1.1\r\n{key}\r\n").as_bytes()).await.unwrap();
        let answer = said(&mut stream).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {want} ")), "{place}: {answer}");
        if want == "200" {
            stream.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
            assert!(said(&mut stream).await.ends_with("bytes"), "{place}");
        }
    }
    assert_eq!(canary.heard(), "");
    assert_eq!(inside.gateway.figures().0, 3, "one for each request that passed, and one for the tunnel");
}

#[tokio::test]
async fn a_gateway_that_is_away_has_refused_nothing() {
    let port = dead().await;
    let upstream: Upstream = format!("http://127.0.0.1:{port}").parse().unwrap();
    let egress = Egress::made(Policy::default(), Box::new(Nobody), Some(upstream.clone()));
    let guarded = Guarded::new(egress.clone()).unwrap();
    for scheme in ["http", "https"] {
        let error = get(&guarded, &format!("{scheme}://site.example/")).await.unwrap_err();
        assert!(matches!(&error, NoRequest::Broken(_)) && causes(&error).contains(&upstream.to_string()), "{error:?}");
    }
    egress.judge(&"https://site.example/".parse().unwrap()).await.unwrap();
    let Err(Unreachable::Silent(error)) = egress.open(&Host::parse("site.example").unwrap(), 443).await else {
        panic!("a connection")
    };
    assert!(error.to_string().starts_with(&format!("the proxy upstream ({upstream}): ")), "{error}");
    assert!(upstream.answers().await.is_err());
    assert_eq!(egress.figures().1, []);
}

/// A proxy of another make says no in its own words, and nobody takes that for a refusal of ours.
#[tokio::test]
async fn the_word_of_another_proxy_is_no_refusal() {
    let other = Site::start("HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n").await;
    let upstream: Upstream = format!("http://127.0.0.1:{}", other.port).parse().unwrap();
    let egress = Egress::made(Policy::default(), Box::new(Nobody), Some(upstream));
    let Err(Unreachable::Silent(error)) = egress.open(&Host::parse("site.example").unwrap(), 443).await else {
        panic!("a connection")
    };
    assert!(error.to_string().contains("says 403"), "{error}");
    // A word that a later version has is one all the same.
    let newer = Site::start("HTTP/1.1 403 Forbidden\r\nsluice-egress: by_moonlight\r\ncontent-length: 0\r\n\r\n").await;
    let egress = Egress::made(
        Policy::default(),
        Box::new(Nobody),
        Some(format!("http://127.0.0.1:{}", newer.port).parse().unwrap()),
    );
    let Err(Unreachable::Refused(refusal)) = egress.open(&Host::parse("site.example").unwrap(), 443).await else {
        panic!("no refusal")
    };
    assert_eq!(refusal.reason, Reason::Upstream);
}
