//! `CONNECT host:port`: bytes in both directions, to an address that was judged.

use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
};

use hyper::{Request, Response, body::Incoming};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf, copy_bidirectional_with_sizes},
    time::{Instant, sleep_until},
};

use super::{
    Shared,
    connection::{Body, Denial, words},
    pass::PassState,
};
use crate::{
    Reason,
    egress::host,
    limits::{IDLE_TIMEOUT, TUNNEL_BYTES},
};

pub(super) async fn open(
    shared: &Arc<Shared>,
    pass: &Arc<PassState>,
    mut request: Request<Incoming>,
) -> Result<Response<Body>, Denial> {
    let authority = request.uri().authority().ok_or(Denial::Malformed("no host and port"))?;
    if authority.as_str().contains('@') {
        return Err(Denial::Malformed("credentials in a place"));
    }
    let port = authority.port_u16().filter(|port| *port > 0).ok_or(Denial::Malformed("no port"))?;
    let Some(host) = host(authority.host()) else {
        return Err(Denial::Refused(shared.egress.refuse(authority.host(), port, Reason::NotTheWeb)));
    };
    let slot = shared.way(pass)?;
    let site = shared.egress.open(&host, port).await?;
    let upgrade = hyper::upgrade::on(&mut request);
    let (end, all) = (pass.end.clone(), shared.end.clone());
    shared.tasks.spawn(async move {
        let passing = async {
            let Ok(child) = upgrade.await else { return };
            let alive = Arc::new(Mutex::new(Instant::now()));
            let (mut child, mut site) = (Watched::new(TokioIo::new(child), &alive), Watched::new(site, &alive));
            tokio::select! {
                // However it ends, both sides see their connection close.
                _ = copy_bidirectional_with_sizes(&mut child, &mut site, TUNNEL_BYTES, TUNNEL_BYTES) => {}
                () = idle(&alive) => {}
            }
        };
        tokio::select! {
            () = passing => {}
            () = end.cancelled() => {}
            () = all.cancelled() => {}
        }
        drop(slot);
    });
    Ok(Response::new(words("")))
}

/// Resolves when nothing has come through for long enough.
async fn idle(alive: &Mutex<Instant>) {
    loop {
        let latest = *alive.lock().unwrap_or_else(PoisonError::into_inner) + IDLE_TIMEOUT;
        if latest <= Instant::now() {
            return;
        }
        sleep_until(latest).await;
    }
}

/// Notes when something came through.
struct Watched<S> {
    stream: S,
    alive: Arc<Mutex<Instant>>,
}

impl<S> Watched<S> {
    fn new(stream: S, alive: &Arc<Mutex<Instant>>) -> Self {
        Self { stream, alive: alive.clone() }
    }

    fn beat(&self) {
        *self.alive.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.stream).poll_read(cx, buf);
        if polled.is_ready() {
            self.beat();
        }
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(cx, buf);
        if polled.is_ready() {
            self.beat();
        }
        polled
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
