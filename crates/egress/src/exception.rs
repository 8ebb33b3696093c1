//! An exception to "no private addresses": a network, or one service.

use std::{fmt, net::IpAddr, str::FromStr};

use url::Host;

use crate::{BadRule, Network};

/// What may be dialled although it would not be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Exception {
    /// All addresses of a network, on the ports that are visited anyway.
    Network(Network),
    /// One service by its name or address, wherever the name leads, on any port.
    Service(Host, u16),
}

impl Exception {
    /// Does it admit this address, which this host led to, to a port that is visited anyway?
    pub(crate) fn admits(&self, host: &Host, port: u16, address: IpAddr) -> bool {
        match self {
            Self::Network(network) => network.contains(address),
            Self::Service(..) => self.names(host, port) || self.names(&literal(address), port),
        }
    }

    /// Is it about this very service?
    pub(crate) fn names(&self, host: &Host, port: u16) -> bool {
        matches!(self, Self::Service(named, at) if named == host && *at == port)
    }
}

/// An address as a host.
pub(crate) fn literal(address: IpAddr) -> Host {
    match address {
        IpAddr::V4(address) => Host::Ipv4(address),
        IpAddr::V6(address) => Host::Ipv6(address),
    }
}

impl FromStr for Exception {
    type Err = BadRule;

    fn from_str(text: &str) -> Result<Self, BadRule> {
        let text = text.trim();
        if let Ok(network) = text.parse() {
            return Ok(Self::Network(network));
        }
        let service = || {
            let (host, port) = text.rsplit_once(':')?;
            let port = port.parse().ok().filter(|port| *port > 0)?;
            Some(Self::Service(Host::parse(host).ok()?, port))
        };
        service().ok_or_else(|| BadRule::Exception(text.to_owned()))
    }
}

impl fmt::Display for Exception {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Network(network) => network.fmt(f),
            Self::Service(host, port) => write!(f, "{host}:{port}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_and_services_are_told_apart() {
        for (text, want) in [
            ("10.1.0.0/16", "10.1.0.0/16"),
            ("127.0.0.1", "127.0.0.1/32"),
            ("::1", "::1/128"),
            ("127.0.0.1:8000", "127.0.0.1:8000"),
            ("[::1]:8000", "[::1]:8000"),
            (" NAS.lan:80 ", "nas.lan:80"),
        ] {
            assert_eq!(text.parse::<Exception>().unwrap().to_string(), want);
        }
        for text in ["", "nas.lan", "nas.lan:", "nas.lan:0", ":80", "http://nas.lan:80", "10.0.0.0/8:80", "a b:80"] {
            assert!(text.parse::<Exception>().is_err(), "{text:?}");
        }
    }
}
