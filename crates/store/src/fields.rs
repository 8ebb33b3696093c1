//! Hashes as they come from Redis, read field by field. A field that is missing or unreadable is an error that names it, never a default.

use std::{collections::HashMap, fmt::Display, str::FromStr};

use jiff::Timestamp;

use crate::StoreError;

/// The fields of one hash and the name of what it holds, for errors.
pub struct Fields {
    what: String,
    fields: HashMap<String, String>,
}

impl Fields {
    /// The fields of `what`.
    pub fn new(what: impl Into<String>, fields: HashMap<String, String>) -> Self {
        Self { what: what.into(), fields }
    }

    /// Is there nothing at all?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// A field that may be missing; an empty one counts as missing.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.fields.get(name).map(String::as_str).filter(|text| !text.is_empty())
    }

    /// A field that must be there.
    ///
    /// # Errors
    /// When it is missing.
    pub fn required(&self, name: &str) -> Result<&str, StoreError> {
        self.text(name).ok_or_else(|| self.corrupt(name, "missing"))
    }

    /// A field that is parsed when it is there.
    ///
    /// # Errors
    /// When it does not parse.
    pub fn parse<T: FromStr<Err: Display>>(&self, name: &str) -> Result<Option<T>, StoreError> {
        self.text(name).map(|text| text.parse().map_err(|error: T::Err| self.corrupt(name, &error))).transpose()
    }

    /// A field that must be there and parse.
    ///
    /// # Errors
    /// When it is missing or does not parse.
    pub fn parse_required<T: FromStr<Err: Display>>(&self, name: &str) -> Result<T, StoreError> {
        self.parse(name)?.ok_or_else(|| self.corrupt(name, "missing"))
    }

    /// A field that holds JSON, when it is there.
    ///
    /// # Errors
    /// When it does not parse.
    pub fn json<T: serde::de::DeserializeOwned>(&self, name: &str) -> Result<Option<T>, StoreError> {
        self.text(name).map(|text| serde_json::from_str(text).map_err(|error| self.corrupt(name, &error))).transpose()
    }

    /// A field that holds milliseconds since 1970, when it is there.
    ///
    /// # Errors
    /// When it is no such time.
    pub fn time(&self, name: &str) -> Result<Option<Timestamp>, StoreError> {
        let time = |ms: i64| Timestamp::from_millisecond(ms).map_err(|error| self.corrupt(name, &error));
        self.parse::<i64>(name)?.map(time).transpose()
    }

    /// A time that must be there.
    ///
    /// # Errors
    /// When it is missing or no time.
    pub fn time_required(&self, name: &str) -> Result<Timestamp, StoreError> {
        self.time(name)?.ok_or_else(|| self.corrupt(name, "missing"))
    }

    fn corrupt(&self, name: &str, why: &(impl ToString + ?Sized)) -> StoreError {
        StoreError::corrupt(format!("{}, field {name}", self.what), why)
    }
}
