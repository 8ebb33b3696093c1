//! The listening side of the site and the handle that a test holds.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};

use anyhow::{Context, Result};
use http::Request;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{
    Delivery, Gate, Hold, Resource, Visit,
    answer::answer,
    control::control,
    flush::{Connection, Flushes},
    gate::Bar,
    shelf::Shelf,
};

/// A running site. Dropping it closes every connection.
#[derive(Debug)]
pub struct Site {
    address: SocketAddr,
    shelf: Arc<Shelf>,
    _closing: DropGuard,
}

impl Site {
    /// An empty site on a free port of 127.0.0.1.
    pub async fn start() -> Result<Self> {
        Self::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await
    }

    /// An empty site on `address`; port 0 takes a free one.
    pub async fn bind(address: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))?;
        let (address, shelf, closing) = (listener.local_addr()?, Arc::new(Shelf::default()), CancellationToken::new());
        tokio::spawn(closing.clone().run_until_cancelled_owned(accept(listener, shelf.clone(), closing.clone())));
        Ok(Self { address, shelf, _closing: closing.drop_guard() })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The whole address of `path`, which starts with a slash.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Serves `resource` under `path`; what was there before is replaced.
    pub fn publish(&self, path: &str, resource: Resource) {
        self.shelf.publish(path, resource);
    }

    /// Serves every path that begins with `prefix` with what `make` makes of its rest; nothing is kept. What was published
    /// under a whole path comes first.
    pub fn publish_made(&self, prefix: &str, make: impl Fn(&str) -> Option<Resource> + Send + Sync + 'static) {
        self.shelf.publish_made(prefix, Arc::new(make));
    }

    /// From now on serves `path` as `delivery` says; responses that are under way keep theirs.
    pub fn deliver(&self, path: &str, delivery: Delivery) {
        self.shelf.deliver(path, delivery);
    }

    /// From now on holds every `GET` of `path`, until the gate opens.
    pub fn hold(&self, path: &str, at: Hold) -> Gate {
        let bar = Bar::new(at);
        self.shelf.hold(path, bar.clone());
        Gate { bar }
    }

    /// The visits to `path` so far, oldest first.
    pub fn visits(&self, path: &str) -> Vec<Visit> {
        self.shelf.visits.to(path)
    }

    /// Waits until the visits to `path` satisfy `enough`; an error after a minute.
    pub async fn until(&self, path: &str, enough: impl Fn(&[Visit]) -> bool) -> Result<Vec<Visit>> {
        self.shelf.visits.until(path, enough).await
    }
}

async fn accept(listener: TcpListener, shelf: Arc<Shelf>, closing: CancellationToken) {
    // An error of accept is one connection that died early, or no file descriptors left: the test will notice.
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(closing.clone().run_until_cancelled_owned(connection(stream, shelf.clone())));
    }
}

async fn connection(stream: TcpStream, shelf: Arc<Shelf>) {
    let flushes = Flushes::default();
    let connection = Connection { stream, flushes: flushes.clone() };
    let service = service_fn(move |request: Request<Incoming>| {
        let (shelf, flushes) = (shelf.clone(), flushes.clone());
        async move {
            match request.uri().path().strip_prefix("/control/").map(str::to_owned) {
                Some(call) => control(&shelf, &call, request).await,
                None => answer(&shelf, flushes, &request).await,
            }
        }
    });
    // Clients that hang up and bodies that are cut on purpose end here; the log of visits has them.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(connection), service).await;
}
