//! What must never be visited: every address of this machine, on one port.

use std::{
    net::{Ipv6Addr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::{Context, Result};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use tokio_util::task::AbortOnDropHandle;

/// A running canary. It answers whatever is asked with a picture of sorts, and keeps what that was.
#[derive(Debug)]
pub struct Canary {
    port: u16,
    hits: Arc<Mutex<Vec<String>>>,
    _serving: AbortOnDropHandle<()>,
}

impl Canary {
    /// On all addresses of this machine, of both families.
    pub async fn start() -> Result<Self> {
        let listener = TcpListener::bind(SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0))).await.context("no canary")?;
        let (port, hits) = (listener.local_addr()?.port(), Arc::new(Mutex::new(Vec::new())));
        let kept = hits.clone();
        let serving = AbortOnDropHandle::new(tokio::spawn(async move {
            while let Ok((stream, from)) = listener.accept().await {
                tokio::spawn(serve(stream, from, kept.clone()));
            }
        }));
        Ok(Self { port, hits, _serving: serving })
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Who came, with the first line of what they asked.
    pub fn hits(&self) -> Vec<String> {
        self.hits.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn serve(mut stream: TcpStream, from: SocketAddr, hits: Arc<Mutex<Vec<String>>>) {
    let place = {
        let mut hits = hits.lock().unwrap_or_else(PoisonError::into_inner);
        hits.push(format!("{from}: (nothing)"));
        hits.len() - 1
    };
    let mut request = [0; 4096];
    let Ok(read) = stream.read(&mut request).await else { return };
    let line = String::from_utf8_lossy(&request[..read]).lines().next().unwrap_or_default().to_owned();
    hits.lock().unwrap_or_else(PoisonError::into_inner)[place] = format!("{from}: {line}");
    let answer = "HTTP/1.1 200 OK\r\ncontent-type: image/jpeg\r\ncontent-length: 6\r\nconnection: close\r\n\r\ncanary";
    // Whoever asked may be gone.
    let _ = stream.write_all(answer.as_bytes()).await;
}
