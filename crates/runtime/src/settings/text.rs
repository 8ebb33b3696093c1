//! Values that are written as text and kept as types. Each message says what would be right.

use std::{fmt, net::SocketAddr, path::PathBuf, str::FromStr, time::Duration};

use serde::{Deserialize, Deserializer, de::Error as _};
use sluice_egress::Upstream;
use tracing_subscriber::EnvFilter;
use url::Url;

/// "500ms", "90s", "10m", "6h", "30d": one whole number and one unit.
pub(super) fn parse_duration(text: &str) -> Option<Duration> {
    let text = text.trim();
    let split = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(split);
    let number: u64 = number.parse().ok()?;
    let seconds = |each: u64| number.checked_mul(each).map(Duration::from_secs);
    match unit.trim_start() {
        "ms" => Some(Duration::from_millis(number)),
        "s" => seconds(1),
        "m" | "min" => seconds(60),
        "h" => seconds(3600),
        "d" => seconds(24 * 3600),
        _ => None,
    }
}

pub(super) fn duration<'de, D: Deserializer<'de>>(value: D) -> Result<Duration, D::Error> {
    parse_duration(&String::deserialize(value)?)
        .ok_or_else(|| D::Error::custom("not a time: write a number with a unit, such as 90s, 10m, 6h or 30d"))
}

/// An absolute http(s) URL with a host, without the slash at its end, so that paths can be appended to it.
pub(super) fn http_url<'de, D: Deserializer<'de>>(value: D) -> Result<String, D::Error> {
    let text = String::deserialize(value)?;
    match Url::parse(&text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() && url.query().is_none() => {
            Ok(text.trim_end_matches('/').to_owned())
        }
        _ => Err(D::Error::custom("not a web address: write it like https://sluice.example.org")),
    }
}

pub(super) fn http_url_or_empty<'de, D: Deserializer<'de>>(value: D) -> Result<String, D::Error> {
    let text = String::deserialize(value)?;
    if text.is_empty() { Ok(text) } else { http_url(serde::de::value::StringDeserializer::new(text)) }
}

pub(super) fn address_or_empty<'de, D: Deserializer<'de>>(value: D) -> Result<Option<SocketAddr>, D::Error> {
    let text = String::deserialize(value)?;
    match text.as_str() {
        "" => Ok(None),
        text => text.parse().map(Some).map_err(|_| D::Error::custom("not an address and port, such as 127.0.0.1:9090")),
    }
}

/// The address of a proxy.
pub(super) fn upstream_or_empty<'de, D: Deserializer<'de>>(value: D) -> Result<Option<Upstream>, D::Error> {
    let text = String::deserialize(value)?;
    if text.is_empty() { Ok(None) } else { text.parse().map(Some).map_err(D::Error::custom) }
}

/// A list of texts, each of which is a rule.
pub(super) fn rules<'de, D, R>(value: D) -> Result<Vec<R>, D::Error>
where
    D: Deserializer<'de>,
    R: FromStr<Err: fmt::Display>,
{
    let texts = Vec::<String>::deserialize(value)?;
    texts.iter().map(|text| text.parse().map_err(D::Error::custom)).collect()
}

/// The spool's folder; empty means one in the system's folder for temporary files.
pub(super) fn spool_dir<'de, D: Deserializer<'de>>(value: D) -> Result<PathBuf, D::Error> {
    let path = PathBuf::deserialize(value)?;
    Ok(if path.as_os_str().is_empty() { std::env::temp_dir().join("sluice-spool") } else { path })
}

/// A tracing filter, kept as text once it is known to parse.
pub(super) fn log_filter<'de, D: Deserializer<'de>>(value: D) -> Result<String, D::Error> {
    let text = String::deserialize(value)?;
    // Its parser cuts texts between bytes, and panics between those of one letter. Names of ours are ASCII.
    if !text.is_ascii() {
        return Err(D::Error::custom(
            "not a log filter: write names of modules and levels in plain letters, such as info",
        ));
    }
    match text.parse::<EnvFilter>() {
        Ok(_) => Ok(text),
        Err(error) => {
            Err(D::Error::custom(format!("not a log filter, such as info or info,sluice_worker=debug: {error}")))
        }
    }
}
