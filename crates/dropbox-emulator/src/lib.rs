#![doc = include_str!("../README.md")]

mod api;
mod chance;
mod clock;
mod content_hash;
mod control;
mod entry;
mod error;
mod files;
mod oauth;
mod record;
mod service;
mod sessions;
pub mod settings;
mod wire;

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

pub use crate::error::Error;
use crate::service::Service;
use crate::settings::Settings;

/// An emulator that listens and does not answer yet.
pub struct Emulator {
    service: Arc<Service>,
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    address: SocketAddr,
}

impl Emulator {
    /// Opens the folder and binds the address.
    ///
    /// # Errors
    /// When a setting means nothing, or a file, the certificate or the address cannot be used.
    pub async fn build(settings: Settings) -> Result<Self, Error> {
        let bind = settings.bind;
        let tls = settings.tls.as_ref().map(wire::serve::tls).transpose()?;
        // Taking up a folder may read a lot of files, but nothing else runs yet.
        let service = Arc::new(Service::open(settings)?);
        let listen = |source| Error::Listen { address: bind, source };
        let listener = TcpListener::bind(bind).await.map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        Ok(Self { service, listener, tls, address })
    }

    /// The base URL: everything is below it.
    #[must_use]
    pub fn url(&self) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// Answers until `stop`, then gives open connections a moment to end.
    pub async fn run(self, stop: CancellationToken) {
        let service = self.service;
        wire::serve::serve(self.listener, self.tls, stop, move |request, connection| {
            entry::handle(Arc::clone(&service), request, connection)
        })
        .await;
    }
}
