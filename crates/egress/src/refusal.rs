//! Why something is not dialled, and why a rule is none.

use std::fmt;

use thiserror::Error;

use crate::AddressClass;

/// Somebody named an address that is not visited. It tells the host and the port, never a path or a query: it may be logged.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{host}:{port} is not visited: {reason}")]
pub struct Refusal {
    /// The host as it was asked for.
    pub host: String,
    /// The port.
    pub port: u16,
    /// Why not.
    pub reason: Reason,
}

/// Why not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Where it leads is of this class.
    Address(AddressClass),
    /// No site is visited on this port.
    Port,
    /// It is no http(s) address with a host.
    NotTheWeb,
    /// It is this very proxy.
    Itself,
    /// The proxy upstream has a reason that this version has no word for.
    Upstream,
}

impl Reason {
    /// The word for logs and figures.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Address(class) => class.as_str(),
            Self::Port => "port",
            Self::NotTheWeb => "not_the_web",
            Self::Itself => "itself",
            Self::Upstream => "upstream",
        }
    }

    /// The reason of this word.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        let classes = AddressClass::ALL.into_iter().map(Self::Address);
        classes
            .chain([Self::Port, Self::NotTheWeb, Self::Itself, Self::Upstream])
            .find(|reason| reason.as_str() == word)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text that is no rule. The messages are for whoever writes the settings.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum BadRule {
    /// Neither a network nor an address.
    #[error("{0:?} is not a network, such as 10.1.0.0/16 or fd00::/8")]
    Network(String),
    /// Neither a network nor a service.
    #[error("{0:?} is neither a network, such as 10.1.0.0/16, nor a service, such as 127.0.0.1:8000 or nas.lan:8000")]
    Exception(String),
    /// No proxy.
    #[error("{0:?} is not a proxy, such as http://proxy:3128: a host and a port, without a name, a password or a path")]
    Upstream(String),
    /// No port.
    #[error("{0:?} is neither a port, such as 443, nor a range of ports, such as 1024-65535")]
    Ports(String),
}
