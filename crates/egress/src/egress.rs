//! The guard of one process: looks names up, judges what they lead to, and dials nothing else.

use std::{
    fmt, io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
};

use futures::{StreamExt as _, future::BoxFuture, stream::FuturesUnordered};
use thiserror::Error;
use tokio::{
    net::TcpStream,
    time::{sleep, timeout},
};
use url::{Host, Url};

use crate::{
    Lookup, Policy, Reason, Refusal, SystemLookup,
    exception::literal,
    limits::{CONNECT_TIMEOUT, LOOKUP_TIMEOUT, MAX_ADDRESSES, NEXT_ADDRESS_AFTER},
    tally::Tally,
};

/// Why there is no connection.
#[derive(Debug, Error)]
pub enum Unreachable {
    /// It may not be dialled.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The name has no address, or nobody says so in time.
    #[error("no address for this name: {0}")]
    Unknown(io::Error),
    /// Nobody answers there.
    #[error("no connection: {0}")]
    Silent(io::Error),
}

/// Judges and dials. Clones share everything.
#[derive(Clone)]
pub struct Egress(Arc<Inner>);

struct Inner {
    policy: Policy,
    lookup: Box<dyn Lookup>,
    tally: Tally,
    /// Where proxies of this process listen: through an exception for loopback, one could be made to talk to itself.
    ours: Mutex<Vec<SocketAddr>>,
}

impl fmt::Debug for Egress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Egress").field("policy", &self.0.policy).finish_non_exhaustive()
    }
}

impl Default for Egress {
    /// No exceptions.
    fn default() -> Self {
        Self::new(Policy::default())
    }
}

impl Egress {
    /// By these rules, with the system's resolver.
    #[must_use]
    pub fn new(policy: Policy) -> Self {
        Self::with_lookup(policy, SystemLookup)
    }

    /// By these rules, with this resolver.
    #[must_use]
    pub fn with_lookup(policy: Policy, lookup: impl Lookup) -> Self {
        let (tally, ours) = (Tally::default(), Mutex::default());
        Self(Arc::new(Inner { policy, lookup: Box::new(lookup), tally, ours }))
    }

    /// The rules.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.0.policy
    }

    /// How often an address was dialled, and how often one was not, by reason.
    #[must_use]
    pub fn figures(&self) -> (u64, Vec<(&'static str, u64)>) {
        self.0.tally.figures()
    }

    /// May this be visited? Its name is looked up; one without an address may, for nobody gets anywhere with it.
    ///
    /// # Errors
    /// Why not.
    pub async fn judge(&self, url: &Url) -> Result<(), Refusal> {
        let (host, port) = self.judge_url(url)?;
        match self.addresses(&host, port).await {
            Err(Unreachable::Refused(refusal)) => Err(refusal),
            Ok(_) | Err(Unreachable::Unknown(_) | Unreachable::Silent(_)) => Ok(()),
        }
    }

    /// The host and port of a URL, judged as far as that goes without a look-up. Refusals are counted and logged.
    pub(crate) fn judge_url(&self, url: &Url) -> Result<(Host, u16), Refusal> {
        let judged = self.0.policy.judge_url(url);
        judged.inspect_err(|refusal| self.0.tally.refused(refusal))
    }

    /// The addresses of this host that may be dialled: all others are left out.
    ///
    /// # Errors
    /// When there is none.
    pub async fn addresses(&self, host: &Host, port: u16) -> Result<Vec<SocketAddr>, Unreachable> {
        let all = match host {
            Host::Ipv4(address) => vec![IpAddr::V4(*address)],
            Host::Ipv6(address) => vec![IpAddr::V6(*address)],
            // RFC 6761: nobody is asked about these, and some resolvers know them where others do not.
            Host::Domain(name) if is_localhost(name) => vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()],
            Host::Domain(name) => self.look_up(name).await?,
        };
        let (mut good, mut bad) = (Vec::new(), None);
        for address in all.into_iter().take(MAX_ADDRESSES) {
            match self.judge_address(host, port, address) {
                Ok(()) => good.push(SocketAddr::new(address, port)),
                Err(reason) => bad = bad.or(Some(reason)),
            }
        }
        match bad {
            Some(reason) if good.is_empty() => {
                let refusal = Refusal { host: host.to_string(), port, reason };
                self.0.tally.refused(&refusal);
                Err(refusal.into())
            }
            _ if good.is_empty() => Err(Unreachable::Unknown(io::ErrorKind::NotFound.into())),
            _ => Ok(good),
        }
    }

    fn judge_address(&self, host: &Host, port: u16, address: IpAddr) -> Result<(), Reason> {
        let ours = self.0.ours.lock().unwrap_or_else(PoisonError::into_inner);
        if ours.iter().any(|our| our.port() == port && (our.ip() == address || address.is_unspecified())) {
            return Err(Reason::Itself);
        }
        self.0.policy.judge(host, port, address)
    }

    async fn look_up(&self, name: &str) -> Result<Vec<IpAddr>, Unreachable> {
        let answer = timeout(LOOKUP_TIMEOUT, self.0.lookup.lookup(name)).await;
        answer.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())).map_err(Unreachable::Unknown)
    }

    /// A connection to this host, at an address that was judged: the very one that is dialled.
    ///
    /// # Errors
    /// When there is none that may be dialled, or none that answers.
    pub async fn dial(&self, host: &Host, port: u16) -> Result<TcpStream, Unreachable> {
        let addresses = self.addresses(host, port).await?;
        let connected = timeout(CONNECT_TIMEOUT, race(addresses)).await;
        let stream = connected.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())).map_err(Unreachable::Silent)?;
        self.0.tally.dialled();
        // A socket that is gone already says so when it is used.
        let _ = stream.set_nodelay(true);
        Ok(stream)
    }

    pub(crate) fn dialled(&self) {
        self.0.tally.dialled();
    }

    /// Remembers that a proxy of this process listens here, until it is forgotten.
    pub(crate) fn listens(&self, address: SocketAddr) {
        self.0.ours.lock().unwrap_or_else(PoisonError::into_inner).push(address);
    }

    pub(crate) fn forgets(&self, address: SocketAddr) {
        let mut ours = self.0.ours.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = ours.iter().position(|our| *our == address) {
            ours.swap_remove(place);
        }
    }

    /// What a request named that is no URL.
    pub(crate) fn refuse(&self, host: &str, port: u16, reason: Reason) -> Refusal {
        let refusal = Refusal { host: host.to_owned(), port, reason };
        self.0.tally.refused(&refusal);
        refusal
    }
}

fn is_localhost(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    name == "localhost" || name.ends_with(".localhost")
}

/// The first that connects; each begins a little after the one before.
async fn race(addresses: Vec<SocketAddr>) -> io::Result<TcpStream> {
    let mut tries: FuturesUnordered<BoxFuture<'static, io::Result<TcpStream>>> = FuturesUnordered::new();
    let mut rest = addresses.into_iter();
    let mut last = io::Error::from(io::ErrorKind::NotFound);
    loop {
        if let Some(next) = rest.next() {
            tries.push(Box::pin(TcpStream::connect(next)));
        }
        let more = rest.len() > 0;
        tokio::select! {
            ended = tries.next() => match ended {
                Some(Ok(stream)) => return Ok(stream),
                Some(Err(error)) => last = error,
                None => return Err(last),
            },
            () = sleep(NEXT_ADDRESS_AFTER), if more => {}
        }
    }
}

/// The host that a name stands for: an address in any notation, or a name.
pub(crate) fn host(text: &str) -> Option<Host> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    match bare {
        Some(bare) => bare.parse().ok().map(|address: Ipv6Addr| literal(address.into())),
        None => Host::parse(text).ok(),
    }
}

#[cfg(test)]
mod tests;
