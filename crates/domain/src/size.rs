//! Sizes in bytes: parsed from settings, told to people.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize};
use thiserror::Error;

/// A number of bytes. `Display` speaks in decimal units, as Dropbox and shops do ("1.2 GB"); parsing knows both kinds ("4 GB", "256 MiB").
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize)]
#[serde(transparent)]
pub struct ByteSize(pub u64);

/// A text that is no size.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("not a size: write a number with a unit, such as 500 MB, 4 GB or 256 MiB")]
pub struct BadSize;

impl FromStr for ByteSize {
    type Err = BadSize;

    fn from_str(text: &str) -> Result<Self, BadSize> {
        let text = text.trim();
        let split = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
        let (number, unit) = text.split_at(split);
        let factor: u64 = match unit.to_ascii_lowercase().as_str() {
            "" | "b" => 1,
            "k" | "kb" => 1_000,
            "kib" => 1 << 10,
            "m" | "mb" => 1_000_000,
            "mib" => 1 << 20,
            "g" | "gb" => 1_000_000_000,
            "gib" => 1 << 30,
            "t" | "tb" => 1_000_000_000_000,
            "tib" => 1 << 40,
            _ => return Err(BadSize),
        };
        let number = number.trim().replace('_', "");
        let (whole, fraction) = number.split_once('.').unwrap_or((&number, ""));
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !digits(whole) || !digits(fraction) || fraction.len() > 9 {
            return Err(BadSize);
        }
        let whole = whole.parse::<u64>().ok().and_then(|n| n.checked_mul(factor)).ok_or(BadSize)?;
        let part = fraction.parse::<u128>().unwrap_or(0) * u128::from(factor)
            / 10u128.pow(u32::try_from(fraction.len()).unwrap_or(0));
        whole.checked_add(u64::try_from(part).map_err(|_| BadSize)?).map(Self).ok_or(BadSize)
    }
}

impl<'de> Deserialize<'de> for ByteSize {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Raw {
            Number(u64),
            Text(String),
        }
        match Raw::deserialize(deserializer)? {
            Raw::Number(bytes) => Ok(Self(bytes)),
            Raw::Text(text) => text.parse().map_err(serde::de::Error::custom),
        }
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [(&str, u64); 4] =
            [("TB", 1_000_000_000_000), ("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1_000)];
        for (unit, factor) in UNITS {
            if self.0 >= factor {
                let tenths = u128::from(self.0) * 10 / u128::from(factor);
                let (whole, tenth) = (tenths / 10, tenths % 10);
                // One decimal where it tells something: "1.2 GB", but "412 MB".
                return if whole < 10 && tenth != 0 {
                    write!(f, "{whole}.{tenth} {unit}")
                } else {
                    write!(f, "{whole} {unit}")
                };
            }
        }
        write!(f, "{} bytes", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read() {
        let check = |text: &str, want: Result<u64, BadSize>| {
            assert_eq!(text.parse::<ByteSize>().map(|size| size.0), want, "{text:?}");
        };
        check("0", Ok(0));
        check("4 GB", Ok(4_000_000_000));
        check("4GB", Ok(4_000_000_000));
        check("1.5 GiB", Ok(1_610_612_736));
        check("256 MiB", Ok(268_435_456));
        check("10_000", Ok(10_000));
        for bad in ["", "GB", "-1", "1,5 GB", "4 XB", "1.2.3 MB", "99999999999 TB"] {
            check(bad, Err(BadSize));
        }
    }

    #[test]
    fn sizes_are_told() {
        let check = |bytes: u64, want: &str| assert_eq!(ByteSize(bytes).to_string(), want);
        check(0, "0 bytes");
        check(999, "999 bytes");
        check(1_000, "1 kB");
        check(412_000_000, "412 MB");
        check(1_250_000_000, "1.2 GB");
        check(9_100_000_000, "9.1 GB");
        check(u64::MAX, "18446744 TB");
    }
}
