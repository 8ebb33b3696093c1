//! From which address a request comes. A proxy's word about it counts only where `server.trusted_proxies` names the proxy: anybody can
//! write the header.

use std::net::{IpAddr, Ipv6Addr};

use actix_web::HttpRequest;
use sluice_runtime::Network;

/// What proxies add at the end of: whoever connected to each of them, in order.
const FORWARDED: &str = "x-forwarded-for";
/// A provider gives a customer so many bits of an IPv6 address at least; the rest is the customer's own to vary.
const CUSTOMER_BITS: u32 = 64;

/// Where the request comes from, as far as it is known for certain.
pub(crate) fn of(request: &HttpRequest, proxies: &[Network]) -> Option<IpAddr> {
    let peer = request.peer_addr()?.ip();
    let lines = request.headers().get_all(FORWARDED).filter_map(|line| line.to_str().ok());
    let said: Vec<&str> = lines.flat_map(|line| line.split(',')).map(str::trim).collect();
    Some(behind(peer, &said, proxies))
}

/// The last address that a trusted proxy saw and that is no trusted proxy itself.
fn behind(peer: IpAddr, said: &[&str], proxies: &[Network]) -> IpAddr {
    let trusted = |address: IpAddr| proxies.iter().any(|network| network.contains(address));
    let mut known = peer;
    for said in said.iter().rev() {
        if !trusted(known) {
            break;
        }
        let Some(address) = parse(said) else { break };
        known = address;
    }
    known
}

/// An address, as proxies write it: some add the port, and then brackets around IPv6.
fn parse(text: &str) -> Option<IpAddr> {
    let inside = text.strip_prefix('[').and_then(|rest| rest.split(']').next());
    inside.unwrap_or(text).parse().ok().or_else(|| Some(text.parse::<std::net::SocketAddr>().ok()?.ip()))
}

/// Under which name an address is counted: of IPv6 the network that one customer has.
pub(crate) fn counted(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let kept = address.to_bits() >> (Ipv6Addr::BITS - CUSTOMER_BITS) << (Ipv6Addr::BITS - CUSTOMER_BITS);
            Ipv6Addr::from_bits(kept).into()
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(peer: &str, said: &[&str], want: &str) {
        let proxies = ["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()];
        assert_eq!(behind(peer.parse().unwrap(), said, &proxies).to_string(), want, "{peer} {said:?}");
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        check("192.0.2.1", &[], "192.0.2.1");
        check("192.0.2.1", &["203.0.113.9"], "192.0.2.1");
        check("10.0.0.1", &[], "10.0.0.1");
        check("10.0.0.1", &["203.0.113.9"], "203.0.113.9");
        check("10.0.0.1", &["198.51.100.1", "203.0.113.9"], "203.0.113.9");
        check("10.0.0.1", &["203.0.113.9", "10.0.0.2"], "203.0.113.9");
        check("fd00::1", &["2001:db8::1"], "2001:db8::1");
        check("10.0.0.1", &["203.0.113.9:4711"], "203.0.113.9");
        check("10.0.0.1", &["[2001:db8::1]:4711"], "2001:db8::1");
        check("10.0.0.1", &["203.0.113.9", "unknown"], "10.0.0.1");
        check("10.0.0.1", &["10.0.0.3", "10.0.0.2"], "10.0.0.3");
    }

    #[test]
    fn a_customers_network_is_one() {
        let check = |text: &str, want: &str| assert_eq!(counted(text.parse().unwrap()).to_string(), want);
        check("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::");
        check("192.0.2.7", "192.0.2.7");
        check("::ffff:192.0.2.7", "192.0.2.7");
    }
}
