//! What an address is for, by the registries of IANA. Pure: no look-up, no setting.
//!
//! Only what is [`AddressClass::Public`] is visited. Whatever carries an IPv4 address inside an IPv6 one is refused as such, but for NAT64's
//! well-known prefix, which networks without IPv4 answer with for every name: there the address inside is judged.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

/// The kinds of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AddressClass {
    /// Of the internet at large: the only one that may be dialled without an exception.
    Public,
    /// `0.0.0.0`, `::`, and the rest of `0.0.0.0/8`: this machine, on many systems.
    Unspecified,
    /// This machine.
    Loopback,
    /// Private networks.
    Private,
    /// Between a provider and its customers.
    CarrierGrade,
    /// This network segment.
    LinkLocal,
    /// Where clouds tell a machine its secrets.
    Metadata,
    /// Many machines.
    Multicast,
    /// All machines of a segment.
    Broadcast,
    /// Examples in books.
    Documentation,
    /// Networks under measurement.
    Benchmarking,
    /// IETF protocol assignments.
    Protocol,
    /// Nobody's yet, or nobody's any more.
    Reserved,
    /// IPv6's private networks.
    UniqueLocal,
    /// IPv6's private networks of old.
    SiteLocal,
    /// An IPv4 address in the form of an IPv6 one.
    MappedV4,
    /// The same in a form of old.
    CompatibleV4,
    /// The same for stateless translators.
    TranslatedV4,
    /// Through a translator, to an IPv4 address that is not public; or through a private one.
    Nat64,
    /// Through a tunnel to the IPv4 address inside.
    SixToFour,
    /// Through a tunnel to the IPv4 address inside.
    Teredo,
    /// Through a tunnel to the IPv4 address inside.
    Isatap,
    /// Thrown away on purpose.
    Discard,
}

use AddressClass::{
    Benchmarking, Broadcast, CarrierGrade, CompatibleV4, Discard, Documentation, Isatap, LinkLocal, Loopback, MappedV4,
    Metadata, Multicast, Nat64, Private, Protocol, Public, Reserved, SiteLocal, SixToFour, Teredo, TranslatedV4,
    UniqueLocal, Unspecified,
};

impl AddressClass {
    /// Every class.
    pub const ALL: [Self; 23] = [
        Public,
        Unspecified,
        Loopback,
        Private,
        CarrierGrade,
        LinkLocal,
        Metadata,
        Multicast,
        Broadcast,
        Documentation,
        Benchmarking,
        Protocol,
        Reserved,
        UniqueLocal,
        SiteLocal,
        MappedV4,
        CompatibleV4,
        TranslatedV4,
        Nat64,
        SixToFour,
        Teredo,
        Isatap,
        Discard,
    ];

    /// The word for logs and figures.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Public => "public",
            Unspecified => "unspecified",
            Loopback => "loopback",
            Private => "private",
            CarrierGrade => "carrier_grade_nat",
            LinkLocal => "link_local",
            Metadata => "cloud_metadata",
            Multicast => "multicast",
            Broadcast => "broadcast",
            Documentation => "documentation",
            Benchmarking => "benchmarking",
            Protocol => "protocol_assignment",
            Reserved => "reserved",
            UniqueLocal => "unique_local",
            SiteLocal => "site_local",
            MappedV4 => "ipv4_mapped",
            CompatibleV4 => "ipv4_compatible",
            TranslatedV4 => "ipv4_translated",
            Nat64 => "nat64",
            SixToFour => "6to4",
            Teredo => "teredo",
            Isatap => "isatap",
            Discard => "discard",
        }
    }
}

impl fmt::Display for AddressClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// First address, length of the prefix, class. The first row that fits wins: the narrower stand before the wider.
///
/// The source is the IANA IPv4 Special-Purpose Address Registry unless another is named.
const V4: &[(Ipv4Addr, u32, AddressClass)] = &[
    (Ipv4Addr::new(0, 0, 0, 0), 8, Unspecified), // RFC 791, RFC 1122: "this network"
    (Ipv4Addr::new(10, 0, 0, 0), 8, Private),    // RFC 1918
    (Ipv4Addr::new(100, 100, 100, 200), 32, Metadata), // Alibaba Cloud
    (Ipv4Addr::new(100, 64, 0, 0), 10, CarrierGrade), // RFC 6598
    (Ipv4Addr::new(127, 0, 0, 0), 8, Loopback),  // RFC 1122
    (Ipv4Addr::new(168, 63, 129, 16), 32, Metadata), // Azure's platform address
    (Ipv4Addr::new(169, 254, 169, 254), 32, Metadata), // AWS, Google, Azure, OpenStack, DigitalOcean and more
    (Ipv4Addr::new(169, 254, 170, 2), 32, Metadata), // AWS, credentials of containers
    (Ipv4Addr::new(169, 254, 170, 23), 32, Metadata), // AWS, credentials of pods
    (Ipv4Addr::new(169, 254, 0, 0), 16, LinkLocal), // RFC 3927
    (Ipv4Addr::new(172, 16, 0, 0), 12, Private), // RFC 1918
    (Ipv4Addr::new(192, 0, 0, 192), 32, Metadata), // Oracle Cloud
    (Ipv4Addr::new(192, 0, 0, 0), 24, Protocol), // RFC 6890
    (Ipv4Addr::new(192, 0, 2, 0), 24, Documentation), // RFC 5737
    (Ipv4Addr::new(192, 31, 196, 0), 24, Protocol), // RFC 7535, AS112
    (Ipv4Addr::new(192, 52, 193, 0), 24, Protocol), // RFC 7450, AMT
    (Ipv4Addr::new(192, 88, 99, 0), 24, SixToFour), // RFC 3068, RFC 7526: relays of 6to4, deprecated
    (Ipv4Addr::new(192, 168, 0, 0), 16, Private), // RFC 1918
    (Ipv4Addr::new(192, 175, 48, 0), 24, Protocol), // RFC 7534, AS112
    (Ipv4Addr::new(198, 18, 0, 0), 15, Benchmarking), // RFC 2544
    (Ipv4Addr::new(198, 51, 100, 0), 24, Documentation), // RFC 5737
    (Ipv4Addr::new(203, 0, 113, 0), 24, Documentation), // RFC 5737
    (Ipv4Addr::new(224, 0, 0, 0), 4, Multicast), // RFC 1112
    (Ipv4Addr::new(255, 255, 255, 255), 32, Broadcast), // RFC 919
    (Ipv4Addr::new(240, 0, 0, 0), 4, Reserved),  // RFC 1112
];

/// The same for IPv6, from the IANA IPv6 Special-Purpose Address Registry. What is in no row is public within `2000::/3` alone: nothing
/// else is handed out (IANA IPv6 Address Space).
const V6: &[(Ipv6Addr, u32, AddressClass)] = &[
    (Ipv6Addr::UNSPECIFIED, 128, Unspecified),                           // RFC 4291
    (Ipv6Addr::LOCALHOST, 128, Loopback),                                // RFC 4291
    (Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0, 0), 96, MappedV4),          // RFC 4291
    (Ipv6Addr::new(0, 0, 0, 0, 0xffff, 0, 0, 0), 96, TranslatedV4),      // RFC 2765
    (Ipv6Addr::new(0, 0, 0, 0, 0, 0, 0, 0), 96, CompatibleV4),           // RFC 4291, deprecated
    (Ipv6Addr::new(0x64, 0xff9b, 1, 0, 0, 0, 0, 0), 48, Nat64),          // RFC 8215, for local use
    (Ipv6Addr::new(0x100, 0, 0, 0, 0, 0, 0, 0), 64, Discard),            // RFC 6666
    (Ipv6Addr::new(0x100, 0, 0, 1, 0, 0, 0, 0), 64, Discard),            // RFC 9780, dummy
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 32, Teredo),            // RFC 4380
    (Ipv6Addr::new(0x2001, 2, 0, 0, 0, 0, 0, 0), 48, Benchmarking),      // RFC 5180
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23, Protocol),          // RFC 2928, with ORCHID and DRIP
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32, Documentation), // RFC 3849
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16, SixToFour),         // RFC 3056
    (Ipv6Addr::new(0x2620, 0x4f, 0x8000, 0, 0, 0, 0, 0), 48, Protocol),  // RFC 7534, AS112
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20, Documentation),     // RFC 9637
    (Ipv6Addr::new(0x5f00, 0, 0, 0, 0, 0, 0, 0), 16, Protocol),          // RFC 9602, segment routing
    (Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254), 128, Metadata), // AWS
    (Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23), 128, Metadata),  // AWS, credentials of pods
    (Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254), 128, Metadata),  // Google
    (Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7, UniqueLocal),        // RFC 4193
    (Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), 10, LinkLocal),         // RFC 4291
    (Ipv6Addr::new(0xfec0, 0, 0, 0, 0, 0, 0, 0), 10, SiteLocal),         // RFC 3879, deprecated
    (Ipv6Addr::new(0xff00, 0, 0, 0, 0, 0, 0, 0), 8, Multicast),          // RFC 4291
];

/// RFC 6052: NAT64's well-known prefix, with the IPv4 address in the last 32 bits.
const NAT64: (Ipv6Addr, u32) = (Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0), 96);
/// RFC 4291: unicast addresses that are handed out.
const HANDED_OUT: (Ipv6Addr, u32) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);
/// RFC 5214: the third quarter of an ISATAP address, with and without the bit for "unique".
const ISATAP: [u128; 2] = [0x0000_5efe, 0x0200_5efe];

/// What this address is for.
#[must_use]
pub fn classify(address: IpAddr) -> AddressClass {
    match address {
        IpAddr::V4(address) => v4(address),
        IpAddr::V6(address) => v6(address),
    }
}

fn v4(address: Ipv4Addr) -> AddressClass {
    let fits = |(first, prefix, _): &&(Ipv4Addr, u32, AddressClass)| {
        (address.to_bits() ^ first.to_bits()) >> (32 - prefix) == 0
    };
    V4.iter().find(fits).map_or(Public, |(_, _, class)| *class)
}

fn v6(address: Ipv6Addr) -> AddressClass {
    let within = |first: Ipv6Addr, prefix: u32| (address.to_bits() ^ first.to_bits()) >> (128 - prefix) == 0;
    if let Some((_, _, class)) = V6.iter().find(|(first, prefix, _)| within(*first, *prefix)) {
        return *class;
    }
    if within(NAT64.0, NAT64.1) {
        let [.., a, b, c, d] = address.octets();
        return if v4(Ipv4Addr::new(a, b, c, d)) == Public { Public } else { Nat64 };
    }
    if !within(HANDED_OUT.0, HANDED_OUT.1) {
        return Reserved;
    }
    if ISATAP.contains(&((address.to_bits() >> 32) & 0xffff_ffff)) { Isatap } else { Public }
}

#[cfg(test)]
mod tests;
