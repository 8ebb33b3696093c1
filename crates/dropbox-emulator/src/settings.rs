//! What the emulator is started with, already validated, and the switches for what Dropbox leaves undocumented.
//!
//! Refuses to read flags or the environment itself: `main` does that and hands over a [`Settings`].

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::error::Error;
pub use crate::wire::pace::Throttle;

/// Everything [`crate::Emulator::build`] needs.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The folder behind the accounts: `<folder>/<account name>/...`, with the emulator's own records in `<folder>/.emulator`.
    pub folder: PathBuf,
    /// The address to listen on; port 0 picks a free one.
    pub bind: SocketAddr,
    /// Certificate chain and key, both PEM files. Plain HTTP without them.
    pub tls: Option<TlsFiles>,
    /// The apps that may ask for access. Empty: every app key is accepted.
    pub apps: Vec<App>,
    /// Names of the accounts, at least one.
    pub accounts: Vec<String>,
    /// Space of a new account, in bytes.
    pub quota: u64,
    /// How to behave where Dropbox is undocumented.
    pub switches: Switches,
    /// How slow the line is from the start.
    pub throttle: Throttle,
    /// Skip the consent page: the first account agrees to everything at once.
    pub auto_approve: bool,
}

/// Where the TLS certificate is.
#[derive(Debug, Clone)]
pub struct TlsFiles {
    /// PEM file with the certificate chain, leaf first.
    pub cert: PathBuf,
    /// PEM file with the private key.
    pub key: PathBuf,
}

/// An app registered with the emulator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct App {
    /// The app key (`client_id`).
    pub key: String,
    /// The app secret. `None`: any secret is taken.
    pub secret: Option<String>,
}

impl App {
    /// Reads `KEY` or `KEY:SECRET`.
    ///
    /// # Errors
    /// When the key or the secret is empty.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let (key, secret) = match text.split_once(':') {
            Some((key, secret)) => (key, Some(secret.to_owned())),
            None => (text, None),
        };
        if key.is_empty() || secret.as_deref() == Some("") {
            return Err(Error::Setting(format!("app key {text:?}: write KEY or KEY:SECRET")));
        }
        Ok(Self { key: key.to_owned(), secret })
    }
}

/// Behaviour that Dropbox does not document, or that changed over the years. The default is the first value named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Switches {
    /// Second `finish` of a committed session: `not_found`, `closed`, `idempotent` (the same answer again).
    pub finish_again: FinishAgain,
    /// Repeat of an append that closed the session: `closed`, `incorrect_offset`.
    pub reclose: Reclose,
    /// The bytes of an append whose connection broke: `discard`, `keep`.
    pub partial_append: PartialAppend,
    /// Names beyond Unicode's first plane (emoji): `accept`, `malformed_path`.
    pub non_bmp: NonBmp,
    /// First number that `autorename` tries: `1`, `2`.
    pub autorename_first: AutorenameFirst,
    /// Raw UTF-8 in the `Dropbox-API-Arg` header: `accept`, `400`.
    pub raw_utf8_header: RawUtf8Header,
    /// An answer before the body was read, over HTTP/1.1: `drain` the body first, or `abrupt`.
    pub early_answer: EarlyAnswer,
    /// A range outside the file: `416`, `409`.
    pub range_error: RangeError,
    /// Life of an upload session in days: `7`, `2`.
    pub session_days: SessionDays,
}

macro_rules! switch {
    ($name:ident: $default:ident = $default_text:literal, $($other:ident = $text:literal),+) => {
        #[doc = concat!("Values of one of the [`Switches`]; the default is `", $default_text, "`.")]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
        pub enum $name {
            #[doc = concat!("`", $default_text, "`")]
            #[default]
            #[serde(rename = $default_text)]
            $default,
            $(
                #[doc = concat!("`", $text, "`")]
                #[serde(rename = $text)]
                $other,
            )+
        }
    };
}

switch!(FinishAgain: NotFound = "not_found", Closed = "closed", Idempotent = "idempotent");
switch!(Reclose: Closed = "closed", IncorrectOffset = "incorrect_offset");
switch!(PartialAppend: Discard = "discard", Keep = "keep");
switch!(NonBmp: Accept = "accept", MalformedPath = "malformed_path");
switch!(AutorenameFirst: One = "1", Two = "2");
switch!(RawUtf8Header: Accept = "accept", Refuse = "400");
switch!(EarlyAnswer: Drain = "drain", Abrupt = "abrupt");
switch!(RangeError: Status416 = "416", Status409 = "409");
switch!(SessionDays: Seven = "7", Two = "2");

impl Switches {
    /// Sets one switch from `name=value`.
    ///
    /// # Errors
    /// When there is no such switch, or it has no such value.
    pub fn set(&mut self, assignment: &str) -> Result<(), Error> {
        let wrong = |why: String| Error::Setting(format!("switch {assignment:?}: {why}"));
        let (name, value) = assignment.split_once('=').ok_or_else(|| wrong("write name=value".into()))?;
        let mut all = serde_json::to_value(*self).map_err(|e| wrong(e.to_string()))?;
        let Some(slot) = all.get_mut(name) else { return Err(wrong("there is no such switch".into())) };
        *slot = value.into();
        *self = serde_json::from_value(all).map_err(|e| wrong(e.to_string()))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(assignment: &str, works: bool) {
        let mut switches = Switches::default();
        assert_eq!(switches.set(assignment).is_ok(), works, "{assignment}");
        assert_eq!(switches != Switches::default(), works, "{assignment}");
    }

    #[test]
    fn switches_are_set_by_name() {
        check("finish_again=closed", true);
        check("finish_again=idempotent", true);
        check("autorename_first=2", true);
        check("range_error=409", true);
        check("session_days=2", true);
        check("session_days=3", false);
        check("no_such=1", false);
        check("finish_again", false);
    }

    #[test]
    fn apps_are_key_or_key_and_secret() {
        assert_eq!(App::parse("K").unwrap(), App { key: "K".into(), secret: None });
        assert_eq!(App::parse("K:S").unwrap(), App { key: "K".into(), secret: Some("S".into()) });
        assert!(App::parse("").is_err());
        assert!(App::parse("K:").is_err());
    }
}
