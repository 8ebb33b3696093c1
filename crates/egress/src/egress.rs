//! The guard of one process: looks names up, judges what they lead to, and dials nothing else.
//!
//! With a proxy upstream, it looks nothing up and dials the proxy alone: what can be judged without asking (an address, a port) is judged here, the rest there.

use std::{
    fmt, io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket},
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
    Lookup, Policy, Reason, Refusal, SystemLookup, Upstream,
    exception::literal,
    limits::{CONNECT_TIMEOUT, LOOKUP_TIMEOUT, MAX_ADDRESSES, NEXT_ADDRESS_AFTER},
    tally::Tally,
    upstream::Stream,
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
    /// Whom everything goes through, if anybody.
    upstream: Option<Upstream>,
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
        Self::made(policy, Box::new(lookup), None)
    }

    /// By these rules, and through this proxy alone, if there is one.
    #[must_use]
    pub fn through(upstream: Option<Upstream>, policy: Policy) -> Self {
        Self::made(policy, Box::new(SystemLookup), upstream)
    }

    pub(crate) fn made(policy: Policy, lookup: Box<dyn Lookup>, upstream: Option<Upstream>) -> Self {
        let (tally, ours) = (Tally::default(), Mutex::default());
        Self(Arc::new(Inner { policy, lookup, upstream, tally, ours }))
    }

    /// The rules.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.0.policy
    }

    /// Whom everything goes through, if anybody.
    #[must_use]
    pub fn upstream(&self) -> Option<&Upstream> {
        self.0.upstream.as_ref()
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
        self.judge_place(&host, port).await
    }

    /// The same for a host and a port.
    pub(crate) async fn judge_place(&self, host: &Host, port: u16) -> Result<(), Refusal> {
        let judged = match &self.0.upstream {
            None => self.addresses(host, port).await.map(|_| ()),
            Some(upstream) => match self.judge_unasked(host, port) {
                Ok(()) => Box::pin(upstream.judge(host, port)).await.inspect_err(|error| self.count(error)),
                refused => refused,
            },
        };
        match judged {
            Err(Unreachable::Refused(refusal)) => Err(refusal),
            Ok(()) | Err(Unreachable::Unknown(_) | Unreachable::Silent(_)) => Ok(()),
        }
    }

    /// As far as it goes without a look-up, for the proxy upstream makes that.
    fn judge_unasked(&self, host: &Host, port: u16) -> Result<(), Unreachable> {
        if let Some(addresses) = known(host) {
            return self.sifted(host, port, addresses).map(|_| ());
        }
        let judged = self.0.policy.judge_port(host, port);
        judged.map_err(|reason| self.refuse(&host.to_string(), port, reason).into())
    }

    /// What somebody else has refused counts here too: it was asked for here.
    pub(crate) fn count(&self, error: &Unreachable) {
        if let Unreachable::Refused(refusal) = error {
            self.0.tally.refused(refusal);
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
        let all = match (known(host), host) {
            (Some(addresses), _) => addresses,
            (None, Host::Domain(name)) => self.look_up(name).await?,
            (None, Host::Ipv4(_) | Host::Ipv6(_)) => Vec::new(),
        };
        self.sifted(host, port, all)
    }

    fn sifted(&self, host: &Host, port: u16, all: Vec<IpAddr>) -> Result<Vec<SocketAddr>, Unreachable> {
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
        if ours.iter().any(|our| our.port() == port && is_one(our.ip(), address)) {
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

    /// A connection to this host, through the proxy upstream where there is one.
    ///
    /// # Errors
    /// As [`Egress::dial`]; the proxy upstream may be away, too.
    pub(crate) async fn open(&self, host: &Host, port: u16) -> Result<Box<dyn Stream>, Unreachable> {
        let Some(upstream) = &self.0.upstream else { return Ok(Box::new(self.dial(host, port).await?)) };
        self.judge_unasked(host, port)?;
        let stream = Box::pin(upstream.tunnel(host, port)).await.inspect_err(|error| self.count(error))?;
        self.0.tally.dialled();
        Ok(stream)
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

/// The addresses of a host that nobody has to be asked about.
fn known(host: &Host) -> Option<Vec<IpAddr>> {
    match host {
        Host::Ipv4(address) => Some(vec![IpAddr::V4(*address)]),
        Host::Ipv6(address) => Some(vec![IpAddr::V6(*address)]),
        // RFC 6761: some resolvers know these where others do not.
        Host::Domain(name) if is_localhost(name) => Some(vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]),
        Host::Domain(_) => None,
    }
}

/// Does this address lead to who listens there?
fn is_one(listens: IpAddr, address: IpAddr) -> bool {
    listens == address || address.is_unspecified() || (listens.is_unspecified() && is_of_this_machine(address))
}

/// Whoever goes to an address of their own comes from that very address. Nothing is sent for the answer.
fn is_of_this_machine(address: IpAddr) -> bool {
    if address.is_loopback() {
        return true;
    }
    let any: IpAddr = if address.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let source = UdpSocket::bind((any, 0)).and_then(|socket| {
        socket.connect((address, 9))?;
        socket.local_addr()
    });
    source.is_ok_and(|source| source.ip() == address)
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
