//! Both sides of every edge, and what must hold for any address.

use proptest::prelude::*;

use super::*;

#[track_caller]
fn check(address: &str, want: AddressClass) {
    assert_eq!(classify(address.parse().unwrap()), want, "{address}");
}

#[test]
fn both_sides_of_every_edge_of_ipv4() {
    for (first, class, last, before, after) in [
        ("0.0.0.0", Unspecified, "0.255.255.255", None, Some(("1.0.0.0", Public))),
        ("10.0.0.0", Private, "10.255.255.255", Some(("9.255.255.255", Public)), Some(("11.0.0.0", Public))),
        (
            "100.64.0.0",
            CarrierGrade,
            "100.127.255.255",
            Some(("100.63.255.255", Public)),
            Some(("100.128.0.0", Public)),
        ),
        (
            "100.100.100.200",
            Metadata,
            "100.100.100.200",
            Some(("100.100.100.199", CarrierGrade)),
            Some(("100.100.100.201", CarrierGrade)),
        ),
        ("127.0.0.0", Loopback, "127.255.255.255", Some(("126.255.255.255", Public)), Some(("128.0.0.0", Public))),
        ("168.63.129.16", Metadata, "168.63.129.16", Some(("168.63.129.15", Public)), Some(("168.63.129.17", Public))),
        ("169.254.0.0", LinkLocal, "169.254.255.255", Some(("169.253.255.255", Public)), Some(("169.255.0.0", Public))),
        (
            "169.254.169.254",
            Metadata,
            "169.254.169.254",
            Some(("169.254.169.253", LinkLocal)),
            Some(("169.254.169.255", LinkLocal)),
        ),
        (
            "169.254.170.2",
            Metadata,
            "169.254.170.2",
            Some(("169.254.170.1", LinkLocal)),
            Some(("169.254.170.3", LinkLocal)),
        ),
        (
            "169.254.170.23",
            Metadata,
            "169.254.170.23",
            Some(("169.254.170.22", LinkLocal)),
            Some(("169.254.170.24", LinkLocal)),
        ),
        ("172.16.0.0", Private, "172.31.255.255", Some(("172.15.255.255", Public)), Some(("172.32.0.0", Public))),
        ("192.0.0.0", Protocol, "192.0.0.255", Some(("191.255.255.255", Public)), Some(("192.0.1.0", Public))),
        ("192.0.0.192", Metadata, "192.0.0.192", Some(("192.0.0.191", Protocol)), Some(("192.0.0.193", Protocol))),
        ("192.0.2.0", Documentation, "192.0.2.255", Some(("192.0.1.255", Public)), Some(("192.0.3.0", Public))),
        ("192.31.196.0", Protocol, "192.31.196.255", Some(("192.31.195.255", Public)), Some(("192.31.197.0", Public))),
        ("192.52.193.0", Protocol, "192.52.193.255", Some(("192.52.192.255", Public)), Some(("192.52.194.0", Public))),
        ("192.88.99.0", SixToFour, "192.88.99.255", Some(("192.88.98.255", Public)), Some(("192.88.100.0", Public))),
        ("192.168.0.0", Private, "192.168.255.255", Some(("192.167.255.255", Public)), Some(("192.169.0.0", Public))),
        ("192.175.48.0", Protocol, "192.175.48.255", Some(("192.175.47.255", Public)), Some(("192.175.49.0", Public))),
        ("198.18.0.0", Benchmarking, "198.19.255.255", Some(("198.17.255.255", Public)), Some(("198.20.0.0", Public))),
        (
            "198.51.100.0",
            Documentation,
            "198.51.100.255",
            Some(("198.51.99.255", Public)),
            Some(("198.51.101.0", Public)),
        ),
        ("203.0.113.0", Documentation, "203.0.113.255", Some(("203.0.112.255", Public)), Some(("203.0.114.0", Public))),
        ("224.0.0.0", Multicast, "239.255.255.255", Some(("223.255.255.255", Public)), Some(("240.0.0.0", Reserved))),
        (
            "240.0.0.0",
            Reserved,
            "255.255.255.254",
            Some(("239.255.255.255", Multicast)),
            Some(("255.255.255.255", Broadcast)),
        ),
    ] {
        check(first, class);
        check(last, class);
        before.into_iter().chain(after).for_each(|(address, class)| check(address, class));
    }
}

#[test]
fn both_sides_of_every_edge_of_ipv6() {
    for (address, class) in [
        ("::", Unspecified),
        ("::1", Loopback),
        ("::2", CompatibleV4),
        ("::127.0.0.1", CompatibleV4),
        ("::8.8.8.8", CompatibleV4),
        ("::ffff:ffff", CompatibleV4),
        ("::1:0:0", Reserved),
        ("::fffe:ffff:ffff", Reserved),
        ("::ffff:0.0.0.0", MappedV4),
        ("::ffff:127.0.0.1", MappedV4),
        ("::ffff:8.8.8.8", MappedV4),
        ("::ffff:255.255.255.255", MappedV4),
        ("::1:0:0:0", Reserved),
        ("::fffe:ffff:ffff:ffff", Reserved),
        ("::ffff:0:127.0.0.1", TranslatedV4),
        ("::ffff:0:255.255.255.255", TranslatedV4),
        ("::ffff:1:0:0", Reserved),
        ("64:ff9a:ffff:ffff:ffff:ffff:ffff:ffff", Reserved),
        ("64:ff9b::127.0.0.1", Nat64),
        ("64:ff9b::10.0.0.1", Nat64),
        ("64:ff9b::169.254.169.254", Nat64),
        ("64:ff9b::8.8.8.8", Public),
        ("64:ff9b::1:808:808", Reserved),
        ("64:ff9b:0:ffff:ffff:ffff:ffff:ffff", Reserved),
        ("64:ff9b:1::", Nat64),
        ("64:ff9b:1:ffff:ffff:ffff:808:808", Nat64),
        ("64:ff9b:2::", Reserved),
        ("ff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", Reserved),
        ("100::", Discard),
        ("100::ffff:ffff:ffff:ffff", Discard),
        ("100:0:0:1::", Discard),
        ("100:0:0:1:ffff:ffff:ffff:ffff", Discard),
        ("100:0:0:2::", Reserved),
        ("1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", Reserved),
        ("2000::", Public),
        ("2000:ffff:ffff:ffff:ffff:ffff:ffff:ffff", Public),
        ("2001::", Teredo),
        ("2001:0:ffff:ffff:ffff:ffff:ffff:ffff", Teredo),
        ("2001:1::", Protocol),
        ("2001:1:ffff:ffff:ffff:ffff:ffff:ffff", Protocol),
        ("2001:2::", Benchmarking),
        ("2001:2:0:ffff:ffff:ffff:ffff:ffff", Benchmarking),
        ("2001:2:1::", Protocol),
        ("2001:10::", Protocol),
        ("2001:20::", Protocol),
        ("2001:30::", Protocol),
        ("2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff", Protocol),
        ("2001:200::", Public),
        ("2001:db7:ffff:ffff:ffff:ffff:ffff:ffff", Public),
        ("2001:db8::", Documentation),
        ("2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", Documentation),
        ("2001:db9::", Public),
        ("2001:ffff:ffff:ffff:ffff:ffff:ffff:ffff", Public),
        ("2002::", SixToFour),
        ("2002:7f00:1::", SixToFour),
        ("2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff", SixToFour),
        ("2003::", Public),
        ("2606:4700:4700::1111", Public),
        ("2620:4f:7fff:ffff:ffff:ffff:ffff:ffff", Public),
        ("2620:4f:8000::", Protocol),
        ("2620:4f:8000:ffff:ffff:ffff:ffff:ffff", Protocol),
        ("2620:4f:8001::", Public),
        ("2a00:1450::5efe:7f00:1", Isatap),
        ("2a00:1450::200:5efe:7f00:1", Isatap),
        ("2a00:1450::5eff:7f00:1", Public),
        ("2a00:1450::5efd:7f00:1", Public),
        ("2a00:1450::1:5efe:7f00:1", Public),
        ("3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff", Public),
        ("3fff::", Documentation),
        ("3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff", Documentation),
        ("3fff:1000::", Public),
        ("3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", Public),
        ("4000::", Reserved),
        ("5eff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", Reserved),
        ("5f00::", Protocol),
        ("5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff", Protocol),
        ("5f01::", Reserved),
        ("fbff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", Reserved),
        ("fc00::", UniqueLocal),
        ("fd00:ec2::253", UniqueLocal),
        ("fd00:ec2::254", Metadata),
        ("fd00:ec2::255", UniqueLocal),
        ("fd00:ec2::22", UniqueLocal),
        ("fd00:ec2::23", Metadata),
        ("fd00:ec2::24", UniqueLocal),
        ("fd20:ce::253", UniqueLocal),
        ("fd20:ce::254", Metadata),
        ("fd20:ce::255", UniqueLocal),
        ("fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", UniqueLocal),
        ("fe00::", Reserved),
        ("fe7f:ffff:ffff:ffff:ffff:ffff:ffff:ffff", Reserved),
        ("fe80::", LinkLocal),
        ("fe80::a9fe:a9fe", LinkLocal),
        ("febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", LinkLocal),
        ("fec0::", SiteLocal),
        ("feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", SiteLocal),
        ("ff00::", Multicast),
        ("ff02::1", Multicast),
        ("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", Multicast),
    ] {
        check(address, class);
    }
}

#[test]
fn no_row_hides_behind_a_wider_one() {
    for (first, prefix, class) in V4 {
        let last = Ipv4Addr::from_bits(first.to_bits() | (u32::MAX.checked_shr(*prefix).unwrap_or(0)));
        assert!(first.to_bits() & u32::MAX.checked_shr(*prefix).unwrap_or(0) == 0, "{first}/{prefix} is no network");
        assert!(v4(*first) == *class || v4(last) == *class, "{first}/{prefix}");
    }
    for (first, prefix, class) in V6 {
        let rest = u128::MAX.checked_shr(*prefix).unwrap_or(0);
        assert!(first.to_bits() & rest == 0, "{first}/{prefix} is no network");
        let last = Ipv6Addr::from_bits(first.to_bits() | rest);
        assert!(v6(*first) == *class || v6(last) == *class, "{first}/{prefix}");
    }
}

#[test]
fn every_class_has_a_word_of_its_own() {
    let words: std::collections::BTreeSet<_> = AddressClass::ALL.iter().map(|class| class.as_str()).collect();
    assert_eq!(words.len(), AddressClass::ALL.len());
}

proptest! {
    /// What the standard library knows to be special is never public.
    #[test]
    fn what_the_standard_library_calls_special_is_not_public(bits: u32) {
        let address = Ipv4Addr::from_bits(bits);
        let special = address.is_private() || address.is_loopback() || address.is_link_local() || address.is_multicast()
            || address.is_broadcast() || address.is_documentation() || address.is_unspecified();
        prop_assert!(!special || v4(address) != Public, "{}", address);
    }

    #[test]
    fn the_same_for_ipv6(bits: u128) {
        let address = Ipv6Addr::from_bits(bits);
        let special = address.is_loopback() || address.is_multicast() || address.is_unspecified()
            || address.is_unique_local() || address.is_unicast_link_local();
        prop_assert!(!special || v6(address) != Public, "{}", address);
    }

    /// However an IPv4 address is wrapped, it is no more public than it is bare.
    #[test]
    fn wrapping_makes_nothing_public(bits: u32) {
        let bare = Ipv4Addr::from_bits(bits);
        let inside = u128::from(bits);
        let wrapped = [
            inside,
            0xffff << 32 | inside,
            0xffff << 48 | inside,
            0x0064_ff9b << 96 | inside,
            0x0064_ff9b_0001 << 80 | inside,
            0x2002 << 112 | inside << 80,
            0x2001 << 112 | (inside ^ 0xffff_ffff),
            0x2a00_1450 << 96 | 0x5efe << 32 | inside,
        ];
        for wrapped in wrapped {
            let wrapped = Ipv6Addr::from_bits(wrapped);
            prop_assert!(v6(wrapped) != Public || v4(bare) == Public, "{} in {}", bare, wrapped);
        }
    }
}
