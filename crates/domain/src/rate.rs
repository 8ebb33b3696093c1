//! How often something may be done: parsed from settings, obeyed by whoever counts.

use std::{fmt, num::NonZeroU32, str::FromStr, time::Duration};

use serde::{Deserialize, Deserializer};
use thiserror::Error;

/// So many in so long. All of them may come at once; then one comes back each `per / count`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// How many.
    pub count: NonZeroU32,
    /// In how long.
    pub per: Duration,
}

/// A text that is no rate.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("not a rate: write a number and a unit of time, such as 10/s, 60/m or 500/h, or off")]
pub struct BadRate;

/// A rate, or none: `off`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit(pub Option<Rate>);

impl FromStr for RateLimit {
    type Err = BadRate;

    fn from_str(text: &str) -> Result<Self, BadRate> {
        let text = text.trim();
        if text == "off" {
            return Ok(Self(None));
        }
        let (count, unit) = text.split_once('/').ok_or(BadRate)?;
        let seconds = match unit.trim() {
            "s" => 1,
            "m" | "min" => 60,
            "h" => 3600,
            "d" => 24 * 3600,
            _ => return Err(BadRate),
        };
        let count = count.trim();
        // `parse` would take a sign.
        let count = if count.bytes().all(|byte| byte.is_ascii_digit()) { count.parse().ok() } else { None };
        Ok(Self(Some(Rate { count: count.ok_or(BadRate)?, per: Duration::from_secs(seconds) })))
    }
}

impl fmt::Display for RateLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            None => f.write_str("off"),
            Some(Rate { count, per }) => {
                let unit = match per.as_secs() {
                    1 => "s",
                    60 => "m",
                    3600 => "h",
                    _ => "d",
                };
                write!(f, "{count}/{unit}")
            }
        }
    }
}

impl<'de> Deserialize<'de> for RateLimit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, want: Result<(u32, u64), BadRate>) {
        let got = text.parse::<RateLimit>().map(|limit| limit.0.map(|rate| (rate.count.get(), rate.per.as_secs())));
        assert_eq!(got, want.map(Some), "{text:?}");
    }

    #[test]
    fn rates_are_read() {
        check("10/s", Ok((10, 1)));
        check(" 60 / m ", Ok((60, 60)));
        check("60/min", Ok((60, 60)));
        check("4294967295/d", Ok((u32::MAX, 86_400)));
        for bad in ["", "10", "/s", "0/s", "-1/s", "+1/s", "1.5/s", "10/w", "10/s/s", "4294967296/d", "on"] {
            check(bad, Err(BadRate));
        }
        assert_eq!("off".parse(), Ok(RateLimit(None)));
    }

    proptest! {
        #[test]
        fn what_is_told_is_what_was_meant(count in 1_u32.., unit in "s|m|h|d") {
            let text = format!("{count}/{unit}");
            prop_assert_eq!(text.parse::<RateLimit>().unwrap().to_string(), text);
        }

        #[test]
        fn no_text_breaks_it(text in ".*") {
            let _either = text.parse::<RateLimit>();
        }
    }
}
