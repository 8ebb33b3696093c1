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
    let _ = rustls::crypto::ring::default_provider().install_default();
    let allow = allow.iter().map(|text| text.parse().unwrap()).collect();
    let egress = Egress::with_lookup(Policy { allow, ..Policy::default() }, Turns(turns.to_vec(), AtomicUsize::new(0)));
    Guarded::new(egress, || Client::builder().pool_max_idle_per_host(0)).unwrap()
}

fn reason(error: &NoRequest) -> Option<Reason> {
    match error {
        NoRequest::Refused(refusal) => Some(refusal.reason),
        NoRequest::Client(_) | NoRequest::Upstream(_) => None,
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

#[tokio::test]
async fn so_many_ports_take_no_more_room() {
    let guarded = guarded(&[], &["10.0.0.1"]);
    for port in 20_000..20_000 + 2 * u16::try_from(MAX_CLIENTS).unwrap() {
        let url = Url::parse(&format!("http://a.example:{port}/")).unwrap();
        drop(guarded.get(url));
    }
    assert_eq!(guarded.0.clients.lock().unwrap().len(), MAX_CLIENTS);
}
