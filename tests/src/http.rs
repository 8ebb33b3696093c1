//! The HTTP client of the tests: plain, impatient, never reading more than it is told to.

use std::{sync::Once, time::Duration};

use anyhow::{Result, ensure};
use reqwest::{Certificate, Client, ClientBuilder, Response, redirect::Policy};

use crate::authority::Authority;

/// A client that follows no redirect and gives up after a minute.
pub fn client() -> Result<Client> {
    Ok(builder().build()?)
}

/// The same, which trusts `authority` and nobody else.
pub fn client_trusting(authority: &Authority) -> Result<Client> {
    let root = Certificate::from_pem(&std::fs::read(authority.root())?)?;
    Ok(builder().tls_certs_only([root]).build()?)
}

fn builder() -> ClientBuilder {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| {
        // An error says that another part of the test has installed one already.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
    Client::builder().redirect(Policy::none()).connect_timeout(Duration::from_secs(5)).timeout(Duration::from_secs(60))
}

/// The whole body, which must not be longer than `limit` bytes; an error when the connection ends too early.
pub async fn body(mut response: Response, limit: usize) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        ensure!(bytes.len() + chunk.len() <= limit, "the body is longer than {limit} bytes");
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}
