//! The proxy as a service: the one way out of a network that has no other.
//!
//! It asks nobody for a pass: it stands where only those reach it that it is for. It holds no secret, and knows neither Redis nor Dropbox.

use std::{fmt, io, net::SocketAddr, sync::Arc};

use tokio::{net::TcpListener, sync::Semaphore, time::timeout};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    Shared, connection,
    pass::{Callers, Door},
};
use crate::{
    Egress,
    limits::{LAST_WORDS, MAX_CONNECTIONS_OF_GATEWAY},
};

/// One that listens, and does not serve yet.
pub struct Gateway {
    shared: Arc<Shared>,
    listener: TcpListener,
    address: SocketAddr,
}

impl fmt::Debug for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gateway").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Gateway {
    /// Listens; port 0 takes a free one. `figures` is what `/metrics` tells.
    ///
    /// # Errors
    /// When it cannot listen there.
    pub async fn bind(
        address: SocketAddr,
        egress: Egress,
        figures: impl Fn() -> String + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        egress.listens(address);
        let slots = || Arc::new(Semaphore::new(MAX_CONNECTIONS_OF_GATEWAY));
        let shared = Arc::new(Shared {
            egress,
            door: Door::Everybody(Callers::default()),
            figures: Some(Box::new(figures)),
            slots: slots(),
            ways: slots(),
            closing: CancellationToken::new(),
            end: CancellationToken::new(),
            tasks: TaskTracker::new(),
        });
        Ok(Self { shared, listener, address })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until it is told to stop. What passes then has a few seconds more.
    pub async fn serve(self, shutdown: &CancellationToken) {
        let Self { shared, listener, address } = self;
        let _told = shutdown.run_until_cancelled(connection::accept(&shared, &listener)).await;
        drop(listener);
        shared.closing.cancel();
        shared.tasks.close();
        if timeout(LAST_WORDS, shared.tasks.wait()).await.is_err() {
            tracing::info!(connections = shared.tasks.len(), "Connections are cut");
        }
        shared.end.cancel();
        shared.tasks.wait().await;
        shared.egress.forgets(address);
    }
}

#[cfg(test)]
mod tests;
