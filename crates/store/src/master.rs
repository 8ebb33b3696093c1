//! Where the master is: the one server that everything of a namespace is on, found anew **at each dial**.
//!
//! All keys of a namespace lie in one hash slot, so a connection talks to exactly one server, whatever stands around it. Plain Redis says
//! where that is in its URL; with Sentinel or Cluster it is asked for. Nothing that was found is believed at the next dial, and no redirection is
//! followed: who is sent away dials again. So there is one way to recover, and it is the one that every start takes too.

mod ask;
mod cluster;
mod sentinel;
mod url;

use std::{fmt::Display, time::Duration};

use redis::{Client, ConnectionAddr, ConnectionInfo, IntoConnectionInfo as _, aio::MultiplexedConnection};
use secrecy::{ExposeSecret as _, SecretString};

use crate::StoreError;
use cluster::Cluster;
use sentinel::Sentinels;

/// The longest for one sentinel or node of a cluster to say where the master is, its dial included.
const ASK_TIMEOUT: Duration = Duration::from_secs(2);

/// How the master is found.
pub(crate) enum Master {
    /// It stands in the URL.
    Fixed(Client),
    /// Sentinels know.
    Sentinel(Sentinels),
    /// Every node of the cluster knows.
    Cluster(Cluster),
}

impl Master {
    /// Reads `redis.url`. On a cluster, `prefix` (what every key begins with) says in which slot everything lies.
    pub(crate) fn new(url: &SecretString, prefix: &str) -> Result<Self, StoreError> {
        let url = url.expose_secret();
        match url.split_once("://") {
            Some(("redis+sentinel", rest)) => Ok(Self::Sentinel(Sentinels::new(url::sentinel("redis", rest)?))),
            Some(("rediss+sentinel", rest)) => Ok(Self::Sentinel(Sentinels::new(url::sentinel("rediss", rest)?))),
            Some(("redis+cluster", rest)) => Ok(Self::Cluster(Cluster::new(url::cluster("redis", rest)?, prefix))),
            Some(("rediss+cluster", rest)) => Ok(Self::Cluster(Cluster::new(url::cluster("rediss", rest)?, prefix))),
            _ => {
                // The fault of a bad URL may quote the URL, and with it a password.
                let client = url.into_connection_info().and_then(Client::open).map_err(|_| url::bad(url::FORMS))?;
                Ok(Self::Fixed(client))
            }
        }
    }

    /// May another server be the master tomorrow?
    pub(crate) fn may_move(&self) -> bool {
        !matches!(self, Self::Fixed(_))
    }

    /// How it is found, for people.
    pub(crate) fn found_through(&self) -> Option<&'static str> {
        match self {
            Self::Fixed(_) => None,
            Self::Sentinel(_) => Some("Sentinel"),
            Self::Cluster(_) => Some("Cluster"),
        }
    }

    /// Finds the master and dials it. `dial` may be called for several servers that are said to be it; it has its own timeout and ends in
    /// [`Master::prove`].
    pub(crate) async fn reach<T, Dialled>(&self, dial: impl Fn(ConnectionInfo) -> Dialled) -> Result<T, String>
    where
        Dialled: Future<Output = Result<T, String>>,
    {
        match self {
            Self::Fixed(client) => dial(client.get_connection_info().clone()).await,
            Self::Sentinel(sentinels) => dial(sentinels.find().await?).await,
            Self::Cluster(cluster) => cluster.reach(dial).await,
        }
    }

    /// Is the server at the other end really the master? Who told us may be behind the times.
    pub(crate) async fn prove(&self, connection: &mut MultiplexedConnection) -> Result<(), String> {
        match self {
            Self::Fixed(_) => Ok(()),
            Self::Sentinel(_) => sentinel::prove(connection).await,
            Self::Cluster(cluster) => cluster.prove(connection).await,
        }
    }
}

/// The same way of dialling, at another address.
fn at(pattern: &ConnectionInfo, host: &str, port: u16) -> ConnectionInfo {
    let host = host.to_owned();
    let addr = match pattern.addr() {
        ConnectionAddr::TcpTls { insecure, tls_params, .. } => {
            ConnectionAddr::TcpTls { host, port, insecure: *insecure, tls_params: tls_params.clone() }
        }
        _ => ConnectionAddr::Tcp(host, port),
    };
    pattern.clone().set_addr(addr)
}

/// A fault, and at which server. Addresses are no secret; faults of the client never quote a password.
fn told(server: &ConnectionInfo, fault: impl Display) -> String {
    format!("{}: {fault}", server.addr())
}
