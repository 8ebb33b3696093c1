//! The listening side of the site and the handle that a test holds.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};

use anyhow::{Context, Result, ensure};
use http::{HeaderValue, Request, header::SET_COOKIE};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{
    Delivery, Gate, Hold, Line, Resource, Visit,
    answer::answer,
    control::control,
    gate::Bar,
    shelf::Shelf,
    tls,
    wire::{Connection, Wire},
};
use crate::authority::Authority;

/// A running site. Dropping it closes every connection.
#[derive(Debug)]
pub struct Site {
    address: SocketAddr,
    shelf: Arc<Shelf>,
    closing: CancellationToken,
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
        let site = Self { address, shelf, closing: closing.clone(), _closing: closing.drop_guard() };
        site.serve(listener, None);
        Ok(site)
    }

    /// Speaks TLS as well, on another free port and with the certificate of `authority`; returns where.
    pub async fn secure(&self, authority: &Authority) -> Result<SocketAddr> {
        let tls = tls::acceptor(authority)?;
        let listener = TcpListener::bind((self.address.ip(), 0)).await?;
        let address = listener.local_addr()?;
        ensure!(self.shelf.secure.set(address).is_ok(), "it speaks TLS already");
        self.serve(listener, Some(tls));
        Ok(address)
    }

    fn serve(&self, listener: TcpListener, tls: Option<TlsAcceptor>) {
        let (shelf, closing) = (self.shelf.clone(), self.closing.clone());
        tokio::spawn(closing.clone().run_until_cancelled_owned(accept(listener, tls, shelf, closing)));
    }

    /// From now on sets this cookie with every answer: `name=value`.
    pub fn set_cookie(&self, cookie: &str) {
        // Of two, the first stays.
        let _ = self.shelf.cookie.set(cookie.to_owned());
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

    /// From now on the line is so slow, for responses under way as well.
    pub fn shape(&self, line: Line) {
        self.shelf.shape(line);
    }

    /// From now on holds every `GET` of `path`, until the gate opens.
    pub fn hold(&self, path: &str, at: Hold) -> Gate {
        let bar = Bar::new(at);
        self.shelf.hold(path, bar.clone());
        Gate { bar }
    }

    /// Cuts the first response that reaches byte `at` of `path`; from then on there is `resource` instead.
    pub fn replace_at(&self, path: &str, at: u64, resource: Resource) {
        let bar = Bar::new(Hold::Byte(at));
        self.shelf.hold(path, bar.clone());
        self.shelf.deliver(path, Delivery::cut_at(at).times(1));
        let (shelf, path) = (self.shelf.clone(), path.to_owned());
        tokio::spawn(self.closing.clone().run_until_cancelled_owned(async move {
            // An error would mean that the sender is gone, and we hold one.
            let _ = bar.arrivals.subscribe().wait_for(|&arrived| arrived > 0).await;
            shelf.publish(&path, resource);
            bar.open();
        }));
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

async fn accept(listener: TcpListener, tls: Option<TlsAcceptor>, shelf: Arc<Shelf>, closing: CancellationToken) {
    // An error of accept is one connection that died early, or no file descriptors left: the test will notice.
    while let Ok((stream, _)) = listener.accept().await {
        let (tls, shelf) = (tls.clone(), shelf.clone());
        tokio::spawn(closing.clone().run_until_cancelled_owned(connection(stream, tls, shelf)));
    }
}

async fn connection(stream: TcpStream, tls: Option<TlsAcceptor>, shelf: Arc<Shelf>) {
    // Small answers would wait for each other.
    let _ = stream.set_nodelay(true);
    let wire = Wire::default();
    let connection = Connection { stream, wire: wire.clone() };
    match tls {
        None => converse(connection, wire, "http", shelf).await,
        Some(tls) => {
            if let Ok(connection) = tls.accept(connection).await {
                converse(connection, wire, "https", shelf).await;
            }
        }
    }
}

async fn converse(
    connection: impl AsyncRead + AsyncWrite + Unpin,
    wire: Wire,
    scheme: &'static str,
    shelf: Arc<Shelf>,
) {
    let service = service_fn(move |request: Request<Incoming>| {
        let (shelf, wire) = (shelf.clone(), wire.clone());
        async move {
            match request.uri().path().strip_prefix("/control/").map(str::to_owned) {
                Some(call) => control(&shelf, &call, request).await,
                None => {
                    let mut answer = answer(&shelf, wire, scheme, &request).await;
                    if let (Ok(answer), Some(cookie)) = (&mut answer, shelf.cookie.get()) {
                        answer.headers_mut().insert(SET_COOKIE, HeaderValue::from_str(cookie)?);
                    }
                    answer
                }
            }
        }
    });
    // Clients that hang up and bodies that are cut on purpose end here; the log of visits has them.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(connection), service).await;
}
