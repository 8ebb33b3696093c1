//! Which ports of the internet are visited.
//!
//! Sites and podcasts live on odd ports, so a list of the usual ones would keep people from what they may well fetch. What never serves media
//! is never dialled, whatever the settings allow: a request for a page is a command to some services, and they do not know better.

use std::{fmt, ops::RangeInclusive, str::FromStr};

use crate::BadRule;

/// Ports from one to another, both included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortRange(RangeInclusive<u16>);

impl PortRange {
    /// Is this port one of them?
    #[must_use]
    pub fn contains(&self, port: u16) -> bool {
        self.0.contains(&port)
    }
}

impl FromStr for PortRange {
    type Err = BadRule;

    fn from_str(text: &str) -> Result<Self, BadRule> {
        let number = |text: &str| text.trim().parse::<u16>().ok().filter(|port| *port > 0);
        let range = match text.split_once('-') {
            None => number(text).map(|port| port..=port),
            Some((first, last)) => number(first).zip(number(last)).map(|(first, last)| first..=last),
        };
        let range = range.filter(|range| !range.is_empty()).ok_or_else(|| BadRule::Ports(text.to_owned()))?;
        Ok(Self(range))
    }
}

impl fmt::Display for PortRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.start() == self.0.end() {
            write!(f, "{}", self.0.start())
        } else {
            write!(f, "{}-{}", self.0.start(), self.0.end())
        }
    }
}

/// Services that are no web sites and take harm from a stray request. The first rows are the "bad ports" of the Fetch standard (WHATWG), by which browsers
/// go; the last are stores and control planes that speak to whoever connects.
const NEVER: &[u16] = &[
    0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103, 104, 109,
    110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514, 515, 526, 530, 531,
    532, 540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993, 995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060,
    5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080, // until here: Fetch
    445, 873, 1433, 1521, 2375, 2376, 2379, 2380, 3306, 3389, 5432, 5672, 5900, 5984, 6379, 6380, 6443, 7000, 7001,
    8086, 9042, 9092, 9160, 9200, 9300, 10250, 10255, 11211, 15672, 16379, 26379, 27017, 27018, 27019, 50070,
];

/// Is this a port that is only dialled where a single service is named as an exception?
#[must_use]
pub fn is_never_dialled(port: u16) -> bool {
    NEVER.contains(&port)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read() {
        let check = |text: &str, port: u16, want: bool| {
            assert_eq!(text.parse::<PortRange>().unwrap().contains(port), want, "{port} in {text}");
        };
        check("80", 80, true);
        check("80", 81, false);
        check("1024-65535", 1024, true);
        check("1024 - 65535", 65535, true);
        check("1024-65535", 1023, false);
        for text in ["", "0", "80-", "-80", "90-80", "65536", "http", "80-90-100", "0-80"] {
            assert!(text.parse::<PortRange>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn what_never_serves_media_is_known() {
        for port in [22, 25, 6379, 11211, 9200, 6000] {
            assert!(is_never_dialled(port), "{port}");
        }
        for port in [80, 443, 8000, 8080, 8443, 8008, 9000, 1935] {
            assert!(!is_never_dialled(port), "{port}");
        }
    }
}
