//! reqwest clients that dial what was judged, and nothing else.
//!
//! reqwest's resolver is told a name and no port, and asks nobody about addresses that stand in the link. So there is one client for each port, whose resolver
//! knows it, and every request passes [`Guarded::get`]. Redirects are never followed here: the next hop is a request like any other, judged anew.
//!
//! With a proxy upstream, one client speaks to that alone. A client tells nothing of what a proxy said instead of a tunnel, so the proxy is asked again why.

use std::{
    error::Error as StdError,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use reqwest::{
    Client, ClientBuilder, Proxy, RequestBuilder, Response,
    dns::{Addrs, Name, Resolve, Resolving},
    header::HeaderMap,
    redirect,
};
use thiserror::Error;
use url::{Host, Url};

use crate::{Egress, Refusal, Unreachable, limits::MAX_CLIENTS, upstream::verdict};

/// Makes requests to what may be dialled. Clones share the connections.
#[derive(Clone)]
pub struct Guarded(Arc<Inner>);

struct Inner {
    egress: Egress,
    build: Box<dyn Fn() -> ClientBuilder + Send + Sync>,
    /// By port, the one that was used last at the end.
    clients: Mutex<Vec<(u16, Client)>>,
}

/// Why there is no answer.
#[derive(Debug, Error)]
pub enum NoRequest {
    /// It is not visited.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// There is no client, no connection, or nothing that is an answer.
    #[error(transparent)]
    Client(#[from] reqwest::Error),
    /// The proxy upstream did not reach it.
    #[error("{0}")]
    Upstream(String),
}

/// A request that may be made.
#[derive(Debug)]
pub struct Asking {
    request: RequestBuilder,
    egress: Egress,
    host: Host,
    port: u16,
    /// Without TLS a proxy could speak for the site.
    plain: bool,
}

impl Asking {
    /// With these headers.
    #[must_use]
    pub fn headers(self, headers: HeaderMap) -> Self {
        Self { request: self.request.headers(headers), ..self }
    }

    /// Makes it.
    ///
    /// # Errors
    /// Why there is no answer. What a site answers is none, whatever its status.
    pub async fn send(self) -> Result<Response, NoRequest> {
        let Self { request, egress, host, port, plain } = self;
        // On the heap: whoever makes requests in the middle of much else has no room for all of this.
        let sent = Box::pin(request.send()).await;
        if egress.upstream().is_none() {
            return sent.map_err(|error| match refusal_in(&error) {
                Some(refusal) => refusal.clone().into(),
                None => error.into(),
            });
        }
        match sent {
            Ok(answer) if plain => {
                let said = || format!("the proxy upstream says {}", answer.status());
                match verdict(answer.headers(), &host, port, said) {
                    None => Ok(answer),
                    Some(Unreachable::Refused(refusal)) => {
                        egress.count(&refusal.clone().into());
                        Err(refusal.into())
                    }
                    Some(other) => Err(NoRequest::Upstream(other.to_string())),
                }
            }
            Err(error) if error.is_connect() => {
                Box::pin(egress.judge_place(&host, port)).await?;
                Err(error.into())
            }
            sent => Ok(sent?),
        }
    }
}

impl fmt::Debug for Guarded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guarded").field("egress", &self.0.egress).finish_non_exhaustive()
    }
}

impl Guarded {
    /// Clients as `build` makes them, but for redirects, which they never follow, and proxies, of which they know the one upstream alone.
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

    /// A GET of this. It ends before it begins when that is enough to see that it may not be visited.
    ///
    /// # Errors
    /// Why there is none.
    pub fn get(&self, url: Url) -> Result<Asking, NoRequest> {
        let egress = self.0.egress.clone();
        let (host, port) = egress.judge_url(&url)?;
        if egress.upstream().is_some() || !matches!(host, Host::Domain(_)) {
            egress.dialled();
        }
        let plain = url.scheme() == "http";
        Ok(Asking { request: self.client(port)?.get(url), egress, host, port, plain })
    }

    fn client(&self, port: u16) -> Result<Client, reqwest::Error> {
        // A proxy dials any port.
        let port = if self.0.egress.upstream().is_some() { 0 } else { port };
        let mut clients = self.0.clients.lock().unwrap_or_else(PoisonError::into_inner);
        let known = match clients.iter().position(|(of, _)| *of == port) {
            Some(place) => clients.remove(place),
            None => {
                let client = (self.0.build)().redirect(redirect::Policy::none());
                let client = match self.0.egress.upstream() {
                    Some(upstream) => client.proxy(Proxy::all(upstream.to_string())?),
                    None => client.no_proxy().dns_resolver(Arc::new(Guard { egress: self.0.egress.clone(), port })),
                };
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
fn refusal_in(error: &reqwest::Error) -> Option<&Refusal> {
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
