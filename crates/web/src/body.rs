//! Bodies of requests, read within bounds of size and time.
//!
//! A body that is too large is read to its end and thrown away, up to a second bound: a browser whose upload is cut off shows its own
//! error page and never reads our answer.

use std::time::Duration;

use actix_web::web::{BytesMut, Payload};
use futures::StreamExt as _;
use thiserror::Error;
use url::form_urlencoded;

/// The largest form or JSON text that is looked at, in bytes: thirty of the longest links.
pub(crate) const MAX_BODY_BYTES: usize = 256 * 1024;
/// The largest form of a stranger, in bytes: the longest link, encoded. Thousands may send one at the same time, slowly.
pub(crate) const MAX_STRANGER_BYTES: usize = 32 * 1024;
/// How much of a body that is too large is read before the connection is closed, in bytes.
const MAX_DRAINED_BYTES: usize = 64 * 1024 * 1024;
/// How long a body may take.
const MAX_TIME: Duration = Duration::from_secs(30);

/// Why there is no body to look at.
#[derive(Debug, Error, PartialEq, Eq)]
pub(crate) enum BodyFault {
    /// More than may be kept.
    #[error("the body is too large")]
    TooLarge,
    /// It did not end in time.
    #[error("the body took too long")]
    TooSlow,
    /// The connection broke off.
    #[error("the body broke off")]
    Broken,
}

/// The whole body, if it has no more than so many bytes.
pub(crate) async fn read(payload: Payload, most: usize) -> Result<Vec<u8>, BodyFault> {
    tokio::time::timeout(MAX_TIME, collect(payload, most)).await.unwrap_or(Err(BodyFault::TooSlow))
}

/// Lets a body that is of no use go by, so that whoever sends it hears the answer.
pub(crate) async fn skip(payload: Payload) {
    let _of_no_use = read(payload, 0).await;
}

async fn collect(mut payload: Payload, most: usize) -> Result<Vec<u8>, BodyFault> {
    let mut kept = BytesMut::new();
    let mut seen = 0_usize;
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|_| BodyFault::Broken)?;
        seen = seen.saturating_add(chunk.len());
        if seen > MAX_DRAINED_BYTES {
            return Err(BodyFault::TooLarge);
        }
        if seen <= most {
            kept.extend_from_slice(&chunk);
        } else {
            kept = BytesMut::new();
        }
    }
    if seen > most { Err(BodyFault::TooLarge) } else { Ok(kept.to_vec()) }
}

/// The fields of a form that was posted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Fields(Vec<(String, String)>);

impl Fields {
    /// Reads a form from a request's body.
    pub(crate) async fn read(payload: Payload, most: usize) -> Result<Self, BodyFault> {
        Ok(Self::parse(&read(payload, most).await?))
    }

    /// The fields of an encoded form. Never fails: what is not UTF-8 becomes a replacement character, and its parser refuses that later.
    pub(crate) fn parse(body: &[u8]) -> Self {
        Self(form_urlencoded::parse(body).into_owned().collect())
    }

    /// The first field of that name; empty when there is none.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(field, _)| field == name).map_or("", |(_, value)| value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_by_name() {
        let fields = Fields::parse(b"url=https%3A%2F%2Fa.example%2F%3Fb%3Dc+d&preset=&url=second&bad=%FF");
        assert_eq!(fields.get("url"), "https://a.example/?b=c d");
        assert_eq!(fields.get("preset"), "");
        assert_eq!(fields.get("folder"), "");
        assert_eq!(fields.get("bad"), "\u{FFFD}");
    }
}
