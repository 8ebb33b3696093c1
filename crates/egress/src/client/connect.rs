//! The client's connections: what [`Egress`] opens, and TLS over it.

use std::{
    error::Error as StdError,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use futures::future::BoxFuture;
use hyper::{
    Uri,
    http::uri::Scheme,
    rt::{Read, ReadBufCursor, Write},
};
use hyper_util::{
    client::legacy::connect::{Connected, Connection},
    rt::TokioIo,
};
use rustls::{ClientConfig, pki_types::ServerName};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tower_service::Service;
use url::Host;

use crate::{Egress, Unreachable, egress::host, limits::HANDSHAKE_TIMEOUT, upstream::Stream};

type Trouble = Box<dyn StdError + Send + Sync>;

/// Connects to the place of a URI.
#[derive(Clone)]
pub(super) struct Connector {
    egress: Egress,
    tls: TlsConnector,
}

impl Connector {
    pub(super) fn new(egress: Egress, tls: ClientConfig) -> Self {
        Self { egress, tls: TlsConnector::from(Arc::new(tls)) }
    }

    async fn connect(self, uri: Uri) -> Result<Wire, Trouble> {
        let host = uri.host().and_then(host).ok_or("no host")?;
        let secure = uri.scheme() == Some(&Scheme::HTTPS);
        let port = uri.port_u16().unwrap_or(if secure { 443 } else { 80 });
        let stream = self.egress.open(&host, port).await.map_err(|error| match error {
            // By itself, whoever looks for it finds it.
            Unreachable::Refused(refusal) => Trouble::from(refusal),
            other => other.into(),
        })?;
        if !secure {
            return Ok(Wire::over(stream));
        }
        let name = match host {
            Host::Domain(name) => ServerName::try_from(name)?,
            Host::Ipv4(address) => ServerName::from(std::net::IpAddr::from(address)),
            Host::Ipv6(address) => ServerName::from(std::net::IpAddr::from(address)),
        };
        let shaken = timeout(HANDSHAKE_TIMEOUT, self.tls.connect(name, stream)).await;
        Ok(Wire::over(Box::new(shaken.map_err(|_| "no TLS handshake in time")??)))
    }
}

impl Service<Uri> for Connector {
    type Response = Wire;
    type Error = Trouble;
    type Future = BoxFuture<'static, Result<Wire, Trouble>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Trouble>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        Box::pin(self.clone().connect(uri))
    }
}

/// An open connection.
pub(super) struct Wire(TokioIo<Box<dyn Stream>>);

impl Wire {
    fn over(stream: Box<dyn Stream>) -> Self {
        Self(TokioIo::new(stream))
    }
}

impl Connection for Wire {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl Read for Wire {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl Write for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
