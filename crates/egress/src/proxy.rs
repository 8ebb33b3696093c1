//! The proxy that children use: the only way out that they are told of, and where the kernel allows it the only one that there is.
//!
//! It takes `CONNECT host:port` and `METHOD http://host/path`, judges every request, of a kept connection as well, and dials the addresses that it has
//! judged. Whoever comes without a [`Pass`] is turned away, so that neither another user of this machine nor a child whose time is over gets anywhere.
//! A pass remembers what it was refused: what a child makes of a refusal is its own affair, and often nothing.
//!
//! It runs on a thread of its own, so that a worker which is busy hashing does not slow its children down, nor they it. It caches nothing, follows no
//! redirect, and looks into no tunnel.
//!
//! [`Gateway`] is the same as a service, for whole processes: whoever reaches it may use it, and where it stands says who that is.

mod connection;
mod forward;
mod gateway;
mod own;
mod pass;
mod tunnel;

use std::{
    fmt, io,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    thread,
};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
    runtime::{Builder, Handle},
    sync::Semaphore,
};
use tokio_util::{
    sync::{CancellationToken, DropGuard},
    task::TaskTracker,
};

pub use gateway::Gateway;
pub use pass::Pass;
use pass::{Door, Passes};

use crate::{Egress, limits::MAX_CONNECTIONS};

/// A running proxy. Clones share it; it ends with the last one.
#[derive(Clone)]
pub struct Proxy(Arc<Inner>);

struct Inner {
    shared: Arc<Shared>,
    passes: Passes,
    address: SocketAddr,
    runtime: Handle,
    _end: DropGuard,
}

/// What its connections share.
pub(crate) struct Shared {
    pub(crate) egress: Egress,
    pub(crate) door: Door,
    /// What a gateway tells of itself. A proxy of children tells them nothing.
    pub(crate) figures: Option<Box<dyn Fn() -> String + Send + Sync>>,
    pub(crate) slots: Arc<Semaphore>,
    /// Ways out, of all who use it.
    pub(crate) ways: Arc<Semaphore>,
    /// No more requests are taken.
    pub(crate) closing: CancellationToken,
    pub(crate) end: CancellationToken,
    /// Connections and tunnels that are there.
    pub(crate) tasks: TaskTracker,
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy").field("address", &self.0.address).finish_non_exhaustive()
    }
}

impl Proxy {
    /// Starts one on a free port of loopback.
    ///
    /// # Errors
    /// When there is no port or no thread to be had.
    pub fn start(egress: Egress) -> io::Result<Self> {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let (end, passes) = (CancellationToken::new(), Passes::default());
        let shared = Arc::new(Shared {
            egress,
            door: Door::Passes(passes.clone()),
            figures: None,
            slots: Arc::new(Semaphore::new(MAX_CONNECTIONS)),
            // Each pass has a bound of its own.
            ways: Arc::new(Semaphore::new(Semaphore::MAX_PERMITS)),
            closing: CancellationToken::new(),
            end: end.clone(),
            tasks: TaskTracker::new(),
        });
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        shared.egress.listens(address);
        let serving = shared.clone();
        thread::Builder::new().name("egress".into()).spawn(move || {
            runtime.block_on(async {
                accept(&serving, listener, &serving.end).await;
                serving.end.cancelled().await;
            });
            serving.egress.forgets(address);
        })?;
        Ok(Self(Arc::new(Inner { shared, passes, address, runtime: handle, _end: end.drop_guard() })))
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.0.address
    }

    /// The right to use it, for as long as it is held.
    #[must_use]
    pub fn pass(&self) -> Pass {
        self.0.passes.make(self.0.address.port())
    }

    /// Speaks to one child over this stream, until it ends.
    pub async fn converse(&self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        connection::serve(&self.0.shared, None, stream).await;
    }

    /// Serves another listener as well, such as one in the network namespace of a child, until the answer is dropped.
    #[must_use]
    pub fn serve(&self, listener: std::net::TcpListener) -> Serving {
        let (shared, end) = (self.0.shared.clone(), self.0.shared.end.child_token());
        let until = end.clone();
        self.0.runtime.spawn(async move { accept(&shared, listener, &until).await });
        Serving { _end: end.drop_guard() }
    }
}

/// Another listener that is served.
#[derive(Debug)]
pub struct Serving {
    _end: DropGuard,
}

async fn accept(shared: &Arc<Shared>, listener: std::net::TcpListener, end: &CancellationToken) {
    let listener = listener.set_nonblocking(true).and_then(|()| TcpListener::from_std(listener));
    let listener = match listener {
        Ok(listener) => listener,
        Err(error) => {
            tracing::error!(%error, "The proxy of the children cannot listen");
            return;
        }
    };
    let _ended = end.run_until_cancelled(connection::accept(shared, &listener)).await;
}

#[cfg(test)]
pub(crate) mod tests;
