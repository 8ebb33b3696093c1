//! A client that dials what was judged, and nothing else.
//!
//! Each connection is one that [`Egress`] opened: to an address that it has just judged, or a tunnel through the proxy upstream. Redirects are never followed here:
//! the next hop is a request like any other, judged anew. It speaks HTTP/1.1 alone, so several requests are several connections, and what a slow reader leaves
//! waiting is held by the kernel.

mod connect;
mod pools;

use std::{error::Error as StdError, fmt, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use futures::future::BoxFuture;
use http_body_util::Empty;
use hyper::{
    Request, Uri,
    header::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderValue},
};
use hyper_util::client::legacy::Error as ClientError;
use reqwest::{Body, Response, ResponseBuilderExt as _};
use rustls::{ClientConfig, crypto::ring};
use rustls_platform_verifier::BuilderVerifierExt as _;
use thiserror::Error;
use url::Url;

use crate::{Egress, Refusal, limits::READ_BYTES};
use connect::Connector;
use pools::Pools;

/// Makes requests to what may be dialled, on a Tokio runtime. Clones share the connections.
#[derive(Clone)]
pub struct Guarded {
    egress: Egress,
    pools: Arc<Pools>,
}

/// Why there is no answer.
#[derive(Debug, Error)]
pub enum NoRequest {
    /// It is not visited.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// It cannot be asked for, there is no connection, or what came over it is no answer.
    #[error(transparent)]
    Broken(Box<dyn StdError + Send + Sync>),
}

/// There is no client, for there is no telling whom the system trusts.
#[derive(Debug, Error)]
#[error("cannot tell which certificates to trust: {0}")]
pub struct NoTrust(#[from] rustls::Error);

/// A request that may be made.
pub struct Asking {
    pools: Arc<Pools>,
    url: Url,
    headers: HeaderMap,
}

impl fmt::Debug for Guarded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guarded").field("egress", &self.egress).finish_non_exhaustive()
    }
}

impl fmt::Debug for Asking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Its headers may be somebody's secrets, and its URL one.
        f.debug_struct("Asking").field("host", &self.url.host_str()).finish_non_exhaustive()
    }
}

impl Guarded {
    /// One that trusts the authorities that the system trusts.
    ///
    /// # Errors
    /// When there is no telling whom the system trusts.
    pub fn new(egress: Egress) -> Result<Self, NoTrust> {
        Self::reading(egress, READ_BYTES)
    }

    /// The same, which reads so many bytes at once, 8 KiB at the least. More takes less of the processor's time; and each stream holds that many once or
    /// twice while its reader is slow.
    ///
    /// # Errors
    /// As [`Guarded::new`].
    pub fn reading(egress: Egress, bytes: usize) -> Result<Self, NoTrust> {
        let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_platform_verifier()?
            .with_no_client_auth();
        let pools = Arc::new(Pools::new(Connector::new(egress.clone(), tls), bytes));
        Ok(Self { egress, pools })
    }

    /// A GET of this. It ends before it begins when that is enough to see that it may not be visited.
    ///
    /// # Errors
    /// Why there is none.
    pub fn get(&self, url: Url) -> Result<Asking, NoRequest> {
        self.egress.judge_url(&url)?;
        Ok(Asking { pools: self.pools.clone(), url, headers: HeaderMap::new() })
    }
}

impl Asking {
    /// With these headers.
    #[must_use]
    pub fn headers(self, headers: HeaderMap) -> Self {
        Self { headers, ..self }
    }

    /// Makes it.
    ///
    /// # Errors
    /// Why there is no answer. What a site answers is none, whatever its status.
    pub fn send(self) -> BoxFuture<'static, Result<Response, NoRequest>> {
        // On the heap: whoever makes requests in the middle of much else has no room for all of this.
        Box::pin(self.answer())
    }

    async fn answer(self) -> Result<Response, NoRequest> {
        let Self { pools, url, mut headers } = self;
        if let Some(pass) = pass(&url) {
            headers.entry(AUTHORIZATION).or_insert(pass);
        }
        headers.entry(ACCEPT).or_insert(HeaderValue::from_static("*/*"));
        let mut request = Request::new(Empty::new());
        *request.uri_mut() = bare(&url).as_str().parse::<Uri>().map_err(|error| NoRequest::Broken(error.into()))?;
        *request.headers_mut() = headers;
        let (head, body) = pools.here().request(request).await.map_err(NoRequest::of)?.into_parts();
        let mut answer = http::Response::builder().url(url).status(head.status).version(head.version);
        if let Some(headers) = answer.headers_mut() {
            *headers = head.headers;
        }
        let answer = answer.body(Body::wrap(body)).map_err(|error| NoRequest::Broken(error.into()))?;
        Ok(answer.into())
    }
}

impl NoRequest {
    fn of(error: ClientError) -> Self {
        let mut cause: Option<&(dyn StdError + 'static)> = error.source();
        while let Some(error) = cause {
            if let Some(refusal) = error.downcast_ref::<Refusal>() {
                return refusal.clone().into();
            }
            cause = error.source();
        }
        Self::Broken(error.into())
    }
}

/// Without what is no part of a request's target.
fn bare(url: &Url) -> Url {
    let mut bare = url.clone();
    bare.set_fragment(None);
    // Only URLs that have no host refuse it.
    let _ = (bare.set_username(""), bare.set_password(None));
    bare
}

/// A name and a password in the URL, as HTTP has them (RFC 7617).
fn pass(url: &Url) -> Option<HeaderValue> {
    if url.username().is_empty() && url.password().is_none() {
        return None;
    }
    let decoded = |text: &str| percent_encoding::percent_decode_str(text).collect::<Vec<u8>>();
    let pair = [decoded(url.username()), b":".to_vec(), decoded(url.password().unwrap_or_default())].concat();
    let mut value = HeaderValue::try_from(format!("Basic {}", STANDARD.encode(pair))).ok()?;
    value.set_sensitive(true);
    Some(value)
}

#[cfg(test)]
mod tests;
