//! reqwest clients that dial what was judged, and nothing else.
//!
//! reqwest's resolver is told a name and no port, and asks nobody about addresses that stand in the link. So there is one client for each port, whose resolver
//! knows it, and every request passes [`Guarded::get`]. Redirects are never followed here: the next hop is a request like any other, judged anew.

use std::{
    error::Error as StdError,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use reqwest::{
    Client, ClientBuilder, RequestBuilder,
    dns::{Addrs, Name, Resolve, Resolving},
    redirect,
};
use thiserror::Error;
use url::{Host, Url};

use crate::{Egress, Refusal, Unreachable, limits::MAX_CLIENTS};

/// Makes requests to what may be dialled. Clones share the connections.
#[derive(Clone)]
pub struct Guarded(Arc<Inner>);

struct Inner {
    egress: Egress,
    build: Box<dyn Fn() -> ClientBuilder + Send + Sync>,
    /// By port, the one that was used last at the end.
    clients: Mutex<Vec<(u16, Client)>>,
}

/// Why there is no request.
#[derive(Debug, Error)]
pub enum NoRequest {
    /// It is not visited.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// There is no client.
    #[error(transparent)]
    Client(#[from] reqwest::Error),
}

impl fmt::Debug for Guarded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guarded").field("egress", &self.0.egress).finish_non_exhaustive()
    }
}

impl Guarded {
    /// Clients as `build` makes them, but for proxies and redirects, which they never follow.
    ///
    /// # Errors
    /// When no client can be made so.
    pub fn new(
        egress: Egress,
        build: impl Fn() -> ClientBuilder + Send + Sync + 'static,
    ) -> Result<Self, reqwest::Error> {
        let this = Self(Arc::new(Inner { egress, build: Box::new(build), clients: Mutex::default() }));
        this.client(443)?;
        Ok(this)
    }

    /// Who judges.
    #[must_use]
    pub fn egress(&self) -> &Egress {
        &self.0.egress
    }

    /// A GET of this. It ends before it begins when it may not be visited; [`refusal_in`] tells whether it ended so afterwards.
    ///
    /// # Errors
    /// Why there is none.
    pub fn get(&self, url: Url) -> Result<RequestBuilder, NoRequest> {
        let (host, port) = self.0.egress.judge_url(&url)?;
        if !matches!(host, Host::Domain(_)) {
            self.0.egress.dialled();
        }
        Ok(self.client(port)?.get(url))
    }

    fn client(&self, port: u16) -> Result<Client, reqwest::Error> {
        let mut clients = self.0.clients.lock().unwrap_or_else(PoisonError::into_inner);
        let known = match clients.iter().position(|(of, _)| *of == port) {
            Some(place) => clients.remove(place),
            None => {
                let guard = Guard { egress: self.0.egress.clone(), port };
                let client =
                    (self.0.build)().no_proxy().redirect(redirect::Policy::none()).dns_resolver(Arc::new(guard));
                (port, client.build()?)
            }
        };
        if clients.len() >= MAX_CLIENTS {
            clients.remove(0);
        }
        let client = known.1.clone();
        clients.push(known);
        Ok(client)
    }
}

/// The resolver of the clients for one port.
struct Guard {
    egress: Egress,
    port: u16,
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let (egress, port) = (self.egress.clone(), self.port);
        Box::pin(async move {
            let host = crate::egress::host(name.as_str()).ok_or("no name")?;
            match egress.addresses(&host, port).await {
                Ok(addresses) => {
                    egress.dialled();
                    Ok(Box::new(addresses.into_iter()) as Addrs)
                }
                Err(Unreachable::Refused(refusal)) => Err(refusal.into()),
                Err(other) => Err(other.into()),
            }
        })
    }
}

/// Whether a request ended because what it led to is not visited.
#[must_use]
pub fn refusal_in(error: &reqwest::Error) -> Option<&Refusal> {
    let mut cause: Option<&(dyn StdError + 'static)> = error.source();
    while let Some(error) = cause {
        if let Some(refusal) = error.downcast_ref() {
            return Some(refusal);
        }
        cause = error.source();
    }
    None
}

#[cfg(test)]
mod tests;
