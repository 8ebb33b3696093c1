//! The service: what it says of itself, whom it serves, how it ends.

use std::time::Duration;

use hyper::HeaderMap;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinHandle,
};

use super::*;
use crate::{
    Policy,
    limits::MAX_CONNECTIONS_OF_CALLER,
    proxy::tests::{Names, OK, Site, said},
};

/// A running one. It ends when it is told to.
struct Running {
    address: SocketAddr,
    egress: Egress,
    end: CancellationToken,
    serving: JoinHandle<()>,
}

async fn gateway(address: &str, allow: &str) -> Running {
    let egress = Egress::with_lookup(Policy { allow: vec![allow.parse().unwrap()], ..Policy::default() }, Names);
    let gateway = Gateway::bind(address.parse().unwrap(), egress.clone(), || "figure 1\n".to_owned()).await.unwrap();
    let (address, end) = (([127, 0, 0, 1], gateway.address().port()).into(), CancellationToken::new());
    let until = end.clone();
    Running { address, egress, end, serving: tokio::spawn(async move { gateway.serve(&until).await }) }
}

async fn ask(gateway: &Running, head: &str) -> String {
    let mut stream = TcpStream::connect(gateway.address).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    said(&mut stream).await
}

#[tokio::test]
async fn it_tells_of_itself_and_serves_without_a_pass() {
    let site = Site::start(OK).await;
    let (gateway, port) = (gateway("127.0.0.1:0", &format!("127.0.0.1:{}", site.port)).await, site.port);
    for (target, want, says) in [
        ("GET /healthz".to_owned(), "200", "alive"),
        ("GET /metrics".to_owned(), "200", "figure 1"),
        ("GET /".to_owned(), "404", "this is a proxy"),
        ("POST /healthz".to_owned(), "400", ""),
        (format!("GET /judge?host=site.example&port={port}"), "200", ""),
        (format!("GET /judge?host=gone.example&port={port}"), "200", ""),
        (format!("GET /judge?host=in.example&port={port}"), "403", "sluice-egress: loopback"),
        (format!("GET /judge?host=127.1&port={}", port ^ 1), "403", "sluice-egress: loopback"),
        ("GET /judge?host=site.example&port=22".to_owned(), "403", "sluice-egress: port"),
        ("GET /judge?host=a%20b&port=80".to_owned(), "403", "sluice-egress: not_the_web"),
        ("GET /judge?host=site.example".to_owned(), "400", ""),
        (format!("GET http://site.example:{port}/"), "200", "bytes"),
        (format!("GET http://in.example:{port}/"), "403", "sluice-egress: loopback"),
        (format!("CONNECT site.example:{port}"), "200", ""),
        (format!("CONNECT in.example:{port}"), "403", "sluice-egress: loopback"),
        (format!("CONNECT gone.example:{port}"), "502", "sluice-egress: unknown"),
    ] {
        let answer = ask(&gateway, &format!("{target} HTTP/1.1\r\nHost: a\r\n\r\n")).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {want} ")) && answer.contains(says), "{target}: {answer}");
    }
}

/// Through an exception for its own network, it could be made to talk to itself; it listens on every address that it has.
#[tokio::test]
async fn it_does_not_dial_itself() {
    let gateway = gateway("0.0.0.0:0", "127.0.0.0/8").await;
    let port = gateway.address.port();
    for host in ["127.0.0.1", "127.0.0.77", "0x7f.1", "0", "localhost", "site.example"] {
        let answer = ask(&gateway, &format!("GET http://{host}:{port}/metrics HTTP/1.1\r\nHost: a\r\n\r\n")).await;
        assert!(answer.starts_with("HTTP/1.1 403 "), "{host}: {answer}");
    }
    assert_eq!(gateway.egress.figures().0, 0);
}

#[tokio::test]
async fn a_site_has_no_word_of_the_proxys() {
    let site =
        Site::start("HTTP/1.1 200 OK\r\nsluice-egress: loopback\r\nx-kept: 1\r\ncontent-length: 0\r\n\r\n").await;
    let gateway = gateway("127.0.0.1:0", &format!("127.0.0.1:{}", site.port)).await;
    let answer = ask(&gateway, &format!("GET http://site.example:{}/ HTTP/1.1\r\nHost: a\r\n\r\n", site.port)).await;
    assert!(answer.contains("x-kept") && !answer.contains("sluice-egress"), "{answer}");
}

#[tokio::test]
async fn each_caller_has_a_share() {
    let gateway = Gateway::bind("127.0.0.1:0".parse().unwrap(), Egress::default(), String::new).await.unwrap();
    let shared = &gateway.shared;
    let caller = |last: u8| shared.door.admits(Some([10, 0, 0, last].into()), &HeaderMap::new()).unwrap();
    let held: Vec<_> = (0..MAX_CONNECTIONS_OF_CALLER).map(|_| shared.way(&caller(1)).ok().unwrap()).collect();
    assert!(shared.way(&caller(1)).is_err());
    let others = (2..=5).flat_map(|last| (0..MAX_CONNECTIONS_OF_CALLER).map(move |_| last));
    let held: Vec<_> = held.into_iter().chain(others.map_while(|last| shared.way(&caller(last)).ok())).collect();
    assert_eq!(held.len(), MAX_CONNECTIONS_OF_GATEWAY);
    drop(held);
    assert!(shared.way(&caller(1)).is_ok());
}

#[tokio::test]
async fn told_to_stop_it_lets_what_passes_end() {
    let site = Site::start("pong").await;
    let gateway = gateway("127.0.0.1:0", &format!("127.0.0.1:{}", site.port)).await;
    let mut tunnel = TcpStream::connect(gateway.address).await.unwrap();
    tunnel.write_all(format!("CONNECT site.example:{} HTTP/1.1\r\n\r\n", site.port).as_bytes()).await.unwrap();
    assert!(said(&mut tunnel).await.starts_with("HTTP/1.1 200 "));
    let mut kept = TcpStream::connect(gateway.address).await.unwrap();
    kept.write_all(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    assert!(said(&mut kept).await.contains("alive"));
    gateway.end.cancel();
    // What only waits for another request ends at once; the tunnel still carries.
    assert_eq!(kept.read(&mut [0; 16]).await.unwrap_or(0), 0);
    tunnel.write_all(b"ping\n").await.unwrap();
    let mut pong = [0; 4];
    tunnel.read_exact(&mut pong).await.unwrap();
    assert_eq!(&pong, b"pong");
    drop(tunnel);
    tokio::time::timeout(Duration::from_secs(2), gateway.serving).await.expect("it ends with the last").unwrap();
    assert!(TcpStream::connect(gateway.address).await.is_err());
}
