//! A certificate authority for one test, and a certificate for Dropbox's host names and this machine.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose};

const NAMES: [&str; 6] = [
    "api.dropboxapi.com",
    "content.dropboxapi.com",
    "notify.dropboxapi.com",
    "www.dropbox.com",
    "localhost",
    "127.0.0.1",
];

/// The files of an authority in a directory.
#[derive(Debug, Clone)]
pub struct Authority(PathBuf);

impl Authority {
    /// Makes one; what was in `directory` under the same names is replaced.
    pub fn make(directory: &Path) -> Result<Self> {
        let authority = Self(directory.to_owned());
        let mut root = CertificateParams::default();
        root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        root.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        root.distinguished_name.push(DnType::CommonName, "Sluice test authority");
        let issuer = CertifiedIssuer::self_signed(root, KeyPair::generate()?)?;
        let mut leaf = CertificateParams::new(NAMES.map(str::to_owned))?;
        leaf.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate()?;
        let certificate = leaf.signed_by(&key, &issuer)?;
        std::fs::write(authority.root(), issuer.pem())?;
        std::fs::write(authority.certificate(), certificate.pem())?;
        std::fs::write(authority.key(), key.serialize_pem()).context("the key cannot be written")?;
        Ok(authority)
    }

    /// What clients must trust.
    pub fn root(&self) -> PathBuf {
        self.0.join("root.pem")
    }

    /// What servers show.
    pub fn certificate(&self) -> PathBuf {
        self.0.join("certificate.pem")
    }

    /// The key of what servers show.
    pub fn key(&self) -> PathBuf {
        self.0.join("key.pem")
    }

    /// The emulator's flags for TLS.
    pub fn flags(&self) -> Vec<String> {
        let text = |path: PathBuf| path.to_string_lossy().into_owned();
        vec!["--tls-cert".into(), text(self.certificate()), "--tls-key".into(), text(self.key())]
    }
}
