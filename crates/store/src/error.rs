//! What can go wrong between here and Redis.

use std::time::Duration;

use redis::RedisError;
use thiserror::Error;

/// Why the store did not do what was asked.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Redis did not answer, or could not work, for as long as the caller is patient. Nothing is known to be lost: ask again.
    #[error("Redis is unavailable (waited {waited:?}): {last}")]
    Unavailable {
        /// How long was waited.
        waited: Duration,
        /// The last fault.
        last: String,
    },
    /// The keys were written by a newer version of Sluice.
    #[error("the data in Redis has schema {found}, this version knows {known} at most: start the newer version")]
    NewerSchema {
        /// The version in Redis.
        found: u32,
        /// The newest version that this binary knows.
        known: u32,
    },
    /// A value that this version cannot read.
    #[error("{what} is corrupt: {why}")]
    Corrupt {
        /// Which value; never its content.
        what: String,
        /// What is wrong with it.
        why: String,
    },
    /// A sealed value does not open with any of the keys of `security.secret_key`.
    #[error("{what} cannot be opened: was security.secret_key changed?")]
    Sealed {
        /// Which value.
        what: String,
    },
    /// None of this process's keys opens what the processes before it sealed.
    #[error(
        "this process's security.secret_key differs from the one that the data in Redis was sealed with: give every process the same \
         (while one key replaces another, both: the new one first)"
    )]
    WrongKey,
    /// An account may have only so many API tokens.
    #[error("an account may have {limit} API tokens: revoke one first")]
    TooManyTokens {
        /// How many.
        limit: usize,
    },
    /// `redis.url`, `redis.namespace` or `security.secret_key` cannot be used.
    #[error("{0}")]
    Config(String),
    /// Redis refused for good: a wrong password, a wrong type, a fault in a script.
    #[error("Redis refused: {0}")]
    Refused(#[from] RedisError),
}

impl StoreError {
    /// May the same thing succeed later by itself?
    #[must_use]
    pub fn is_unavailable(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }

    /// A value that cannot be read; `why` must not quote secrets.
    pub fn corrupt(what: impl Into<String>, why: &(impl ToString + ?Sized)) -> Self {
        Self::Corrupt { what: what.into(), why: why.to_string() }
    }
}
