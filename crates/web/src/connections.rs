//! How many connections this process takes, and how many of one address: whoever holds thousands of them open, slowly, keeps nobody else
//! out, and memory has a bound.
//!
//! What is over an address's share is closed at once, before a byte of it is read. What is over the whole waits in the kernel's queue.

use std::{
    any::Any,
    collections::HashMap,
    net::{IpAddr, TcpListener},
    num::NonZero,
    os::fd::AsRawFd as _,
    sync::{Arc, Mutex, PoisonError},
};

use actix_web::{dev::Extensions, rt::net::TcpStream};
use nix::sys::{
    resource::{Resource, getrlimit, setrlimit},
    socket::{Shutdown, setsockopt, shutdown, sockopt::RcvBuf},
};
use sluice_runtime::{Network, Settings};

use crate::address::counted;

/// The most connections of this process. A connection that says nothing takes a few kilobytes, and no more than some hundred whatever it says.
const MOST: u64 = 20_000;
/// What the kernel takes in of a connection before we read it, in bytes. Buffers of ours grow as large as what is there to be read, and then
/// stay so; requests are small.
const RECEIVED_AT_ONCE: usize = 16 * 1024;
/// Descriptors that are not for connections: Redis, Dropbox, pictures, previews, the log.
const RESERVED: u64 = 512;

/// How many connections each of so many threads takes. Asks the system for as many descriptors as it gives.
pub(crate) fn most_per_thread(threads: usize) -> usize {
    let allowed = getrlimit(Resource::RLIMIT_NOFILE).map_or(1024, |(soft, hard)| {
        let wanted = hard.min(MOST + RESERVED).max(soft);
        // Where it cannot be raised, what there is has to do.
        if setrlimit(Resource::RLIMIT_NOFILE, wanted, hard).is_ok() { wanted } else { soft }
    });
    let all = allowed.saturating_sub(RESERVED).clamp(64, MOST);
    usize::try_from(all).unwrap_or(usize::MAX) / threads.max(1)
}

/// Lets the kernel take in little of each connection of this listener: what is not read yet stays with whoever sends it.
pub(crate) fn take_in_little(listener: &TcpListener) {
    // Where it cannot be set, a connection takes more memory, and works.
    let _set = setsockopt(listener, RcvBuf, &RECEIVED_AT_ONCE);
}

/// As many threads as there are processors.
pub(crate) fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, NonZero::get)
}

/// The connections of each address. Clones share them.
#[derive(Debug, Clone)]
pub(crate) struct Connections {
    /// Zero: any number.
    most_of_one: usize,
    proxies: Arc<[Network]>,
    of: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

/// One connection of an address, counted until this is dropped.
#[derive(Debug)]
struct Held {
    address: IpAddr,
    connections: Connections,
}

impl Connections {
    pub(crate) fn new(settings: &Settings) -> Self {
        let server = &settings.server;
        Self {
            most_of_one: server.connections_per_address as usize,
            proxies: server.trusted_proxies.clone().into(),
            of: Arc::default(),
        }
    }

    /// Looks at a new connection. One too many is shut: the server then reads its end.
    pub(crate) fn meet(&self, connection: &dyn Any, kept_with_it: &mut Extensions) {
        let Some(stream) = connection.downcast_ref::<TcpStream>() else { return };
        let Ok(peer) = stream.peer_addr() else { return };
        if self.most_of_one == 0 || self.proxies.iter().any(|network| network.contains(peer.ip())) {
            return;
        }
        match self.hold(counted(peer.ip())) {
            Some(held) => {
                kept_with_it.insert(held);
            }
            None => {
                tracing::debug!(peer = %peer.ip(), "Too many connections of one address");
                // It may be gone by itself.
                let _shut = shutdown(stream.as_raw_fd(), Shutdown::Both);
            }
        }
    }

    fn hold(&self, address: IpAddr) -> Option<Held> {
        self.change(|of| {
            let own = of.entry(address).or_default();
            if *own >= self.most_of_one {
                return None;
            }
            *own += 1;
            Some(Held { address, connections: self.clone() })
        })
    }

    fn change<T>(&self, how: impl FnOnce(&mut HashMap<IpAddr, usize>) -> T) -> T {
        // Nothing in here panics; were it otherwise, the counts would still be the best there are.
        how(&mut self.of.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.connections.change(|of| match of.get_mut(&self.address) {
            Some(own) if *own > 1 => *own -= 1,
            _ => {
                of.remove(&self.address);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_its_share() {
        let connections = Connections { most_of_one: 2, proxies: Arc::default(), of: Arc::default() };
        let (one, other) = ("192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap());
        let first = connections.hold(one).unwrap();
        let second = connections.hold(one).unwrap();
        assert!(connections.hold(one).is_none() && connections.hold(other).is_some());
        drop(first);
        let third = connections.hold(one);
        assert!(third.is_some());
        drop((second, third));
        assert!(connections.change(|of| of.is_empty()), "nothing is kept of those who left");
    }

    #[test]
    fn there_are_descriptors_for_what_is_accepted() {
        let threads = threads();
        let all = most_per_thread(threads) * threads;
        let (soft, _) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
        assert!(all as u64 + RESERVED <= soft, "{all} {soft}");
    }
}
