//! From a name to addresses: the system's own way, or another that a test brings.

use std::{io, net::IpAddr};

use async_trait::async_trait;

/// Whoever knows addresses. Every answer is judged anew.
#[async_trait]
pub trait Lookup: Send + Sync + 'static {
    /// The addresses of this name.
    ///
    /// # Errors
    /// As the system tells.
    async fn lookup(&self, name: &str) -> io::Result<Vec<IpAddr>>;
}

/// The system's resolver.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemLookup;

#[async_trait]
impl Lookup for SystemLookup {
    async fn lookup(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        Ok(tokio::net::lookup_host((name, 0)).await?.map(|address| address.ip()).collect())
    }
}
