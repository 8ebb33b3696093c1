//! What an API token may do.

use std::{fmt, str::FromStr};

use thiserror::Error;

/// What whoever holds a token may do with its account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scope {
    /// See the jobs and hear of their changes; change nothing.
    Read,
    /// Send links, look behind them, steer and remove jobs; not see the list.
    Send,
    /// Both. What tokens were made for before there were scopes.
    #[default]
    All,
}

/// A text that names no scope.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("there is no such scope: write read, send or all")]
pub struct BadScope;

impl Scope {
    /// Every scope, the widest first.
    pub const EVERY: [Self; 3] = [Self::All, Self::Send, Self::Read];

    /// The word for it, on the command line, in forms and in the store.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Send => "send",
            Self::All => "all",
        }
    }

    /// May whoever holds this do what needs that?
    #[must_use]
    pub fn covers(self, needed: Self) -> bool {
        self == Self::All || self == needed
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Scope {
    type Err = BadScope;

    fn from_str(text: &str) -> Result<Self, BadScope> {
        Self::EVERY.into_iter().find(|scope| scope.as_str() == text).ok_or(BadScope)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_covers_itself_and_all_covers_each() {
        for scope in Scope::EVERY {
            assert_eq!(scope.as_str().parse(), Ok(scope));
            assert!(scope.covers(scope) && Scope::All.covers(scope));
        }
        assert!(
            !Scope::Read.covers(Scope::Send) && !Scope::Send.covers(Scope::Read) && !Scope::Read.covers(Scope::All)
        );
        assert_eq!("".parse::<Scope>(), Err(BadScope));
    }
}
