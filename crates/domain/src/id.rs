//! Identifiers: opaque, short, safe in a URL, a log line and a Redis key.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A string that is not an identifier.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("not a valid {what}")]
pub struct BadId {
    what: &'static str,
}

/// A job's name: 128 random bits as 32 lower-case hex digits, so that nobody guesses another person's job.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct JobId(String);

impl JobId {
    /// The id made of these 16 bytes, which the caller draws from a cryptographic source.
    #[must_use]
    pub fn from_random(bytes: [u8; 16]) -> Self {
        Self(format!("{:032x}", u128::from_be_bytes(bytes)))
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for JobId {
    type Err = BadId;

    fn from_str(text: &str) -> Result<Self, BadId> {
        let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if text.len() == 32 && text.bytes().all(hex) {
            Ok(Self(text.to_owned()))
        } else {
            Err(BadId { what: "job id" })
        }
    }
}

/// A person: Dropbox's own account id, `dbid:` and up to 100 URL-safe characters.
///
/// Dropbox's ids have 40 characters today; nothing here relies on that.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AccountId(String);

impl AccountId {
    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for AccountId {
    type Err = BadId;

    fn from_str(text: &str) -> Result<Self, BadId> {
        let safe = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        match text.strip_prefix("dbid:") {
            Some(rest) if !rest.is_empty() && rest.len() <= 100 && rest.bytes().all(safe) => Ok(Self(text.to_owned())),
            _ => Err(BadId { what: "account id" }),
        }
    }
}

macro_rules! text_id {
    ($name:ident) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = BadId;

            fn try_from(text: String) -> Result<Self, BadId> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }
    };
}
text_id!(JobId);
text_id!(AccountId);

/// A number that grows with each claim of a job, and is never given out twice. A write that names an older one is refused: whoever was paused or cut off and comes
/// back late can do no harm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fence(pub u64);

impl fmt::Display for Fence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_id_round_trips() {
        let id = JobId::from_random([7; 16]);
        assert_eq!(id.as_str().parse(), Ok(id.clone()));
        assert_eq!(id.as_str().len(), 32);
    }

    #[test]
    fn foreign_text_is_no_job_id() {
        for text in [
            "",
            "abc",
            "../../../../../../../../etc/passwd",
            "0707070707070707070707070707070G",
            "07070707070707070707070707070707 ",
        ] {
            assert!(text.parse::<JobId>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn account_ids_are_dropbox_ids() {
        assert!("dbid:AAH4f99T0taONIb-OurWxbNQ6ywGRopQngc".parse::<AccountId>().is_ok());
        for text in ["", "dbid:", "AAH4", "dbid:a b", "dbid:a{b}", "dbid:\n"] {
            assert!(text.parse::<AccountId>().is_err(), "{text:?}");
        }
    }
}
