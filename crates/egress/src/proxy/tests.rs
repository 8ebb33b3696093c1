//! What gets through, byte for byte, and what does not.

use std::{
    net::IpAddr,
    sync::Mutex,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener as Listener, TcpStream},
};

use super::*;
use crate::{AddressClass, Lookup, Policy, Reason};

/// Names of the tests: `site.example` is the site, `in.example` leads inward, everything else nowhere.
pub(crate) struct Names;

#[async_trait]
impl Lookup for Names {
    async fn lookup(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        match name {
            "site.example" => Ok(vec![IpAddr::from([127, 0, 0, 1])]),
            "in.example" => Ok(vec![IpAddr::from([127, 0, 0, 2]), IpAddr::from([169, 254, 169, 254])]),
            _ => Err(io::ErrorKind::NotFound.into()),
        }
    }
}

/// A site that keeps what it was asked and gives one answer.
pub(crate) struct Site {
    pub(crate) port: u16,
    heard: Arc<Mutex<Vec<u8>>>,
}

impl Site {
    pub(crate) async fn start(answer: &'static str) -> Self {
        let listener = Listener::bind("127.0.0.1:0").await.unwrap();
        let (port, heard) = (listener.local_addr().unwrap().port(), Arc::new(Mutex::new(Vec::new())));
        let ear = heard.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let ear = ear.clone();
                tokio::spawn(async move {
                    let mut piece = [0; 4096];
                    while let Ok(read @ 1..) = stream.read(&mut piece).await {
                        ear.lock().unwrap().extend_from_slice(&piece[..read]);
                        if piece[..read].ends_with(b"\n") {
                            let _ = stream.write_all(answer.as_bytes()).await;
                            if answer.contains("connection: close") {
                                return;
                            }
                        }
                    }
                });
            }
        });
        Self { port, heard }
    }

    pub(crate) fn heard(&self) -> String {
        String::from_utf8(std::mem::take(&mut *self.heard.lock().unwrap())).unwrap()
    }
}

pub(crate) const OK: &str = "HTTP/1.1 200 Fine by me\r\ncontent-length: 5\r\nkeep-alive: 5\r\nx-kept: 1\r\n\r\nbytes";

fn proxy(site: &Site) -> Proxy {
    let allow = vec![format!("127.0.0.1:{}", site.port).parse().unwrap()];
    Proxy::start(Egress::with_lookup(Policy { allow, ..Policy::default() }, Names)).unwrap()
}

/// `Proxy-Authorization`, as a child derives it from the address.
pub(crate) fn key(pass: &Pass) -> String {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let url = url::Url::parse(&pass.url()).unwrap();
    format!("Proxy-Authorization: Basic {}\r\n", STANDARD.encode(format!("{}:x", url.username())))
}

async fn dial(proxy: &Proxy) -> TcpStream {
    TcpStream::connect(proxy.address()).await.unwrap()
}

/// One answer, or what there is of it when the connection ends.
pub(crate) async fn said(stream: &mut TcpStream) -> String {
    let (mut all, mut piece) = (Vec::new(), [0; 4096]);
    let reading = async {
        while let Ok(read @ 1..) = stream.read(&mut piece).await {
            all.extend_from_slice(&piece[..read]);
            let text = String::from_utf8_lossy(&all).to_lowercase();
            let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
            let length = head.split("content-length: ").nth(1).and_then(|rest| rest.lines().next()?.parse().ok());
            // A tunnel's answer has neither length nor body.
            if body.len() >= length.unwrap_or(0) {
                break;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), reading).await.expect("an answer in time");
    String::from_utf8_lossy(&all).into_owned()
}

async fn ask(proxy: &Proxy, head: &str) -> String {
    let mut stream = dial(proxy).await;
    stream.write_all(head.as_bytes()).await.unwrap();
    said(&mut stream).await
}

#[tokio::test]
async fn a_request_passes_without_what_belongs_to_one_connection() {
    let site = Site::start(OK).await;
    let (proxy, port) = (proxy(&site), site.port);
    let pass = proxy.pass();
    let key = key(&pass);
    let answer = ask(
        &proxy,
        &format!(
            "GET http://site.example:{port}/a/../b?c=%20d HTTP/1.1\r\nHost: other.example\r\n{key}Proxy-Connection: keep-alive\r\n\
             Connection: X-Secret\r\nX-Secret: 1\r\nX-Kept: 2\r\nUpgrade: websocket\r\n\r\n"
        ),
    )
    .await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("\r\n\r\nbytes"), "{answer}");
    assert!(answer.contains("x-kept: 1") && !answer.contains("keep-alive: 5"), "{answer}");
    let heard = site.heard().to_lowercase();
    assert!(heard.starts_with("get /b?c=%20d http/1.1\r\n"), "{heard}");
    assert!(heard.contains(&format!("host: site.example:{port}\r\n")) && heard.contains("x-kept: 2"), "{heard}");
    for gone in ["proxy-", "x-secret", "upgrade", "other.example"] {
        assert!(!heard.contains(gone), "{gone}: {heard}");
    }
    assert!(pass.refusal().is_none());
}

#[tokio::test]
async fn every_request_of_a_connection_is_judged() {
    let (site, canary) = (Site::start(OK).await, Site::start(OK).await);
    let proxy = proxy(&site);
    let pass = proxy.pass();
    let (key, mut stream) = (key(&pass), dial(&proxy).await);
    for (host, good) in [
        ("site.example", true),
        ("in.example", false),
        ("127.0.0.1", true),
        ("localhost", true),
        ("gone.example", true),
    ] {
        let request = format!("GET http://{host}:{}/ HTTP/1.1\r\nHost: site.example\r\n{key}\r\n", site.port);
        stream.write_all(request.as_bytes()).await.unwrap();
        let answer = said(&mut stream).await;
        let want = match (host, good) {
            ("gone.example", _) => "HTTP/1.1 502 ",
            (_, true) => "HTTP/1.1 200 ",
            (_, false) => "HTTP/1.1 403 ",
        };
        assert!(answer.starts_with(want), "{host}: {answer}");
    }
    let request =
        format!("GET http://127.0.0.1:{}/ HTTP/1.1\r\nHost: 127.0.0.1:{}\r\n{key}\r\n", canary.port, site.port);
    stream.write_all(request.as_bytes()).await.unwrap();
    assert!(said(&mut stream).await.contains(" is not visited: loopback"));
    assert_eq!(canary.heard(), "");
    assert_eq!(pass.refusal().unwrap().reason, Reason::Address(AddressClass::Loopback));
}

#[tokio::test]
async fn a_tunnel_leads_to_what_was_judged() {
    let site = Site::start("pong").await;
    let (proxy, port) = (proxy(&site), site.port);
    let pass = proxy.pass();
    let key = key(&pass);
    let mut stream = dial(&proxy).await;
    stream.write_all(format!("CONNECT site.example:{port} HTTP/1.1\r\n{key}\r\n").as_bytes()).await.unwrap();
    assert!(said(&mut stream).await.starts_with("HTTP/1.1 200 "));
    stream.write_all(b"ping\n").await.unwrap();
    let mut pong = [0; 4];
    stream.read_exact(&mut pong).await.unwrap();
    assert_eq!((&pong, site.heard().as_str()), (b"pong", "ping\n"));
    // Whoever held the pass is gone: so is what came with it.
    drop(pass);
    let began = Instant::now();
    assert_eq!(stream.read(&mut pong).await.unwrap_or(0), 0);
    assert!(began.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn what_must_not_pass_does_not() {
    let site = Site::start(OK).await;
    let proxy = proxy(&site);
    let own = proxy.address();
    let pass = proxy.pass();
    let (key, port) = (key(&pass), site.port);
    for (head, want) in [
        (format!("GET http://127.0.0.1:{port}/ HTTP/1.1\r\nHost: a\r\n\r\n"), "407"),
        (format!("CONNECT 127.0.0.1:{port} HTTP/1.1\r\n\r\n"), "407"),
        (format!("GET http://127.0.0.1:{port}/ HTTP/1.1\r\nHost: a\r\nProxy-Authorization: Basic eDp4\r\n\r\n"), "407"),
        (format!("GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{key}\r\n"), "400"),
        (format!("OPTIONS * HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{key}\r\n"), "400"),
        (format!("TRACE http://127.0.0.1:{port}/ HTTP/1.1\r\nHost: a\r\n{key}\r\n"), "400"),
        (format!("GET https://127.0.0.1:{port}/ HTTP/1.1\r\nHost: a\r\n{key}\r\n"), "403"),
        (format!("GET ftp://127.0.0.1:{port}/ HTTP/1.1\r\nHost: a\r\n{key}\r\n"), "403"),
        (format!("GET http://127.0.0.2:{port}/ HTTP/1.1\r\nHost: a\r\n{key}\r\n"), "403"),
        (format!("GET http://127.0.0.1:{port}@127.0.0.2:{port}/ HTTP/1.1\r\nHost: a\r\n{key}\r\n"), "403"),
        (format!("GET http://2130706434:{port}/ HTTP/1.1\r\nHost: a\r\n{key}\r\n"), "403"),
        (format!("GET http://0x7f.2:{port}/ HTTP/1.1\r\nHost: a\r\n{key}\r\n"), "403"),
        (format!("GET http://[::ffff:127.0.0.1]:{port}/ HTTP/1.1\r\nHost: a\r\n{key}\r\n"), "403"),
        (format!("GET http://{own}/ HTTP/1.1\r\nHost: a\r\n{key}\r\n"), "403"),
        (format!("CONNECT {own} HTTP/1.1\r\n{key}\r\n"), "403"),
        (format!("CONNECT 127.0.0.2:{port} HTTP/1.1\r\n{key}\r\n"), "403"),
        (format!("CONNECT 0x7f.2:{port} HTTP/1.1\r\n{key}\r\n"), "403"),
        (format!("CONNECT 0177.0.0.2:{port} HTTP/1.1\r\n{key}\r\n"), "403"),
        (format!("CONNECT [::1]:{port} HTTP/1.1\r\n{key}\r\n"), "403"),
        (format!("CONNECT [::ffff:127.0.0.1]:{port} HTTP/1.1\r\n{key}\r\n"), "403"),
        (format!("CONNECT in.example:{port} HTTP/1.1\r\n{key}\r\n"), "403"),
        (format!("CONNECT site.example:22 HTTP/1.1\r\n{key}\r\n"), "403"),
        (format!("CONNECT site.example:6379 HTTP/1.1\r\n{key}\r\n"), "403"),
        (format!("CONNECT gone.example:{port} HTTP/1.1\r\n{key}\r\n"), "502"),
        (format!("CONNECT 127.0.0.1:{port}@127.0.0.2:{port} HTTP/1.1\r\n{key}\r\n"), "400"),
        (format!("CONNECT 127.0.0.2 HTTP/1.1\r\n{key}\r\n"), "400"),
        (format!("CONNECT / HTTP/1.1\r\n{key}\r\n"), "400"),
        (
            format!(
                "GET http://127.0.0.1:{port}/ HTTP/1.1\r\nHost: a\r\n{key}Content-Length: 5\r\nContent-Length: 6\r\n\r\n"
            ),
            "400",
        ),
        (format!("GET http://127.0.0.1:{port}/{} HTTP/1.1\r\nHost: a\r\n{key}\r\n", "x".repeat(200_000)), "4"),
        (format!("GET http://127.0.0.1:{port}/ HTTP/1.1\r\n{key}{}\r\n", "A: b\r\n".repeat(1000)), "431"),
    ] {
        let answer = ask(&proxy, &head).await;
        let begin: String = head.chars().take(80).collect();
        assert!(answer.starts_with(&format!("HTTP/1.1 {want}")), "{begin:?}: {answer}");
    }
    assert_eq!(site.heard(), "");
}

#[tokio::test]
async fn an_answer_that_breaks_off_does_not_look_whole() {
    let site = Site::start("HTTP/1.1 200 OK\r\ncontent-length: 100\r\nconnection: close\r\n\r\nhalf").await;
    let proxy = proxy(&site);
    let pass = proxy.pass();
    let answer =
        ask(&proxy, &format!("GET http://127.0.0.1:{}/ HTTP/1.1\r\nHost: a\r\n{}\r\n", site.port, key(&pass))).await;
    assert!(answer.contains("content-length: 100") && answer.ends_with("half"), "{answer}");
}

#[tokio::test]
async fn other_listeners_are_served_until_they_are_dropped() {
    let site = Site::start(OK).await;
    let proxy = proxy(&site);
    let (pass, listener) = (proxy.pass(), std::net::TcpListener::bind("127.0.0.1:0").unwrap());
    let address = listener.local_addr().unwrap();
    let serving = proxy.serve(listener);
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET http://site.example:{}/ HTTP/1.1\r\nHost: a\r\n{}\r\n", site.port, key(&pass));
    stream.write_all(request.as_bytes()).await.unwrap();
    assert!(said(&mut stream).await.starts_with("HTTP/1.1 200 "));
    drop(serving);
    let deadline = Instant::now() + Duration::from_secs(2);
    while TcpStream::connect(address).await.is_ok() {
        assert!(Instant::now() < deadline, "it listens on");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn the_thread_ends_with_the_last_handle() {
    let site = Site::start(OK).await;
    let proxy = proxy(&site);
    let (address, other) = (proxy.address(), proxy.clone());
    drop(proxy);
    assert!(TcpStream::connect(address).await.is_ok());
    drop(other);
    let deadline = Instant::now() + Duration::from_secs(2);
    while TcpStream::connect(address).await.is_ok() {
        assert!(Instant::now() < deadline, "it listens on");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
