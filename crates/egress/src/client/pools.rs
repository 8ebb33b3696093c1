//! The connections of each runtime that asks.
//!
//! A task drives a connection, on the runtime that made it, and tells whoever reads of each piece. To tell another runtime, of which a web server has one
//! for each thread, takes a system call and often the switch of a thread: with one pool for all, most of the time that a file took on its way through.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use bytes::Bytes;
use http_body_util::Empty;
use hyper_util::{
    client::legacy::Client,
    rt::{TokioExecutor, TokioTimer},
};
use tokio::runtime::{Handle, Id};

use super::connect::Connector;
use crate::limits::{IDLE_CONNECTIONS_OF_HOST, KEPT_IDLE, MAX_HEADERS};

/// Connections that may be used again.
pub(super) type Pool = Client<Connector, Empty<Bytes>>;

/// A pool for each runtime: there are as many as the process has.
pub(super) struct Pools {
    connector: Connector,
    read_bytes: usize,
    of: Mutex<HashMap<Id, Pool>>,
}

impl Pools {
    /// Each connection is read so many bytes at once.
    pub(super) fn new(connector: Connector, read_bytes: usize) -> Self {
        Self { connector, read_bytes, of: Mutex::default() }
    }

    /// That of the runtime that this is called on.
    pub(super) fn here(&self) -> Pool {
        let mut pools = self.of.lock().unwrap_or_else(PoisonError::into_inner);
        pools.entry(Handle::current().id()).or_insert_with(|| self.pool()).clone()
    }

    fn pool(&self) -> Pool {
        Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(KEPT_IDLE)
            .pool_max_idle_per_host(IDLE_CONNECTIONS_OF_HOST)
            .http1_max_buf_size(self.read_bytes)
            .http1_max_headers(MAX_HEADERS)
            .build(self.connector.clone())
    }
}
