//! What reqwest dials through the guard.

use std::{
    io,
    net::IpAddr,
    sync::atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use super::*;
use crate::{AddressClass, Lookup, Policy, Reason};

struct Turns(Vec<&'static str>, AtomicUsize);

#[async_trait]
impl Lookup for Turns {
    async fn lookup(&self, _: &str) -> io::Result<Vec<IpAddr>> {
        let turn = self.1.fetch_add(1, Ordering::Relaxed) % self.0.len();
        Ok(vec![self.0[turn].parse().unwrap()])
    }
}

fn guarded(allow: &[String], turns: &[&'static str]) -> Guarded {
    let allow = allow.iter().map(|text| text.parse().unwrap()).collect();
    let egress = Egress::with_lookup(Policy { allow, ..Policy::default() }, Turns(turns.to_vec(), AtomicUsize::new(0)));
    Guarded::new(egress).unwrap()
}

fn reason(error: &NoRequest) -> Option<Reason> {
    match error {
        NoRequest::Refused(refusal) => Some(refusal.reason),
        NoRequest::Broken(_) => None,
    }
}

/// Answers everything with a redirect to itself, and counts.
async fn site(address: &str) -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind(address).await.unwrap();
    let (port, hits) = (listener.local_addr().unwrap().port(), Arc::new(AtomicUsize::new(0)));
    let count = hits.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::Relaxed);
            let mut request = [0; 2048];
            let _ = stream.read(&mut request).await;
            let answer = "HTTP/1.1 302 Found\r\nlocation: /again\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    (port, hits)
}

#[tokio::test]
async fn a_name_that_changes_its_mind_gets_nowhere() {
    let (port, hits) = site("127.0.0.1:0").await;
    let (_, canary) = site(&format!("127.0.0.2:{port}")).await;
    let guarded = guarded(&[format!("127.0.0.1:{port}")], &["127.0.0.1", "127.0.0.2", "10.0.0.1"]);
    for round in 0..9 {
        let url = Url::parse(&format!("http://rebind.example:{port}/")).unwrap();
        let sent = guarded.get(url).unwrap().send().await;
        match (round % 3, sent) {
            (0, Ok(answer)) => assert_eq!(answer.status(), 302),
            (1, Err(error)) => {
                assert_eq!(reason(&error).unwrap(), Reason::Address(AddressClass::Loopback));
            }
            (2, Err(error)) => {
                assert_eq!(reason(&error).unwrap(), Reason::Address(AddressClass::Private));
            }
            (_, other) => panic!("{round}: {other:?}"),
        }
    }
    assert_eq!((hits.load(Ordering::Relaxed), canary.load(Ordering::Relaxed)), (3, 0));
}

/// The exception is for one port: the client for another knows that, whatever was dialled before.
#[tokio::test]
async fn an_exception_for_one_port_is_none_for_another() {
    let (port, _) = site("127.0.0.1:0").await;
    let (other, canary) = site("127.0.0.1:0").await;
    let guarded = guarded(&[format!("127.0.0.1:{port}")], &["127.0.0.1"]);
    let get = |port: u16| guarded.get(Url::parse(&format!("http://a.example:{port}/")).unwrap()).unwrap().send();
    assert_eq!(get(port).await.unwrap().status(), 302);
    assert!(reason(&get(other).await.unwrap_err()).is_some());
    let literal = Url::parse(&format!("http://0x7f.1:{other}/")).unwrap();
    assert!(matches!(guarded.get(literal), Err(NoRequest::Refused(_))));
    assert_eq!(canary.load(Ordering::Relaxed), 0);
}

/// Whoever reads slowly is owed no more than this by a connection, however fast the other side is.
#[tokio::test]
async fn no_chunk_is_larger_than_what_is_read_at_once() {
    const TOTAL: usize = 8 << 20;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = [0; 2048];
        let _ = stream.read(&mut request).await;
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {TOTAL}\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(&vec![7; TOTAL]).await.unwrap();
    });
    let guarded = guarded(&[format!("127.0.0.1:{port}")], &["127.0.0.1"]);
    let url = Url::parse(&format!("http://a.example:{port}/")).unwrap();
    let mut answer = guarded.get(url).unwrap().send().await.unwrap();
    let mut came = 0;
    while let Some(chunk) = answer.chunk().await.unwrap() {
        assert!(chunk.len() <= READ_BYTES, "{}", chunk.len());
        came += chunk.len();
        // All that the sockets hold is there at the next read.
        tokio::task::yield_now().await;
    }
    assert_eq!(came, TOTAL);
}

#[test]
fn a_name_and_a_password_go_into_a_header() {
    let url = Url::parse("https://ada%40home:p%3Aw@a.example/x?y#z").unwrap();
    assert_eq!(bare(&url).as_str(), "https://a.example/x?y");
    assert_eq!(pass(&url).unwrap(), format!("Basic {}", STANDARD.encode("ada@home:p:w")).as_str());
    assert!(pass(&bare(&url)).is_none());
}

/// Asks twice on a runtime of its own.
fn ask_twice(guarded: &Guarded, url: &Url) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        for _ in 0..2 {
            let mut answer = guarded.get(url.clone()).unwrap().send().await.unwrap();
            assert_eq!(answer.chunk().await.unwrap().unwrap(), "here");
            assert_eq!(answer.chunk().await.unwrap(), None);
            // The connection is given back by tasks of its own.
            for _ in 0..10 {
                tokio::task::yield_now().await;
            }
        }
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_stays_on_the_runtime_that_made_it() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (port, connections) = (listener.local_addr().unwrap().port(), Arc::new(AtomicUsize::new(0)));
    let count = connections.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::Relaxed);
            tokio::spawn(async move {
                let mut request = [0; 2048];
                while stream.read(&mut request).await.is_ok_and(|read| read > 0) {
                    let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nhere").await;
                }
            });
        }
    });
    let guarded = guarded(&[format!("127.0.0.1:{port}")], &["127.0.0.1"]);
    let url = Url::parse(&format!("http://127.0.0.1:{port}/")).unwrap();
    for runtimes in 1..=2 {
        let (guarded, url) = (guarded.clone(), url.clone());
        tokio::task::spawn_blocking(move || std::thread::spawn(move || ask_twice(&guarded, &url)).join())
            .await
            .unwrap()
            .unwrap();
        assert_eq!(connections.load(Ordering::Relaxed), runtimes);
    }
}
