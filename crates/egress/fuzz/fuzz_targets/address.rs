//! Any address: what the standard library calls special is not public, and no wrapping makes an IPv4 address more public than it is.

#![no_main]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use libfuzzer_sys::fuzz_target;
use sluice_egress::{AddressClass, classify};

fn public(address: impl Into<IpAddr>) -> bool {
    classify(address.into()) == AddressClass::Public
}

fuzz_target!(|bits: u128| {
    let long = Ipv6Addr::from_bits(bits);
    let special = long.is_loopback()
        || long.is_multicast()
        || long.is_unspecified()
        || long.is_unique_local()
        || long.is_unicast_link_local();
    assert!(!special || !public(long), "{long}");
    let inside = bits as u32;
    let short = Ipv4Addr::from_bits(inside);
    let special = short.is_private()
        || short.is_loopback()
        || short.is_link_local()
        || short.is_multicast()
        || short.is_broadcast()
        || short.is_documentation()
        || short.is_unspecified();
    assert!(!special || !public(short), "{short}");
    let inside = u128::from(inside);
    for wrapped in [
        inside,
        0xffff << 32 | inside,
        0xffff << 48 | inside,
        0x0064_ff9b << 96 | inside,
        0x2002 << 112 | inside << 80,
        0x2001 << 112 | (inside ^ 0xffff_ffff),
    ] {
        assert!(!public(Ipv6Addr::from_bits(wrapped)) || public(short), "{short}");
    }
});
