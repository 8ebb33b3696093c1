//! Pictures of other sites, fetched here so that a browser never visits those sites: no hot link, no trace left there by the person.
//!
//! Bounded in size, time, number and kind. It follows few redirects, each of which is judged like the address itself, sends no cookies and no referrer.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::StreamExt as _;
use reqwest::{Response, header::LOCATION};
use sluice_egress::{Egress, Guarded, NoTrust};
use tokio::sync::Semaphore;
use url::Url;

/// The largest picture, in bytes.
const MAX_BYTES: usize = 2 * 1024 * 1024;
/// How long one may take.
const MAX_TIME: Duration = Duration::from_secs(10);
/// How many are fetched at once.
const MAX_AT_ONCE: usize = 16;
const MAX_REDIRECTS: usize = 3;
/// Pictures without code in them: SVG stays out.
const TYPES: [&str; 5] = ["image/jpeg", "image/png", "image/webp", "image/gif", "image/avif"];

/// A picture.
#[derive(Debug, Clone)]
pub(crate) struct Picture {
    pub(crate) media_type: &'static str,
    pub(crate) content: Bytes,
}

/// Fetches pictures.
#[derive(Debug)]
pub(crate) struct Thumbnails {
    client: Guarded,
    turns: Semaphore,
}

impl Thumbnails {
    /// A fetcher.
    pub(crate) fn new(egress: Egress) -> Result<Self, NoTrust> {
        Ok(Self { client: Guarded::new(egress)?, turns: Semaphore::new(MAX_AT_ONCE) })
    }

    /// The picture at that address; `None` when there is none that may be shown.
    pub(crate) async fn fetch(&self, address: &str) -> Option<Picture> {
        let address = Url::parse(address).ok()?;
        tokio::time::timeout(MAX_TIME, async {
            let _turn = self.turns.acquire().await.ok()?;
            let answer = self.follow(address).await?.error_for_status().ok()?;
            let media_type = media_type(answer.headers().get("content-type")?.to_str().ok()?)?;
            if !answer.status().is_success() || answer.content_length().is_some_and(|length| length > MAX_BYTES as u64)
            {
                return None;
            }
            let mut content = BytesMut::new();
            let mut chunks = answer.bytes_stream();
            while let Some(chunk) = chunks.next().await {
                let chunk = chunk.ok()?;
                if content.len() + chunk.len() > MAX_BYTES {
                    return None;
                }
                content.extend_from_slice(&chunk);
            }
            Some(Picture { media_type, content: content.freeze() })
        })
        .await
        .ok()
        .flatten()
    }

    async fn follow(&self, mut at: Url) -> Option<Response> {
        for _ in 0..=MAX_REDIRECTS {
            let answer = self.client.get(at.clone()).ok()?.send().await.ok()?;
            if !answer.status().is_redirection() {
                return Some(answer);
            }
            at = at.join(answer.headers().get(LOCATION)?.to_str().ok()?).ok()?;
        }
        None
    }
}

/// The type as we say it, if it is one that may be shown.
fn media_type(said: &str) -> Option<&'static str> {
    let said = said.split(';').next().unwrap_or_default().trim();
    TYPES.into_iter().find(|known| known.eq_ignore_ascii_case(said))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pictures_are_shown() {
        assert_eq!(media_type("Image/JPEG; charset=x"), Some("image/jpeg"));
        for other in ["image/svg+xml", "text/html", "", "image/"] {
            assert_eq!(media_type(other), None, "{other:?}");
        }
    }
}
