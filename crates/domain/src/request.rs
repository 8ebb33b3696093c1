//! What a person asks for.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{BadPath, BadPreset, BadUrl, Folder, Preset, SourceUrl};

/// The longest idempotency key, in characters.
const MAX_KEY_CHARS: usize = 200;

/// What a person asks for, parsed once at the edge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobRequest {
    /// The link.
    pub url: SourceUrl,
    /// The quality.
    pub preset: Preset,
    /// The folder in the account.
    pub folder: Folder,
    /// A word chosen by the client: the same word from the same account names the same job.
    pub idempotency_key: Option<String>,
    /// Where it was asked.
    pub origin: Origin,
    /// Send it although the person has it already.
    pub force: bool,
}

/// Where a job was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// The form on the page.
    Page,
    /// The API, which the command line uses too.
    Api,
}

/// Why a request cannot be taken. The messages are shown to people.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum BadRequest {
    /// The link.
    #[error(transparent)]
    Url(#[from] BadUrl),
    /// The preset.
    #[error(transparent)]
    Preset(#[from] BadPreset),
    /// The folder.
    #[error(transparent)]
    Folder(#[from] BadPath),
    /// The idempotency key.
    #[error("An idempotency key has 1 to 200 printable ASCII characters.")]
    IdempotencyKey,
}

impl JobRequest {
    /// Parses the raw strings of a form or an API call. Empty and missing strings mean the default.
    ///
    /// # Errors
    /// The first part that does not parse.
    pub fn parse(
        url: &str,
        preset: Option<&str>,
        folder: Option<&str>,
        idempotency_key: Option<&str>,
        origin: Origin,
    ) -> Result<Self, BadRequest> {
        let given = |text: Option<&str>| text.map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
        let url = url.parse()?;
        let preset = given(preset).map(|text| text.parse()).transpose()?.unwrap_or_default();
        let folder = given(folder).map(|text| text.parse()).transpose()?.unwrap_or_default();
        let idempotency_key = idempotency_key.map(str::to_owned);
        if idempotency_key.as_ref().is_some_and(|key| {
            key.is_empty() || key.len() > MAX_KEY_CHARS || !key.bytes().all(|b| b.is_ascii_graphic())
        }) {
            return Err(BadRequest::IdempotencyKey);
        }
        Ok(Self { url, preset, folder, idempotency_key, origin, force: false })
    }

    /// The same request, to be carried out even when the person has the file already.
    #[must_use]
    pub fn forced(self, force: bool) -> Self {
        Self { force, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_parsed_once() {
        let parse = |preset, folder, key| JobRequest::parse("https://a.example/v", preset, folder, key, Origin::Api);
        let request = parse(None, Some(""), None).unwrap();
        assert_eq!((request.preset, request.folder), (Preset::Best, Folder::default()));
        assert_eq!(parse(Some("gif"), None, None), Err(BadPreset.into()));
        assert_eq!(parse(None, None, Some("")), Err(BadRequest::IdempotencyKey));
        assert!(parse(Some("iPhone"), Some("/Videos"), Some("k-1")).is_ok());
    }
}
