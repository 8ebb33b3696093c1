//! The bytes of one answer, counted.

use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use reqwest::Response;
use tokio::time::timeout;
use url::Url;

use super::trouble::{Trouble, causes, host};

/// A smaller chunk is copied out of the buffer that it came in, in bytes.
///
/// A chunk keeps the client's whole read buffer alive for as long as anybody holds it, and a TLS record or what a slow line brought fills a
/// small part of that: of a hundred streams, two thirds of the memory were such buffers.
const SMALL: usize = 32 * 1024;

/// How the end of an answer is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// So many bytes, and whatever follows is not looked at.
    After(u64),
    /// The last chunk says so.
    Told,
    /// The connection closes, which may mean anything.
    Unproven,
}

impl Ending {
    /// Of a whole file.
    pub(super) fn of(response: &Response) -> Self {
        let headers = response.headers();
        let said = |name| headers.get(name).and_then(|value| value.to_str().ok());
        match said(TRANSFER_ENCODING) {
            Some(coding) if coding.trim().eq_ignore_ascii_case("chunked") => Self::Told,
            Some(_) => Self::Unproven,
            None => {
                said(CONTENT_LENGTH).and_then(|length| length.trim().parse().ok()).map_or(Self::Unproven, Self::After)
            }
        }
    }
}

/// An answer that is being read.
pub(super) struct Body {
    response: Response,
    ending: Ending,
}

impl Body {
    pub(super) fn new(response: Response, ending: Ending) -> Self {
        Self { response, ending }
    }

    pub(super) fn ending(&self) -> Ending {
        self.ending
    }

    /// Where it came from, after all redirects.
    pub(super) fn url(&self) -> &Url {
        self.response.url()
    }

    /// The next bytes, within `patience`; `None` at the end.
    pub(super) async fn next(&mut self, patience: Duration) -> Result<Option<Bytes>, Trouble> {
        if self.ending == Ending::After(0) {
            return Ok(None);
        }
        let chunk = timeout(patience, self.response.chunk()).await;
        let url = self.response.url();
        let chunk = chunk.map_err(|_| Trouble::broken(format!("{}: no byte in time", host(url))))?;
        match (chunk.map_err(|error| Trouble::broken(format!("{}: {}", host(url), causes(&error))))?, &mut self.ending)
        {
            (Some(mut bytes), Ending::After(left)) => {
                bytes.truncate(usize::try_from(*left).unwrap_or(usize::MAX));
                *left -= bytes.len() as u64;
                Ok(Some(by_itself(bytes)))
            }
            (Some(bytes), _) => Ok(Some(by_itself(bytes))),
            (None, Ending::After(left)) => Err(Trouble::broken(format!("{}: {left} bytes are missing", host(url)))),
            (None, _) => Ok(None),
        }
    }
}

/// The same bytes, with little else kept alive.
fn by_itself(bytes: Bytes) -> Bytes {
    if bytes.len() < SMALL { Bytes::copy_from_slice(&bytes) } else { bytes }
}
