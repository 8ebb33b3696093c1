//! Any text as a link: what is let through is a site of the web, at a public address when it names one.

#![no_main]

use std::net::IpAddr;

use libfuzzer_sys::fuzz_target;
use sluice_domain::SourceUrl;
use sluice_egress::{AddressClass, Exception, Network, Policy, PortRange, classify, is_never_dialled};
use url::{Host, Url};

fuzz_target!(|text: &str| {
    let _ = (text.parse::<Exception>(), text.parse::<Network>(), text.parse::<PortRange>());
    let link = text.parse::<SourceUrl>();
    let url = match &link {
        // What is kept is read again as the same.
        Ok(link) => Url::parse(link.as_str()).expect("a link is a URL"),
        Err(_) => match Url::parse(text) {
            Ok(url) => url,
            Err(_) => return,
        },
    };
    if let Ok((host, port)) = Policy::default().judge_url(&url) {
        assert!(matches!(url.scheme(), "http" | "https"), "{url}");
        assert!(!is_never_dialled(port), "{url}");
        let address = match host {
            Host::Ipv4(address) => IpAddr::from(address),
            Host::Ipv6(address) => IpAddr::from(address),
            // The system's resolver must not see an address where we saw a name.
            Host::Domain(name) => {
                let last = name.strip_suffix('.').unwrap_or(&name).rsplit('.').next().unwrap_or_default();
                let hex = last.strip_prefix("0x").is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_hexdigit()));
                let decimal = !last.is_empty() && last.bytes().all(|byte| byte.is_ascii_digit());
                assert!(!hex && !decimal, "{name}");
                return;
            }
        };
        assert_eq!(classify(address), AddressClass::Public, "{url}");
    }
});
