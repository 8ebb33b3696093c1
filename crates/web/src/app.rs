//! The server: built, then run.

use std::{
    any::Any,
    net::{SocketAddr, TcpListener},
    sync::Arc,
    time::Duration,
};

use actix_web::{
    App as Actix, HttpServer,
    dev::Server,
    middleware::{NormalizePath, from_fn},
    rt::net::TcpStream,
    web::Data,
};
use sluice_dropbox::{DropboxError, Tuning};
use sluice_egress::{Egress, NoTrust};
use sluice_runtime::Settings;
use sluice_source::ToolsConfig;
use sluice_store::{Store, StoreError};
use socket2::SockRef;
use thiserror::Error;
use tokio_util::sync::CancellationToken;

use crate::{
    connections::{Connections, most_per_thread, take_in_little, threads},
    headers::security_headers,
    limits::Rates,
    live::Seats,
    origin::own_forms_only,
    place::Place,
    preview::{MOST_TIME, Previews},
    programs::Programs,
    routes::routes,
    save::{LOOKS, Saves, Senders, lapse_now_and_then},
    space::Spaces,
    state::{MAX_STREAMS, State},
    thumbnail::Thumbnails,
};

/// How long a page waits for Redis before it says so.
const REDIS_PATIENCE: Duration = Duration::from_secs(2);
/// How long Dropbox may be out of reach before a page says so.
const DROPBOX_PATIENCE: Duration = Duration::from_secs(5);
/// Between looks for Redis while starting.
const REDIS_PAUSE: Duration = Duration::from_secs(1);
/// How long a browser may take to send the head of a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// How long an idle connection is kept.
const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// How long requests may go on after the word to stop, in seconds.
const DRAIN_SECONDS: u64 = 10;

/// Why the server cannot start.
#[derive(Debug, Error)]
pub enum AppError {
    /// Redis, or what is in it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The Dropbox settings.
    #[error(transparent)]
    Dropbox(#[from] DropboxError),
    /// The HTTP client for pictures.
    #[error("the HTTP client cannot start: {0}")]
    Http(#[from] NoTrust),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {error}")]
    Listen {
        /// Which.
        address: SocketAddr,
        /// Why.
        error: std::io::Error,
    },
    /// Told to stop before Redis was there.
    #[error("stopped while waiting for Redis")]
    Stopped,
}

/// The web server, listening but not yet serving.
pub struct App {
    server: Server,
    bound: SocketAddr,
    state: Data<State>,
    stop: CancellationToken,
}

impl App {
    /// Connects to Redis, brings its data to this version, and listens. Waits for Redis until `stop`.
    ///
    /// # Errors
    /// Whatever cannot be mended by waiting.
    pub async fn build(settings: &Settings, stop: CancellationToken) -> Result<Self, AppError> {
        let store = store(settings, &stop).await?;
        store.migrate().await?;
        let address = settings.server.bind;
        let listen = |error| AppError::Listen { address, error };
        let listener = TcpListener::bind(address).map_err(listen)?;
        take_in_little(&listener);
        let bound = listener.local_addr().map_err(listen)?;
        let state = state(settings, store, bound, stop.clone())?;
        let (secure, idle) = (state.place.secure, state.saves.idle);
        let state = Data::new(state);
        let (threads, connections) = (threads(), Connections::new(settings));
        let shared = state.clone();
        let server = HttpServer::new(move || {
            Actix::new()
                .app_data(shared.clone())
                .configure(routes)
                .wrap(from_fn(own_forms_only))
                .wrap(NormalizePath::trim())
                .wrap(security_headers(secure))
        })
        .workers(threads)
        .max_connections(most_per_thread(threads))
        // Whoever has gone away takes nothing any more, even while we have nothing to give just now.
        .h1_allow_half_closed(false)
        .on_connect(move |connection, kept| {
            let_go(connection, idle);
            connections.meet(connection, kept);
        })
        .client_request_timeout(HEAD_TIMEOUT)
        .keep_alive(KEEP_ALIVE)
        .shutdown_timeout(DRAIN_SECONDS)
        .disable_signals()
        .listen(listener)
        .map_err(listen)?
        .run();
        Ok(Self { server, bound, state, stop })
    }

    /// Where it listens.
    #[must_use]
    pub fn bound(&self) -> SocketAddr {
        self.bound
    }

    /// Serves until the word to stop; then live pages end at once and other requests get a few seconds.
    ///
    /// # Errors
    /// When accepting connections fails.
    pub async fn run(self) -> std::io::Result<()> {
        let handle = self.server.handle();
        let stop = self.stop;
        let state = self.state.clone();
        tokio::spawn(stop.clone().run_until_cancelled_owned(lapse_now_and_then(state.queue.clone())));
        let stopping = tokio::spawn(async move {
            stop.cancelled().await;
            // What devices were taking is handed back while requests end.
            tokio::join!(handle.stop(true), state.senders.holder.close());
        });
        let served = self.server.await;
        if served.is_ok() {
            let _ = stopping.await;
        }
        self.state.saves.close().await;
        served
    }
}

/// Lets the kernel end a connection whose other side takes nothing for so long, full as its window may be: the body behind it is not asked
/// for more, and would never know.
fn let_go(connection: &dyn Any, idle: Duration) {
    if let Some(stream) = connection.downcast_ref::<TcpStream>()
        && let Err(error) = SockRef::from(stream).set_tcp_user_timeout(Some(idle))
    {
        tracing::debug!(%error, "A connection that is not taken from stays open");
    }
}

/// The store, as soon as Redis is there: in a fresh installation the processes start in any order.
async fn store(settings: &Settings, stop: &CancellationToken) -> Result<Store, AppError> {
    let config = sluice_wiring::store_config(settings, REDIS_PATIENCE);
    let mut told = false;
    loop {
        match Store::connect(config.clone()).await {
            Err(error) if error.is_unavailable() => {
                if !told {
                    tracing::warn!("Waiting for Redis: {error}");
                    told = true;
                }
            }
            other => return Ok(other?),
        }
        tokio::select! {
            () = stop.cancelled() => return Err(AppError::Stopped),
            () = tokio::time::sleep(REDIS_PAUSE) => {}
        }
    }
}

fn state(settings: &Settings, store: Store, bound: SocketAddr, stop: CancellationToken) -> Result<State, AppError> {
    let Settings { server, access, .. } = settings;
    let egress = sluice_wiring::egress(settings);
    let programs = Arc::new(Programs::new(tools(settings, &egress)));
    let queue = sluice_wiring::queue(settings, store.clone());
    Ok(State {
        dropbox: sluice_wiring::dropbox(settings, tuning(), store.clone())?,
        senders: Senders::new(settings, &store, &queue)?,
        queue,
        store,
        place: Place::new(&server.public_url(bound)),
        access: access.clone(),
        rates: Rates::new(settings),
        practice_folder: Some(server.practice_folder.clone()).filter(|folder| !folder.is_empty()),
        thumbnails: Thumbnails::new(egress.clone())?,
        spaces: Spaces::default(),
        previews: Previews::new(settings, &programs, &egress),
        saves: Saves::new(settings, &programs),
        egress,
        seats: Seats::new(MAX_STREAMS),
        stop,
    })
}

/// A person waits for what they say, of a preview or of the beginning of a file.
fn tools(settings: &Settings, egress: &Egress) -> ToolsConfig {
    let looks = settings.server.previews as usize + LOOKS.min(settings.server.streams as usize);
    ToolsConfig {
        extract_timeout: MOST_TIME,
        extract_slots: looks,
        list_timeout: MOST_TIME,
        list_slots: looks,
        ..sluice_wiring::tools(settings, egress)
    }
}

/// A person waits for the answer: unlike a worker, this process gives up soon.
fn tuning() -> Tuning {
    Tuning {
        connect_timeout: DROPBOX_PATIENCE,
        call_timeout: DROPBOX_PATIENCE,
        unreachable_for: DROPBOX_PATIENCE,
        busy_for: DROPBOX_PATIENCE,
        outage_for: DROPBOX_PATIENCE,
        ..Tuning::default()
    }
}
