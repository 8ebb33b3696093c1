//! The site's side of TLS. HTTP/1.1 only: each download has a connection of its own, as at the sites that slow connections down.

use std::sync::Arc;

use anyhow::Result;
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};
use tokio_rustls::TlsAcceptor;

use crate::authority::Authority;

/// Shows the certificate of `authority`.
pub(super) fn acceptor(authority: &Authority) -> Result<TlsAcceptor> {
    let chain = CertificateDer::pem_file_iter(authority.certificate())?.collect::<Result<Vec<_>, _>>()?;
    let key = PrivateKeyDer::from_pem_file(authority.key())?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}
