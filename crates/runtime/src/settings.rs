//! The settings as types. What a key means, and its default, is written once, in `config/default.toml`; the field names are the keys.
//!
//! Refuses to guess: an unknown key or a value that makes no sense is a [`Fault`], and all faults are told together.

mod checks;
mod layers;
mod network;
#[cfg(test)]
mod tests;
mod text;

use std::{fmt, net::SocketAddr, path::Path, path::PathBuf, time::Duration};

use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use sluice_domain::{AccountId, ByteSize, RateLimit};
use sluice_egress::{Exception, Policy, PortRange, Upstream};
use thiserror::Error;

pub use network::{BadNetwork, Network};

/// `config/default.toml`: every key with its default, commented.
pub const DEFAULTS: &str = include_str!("../../../config/default.toml");

/// Everything that can be set.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the sections say it themselves")]
pub struct Settings {
    pub server: Server,
    pub redis: Redis,
    pub dropbox: Dropbox,
    pub limits: Limits,
    pub worker: Worker,
    pub egress: Egress,
    pub security: Security,
    pub access: Access,
    pub tools: Tools,
    pub log: Log,
}

impl Settings {
    /// Reads all layers: the embedded defaults, then `config`, then the environment, then the files named by `..._FILE`.
    ///
    /// # Errors
    /// Every unknown key and every bad value, together.
    pub fn load(config: Option<&Path>) -> Result<Self, SettingsError> {
        Self::from_layers(&layers::Layers::from_system(config)?, false)
    }

    /// The same, for a process that serves: what such a process cannot do without must be set too.
    ///
    /// # Errors
    /// Every unknown key, every bad value and every missing one, together.
    pub fn load_for_server(config: Option<&Path>) -> Result<Self, SettingsError> {
        Self::from_layers(&layers::Layers::from_system(config)?, true)
    }

    /// The same, for the proxy that other processes go out through: it needs neither Redis nor a key.
    ///
    /// # Errors
    /// As [`Settings::load`], and when this proxy is to go out through another.
    pub fn load_for_proxy(config: Option<&Path>) -> Result<Self, SettingsError> {
        let settings = Self::load(config)?;
        let faults = checks::needed_to_be_a_proxy(&settings);
        if faults.is_empty() { Ok(settings) } else { Err(SettingsError { faults }) }
    }

    /// The same from texts: those of a settings file, and of variables that begin with `SLUICE__`.
    ///
    /// # Errors
    /// As [`Settings::load`].
    pub fn from_text(file: &str, environment: Vec<(String, String)>) -> Result<Self, SettingsError> {
        let file = Some(("settings".to_owned(), file.to_owned()));
        Self::from_layers(&layers::Layers { file, environment }, false)
    }

    fn from_layers(layers: &layers::Layers, serves: bool) -> Result<Self, SettingsError> {
        let (settings, mut faults) = layers.merge();
        if let Some(settings) = &settings {
            faults.extend(checks::sense(settings));
            if serves {
                faults.extend(checks::needed_to_serve(settings));
            }
        }
        match settings {
            Some(settings) if faults.is_empty() => Ok(settings),
            _ => Err(SettingsError { faults }),
        }
    }
}

/// The web server.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    /// Where it listens; port 0 takes a free one.
    pub bind: SocketAddr,
    /// Under which address people reach it, without a slash at the end; empty: use [`Server::public_url`].
    #[serde(deserialize_with = "text::http_url_or_empty")]
    pub public_url: String,
    /// The folder behind the practice Dropbox; empty: not in practice mode.
    pub practice_folder: String,
    /// Links that one web process looks at at once for previews; 0: none.
    pub previews: u32,
    /// Those whose word counts about where a request comes from.
    pub trusted_proxies: Vec<Network>,
    /// Connections of one web process that one address may hold; 0: as many as there are.
    pub connections_per_address: u32,
    /// Connections over which one web process gives files to devices at once; 0: none.
    pub streams: u32,
}

impl Server {
    /// Under which address people reach the server that listens on `bound`.
    #[must_use]
    pub fn public_url(&self, bound: SocketAddr) -> String {
        if self.public_url.is_empty() { format!("http://{bound}") } else { self.public_url.clone() }
    }
}

/// The only store.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Redis {
    /// `redis://`, `rediss://`, `redis+unix://`, `redis+sentinel://` or `redis+cluster://`; may hold a password.
    pub url: SecretString,
    /// First part of every key.
    pub namespace: String,
    /// Replicas that must have a link before it is acknowledged.
    pub replicas: u32,
}

/// The Dropbox app and where its API is.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dropbox {
    /// The app's public name in OAuth.
    pub app_key: String,
    /// Optional, thanks to PKCE: see [`Dropbox::app_secret`].
    pub app_secret: SecretString,
    /// Scheme and host of the RPC routes, without a slash at the end.
    #[serde(deserialize_with = "text::http_url")]
    pub api_url: String,
    /// Scheme and host of the content routes, without a slash at the end.
    #[serde(deserialize_with = "text::http_url")]
    pub content_url: String,
    /// The consent page.
    #[serde(deserialize_with = "text::http_url")]
    pub authorize_url: String,
    /// Where codes and refresh tokens are exchanged.
    #[serde(deserialize_with = "text::http_url")]
    pub token_url: String,
}

impl Dropbox {
    /// The app's secret, when there is one.
    #[must_use]
    pub fn app_secret(&self) -> Option<SecretString> {
        (!self.app_secret.expose_secret().is_empty()).then(|| self.app_secret.clone())
    }
}

/// The gate.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// The largest file that may land, in bytes.
    pub max_file_bytes: ByteSize,
    /// Jobs of one person that run at once.
    pub user_running: u32,
    /// Jobs of one person that wait.
    pub user_queued: u32,
    /// Connections over which the devices of one person take files at once.
    pub streams: u32,
    /// The longest time that a device may take nothing.
    #[serde(deserialize_with = "text::duration")]
    pub stream_idle: Duration,
    /// Items taken of one playlist, channel or feed.
    pub playlist_items: u32,
    /// The longest one attempt may take.
    #[serde(deserialize_with = "text::duration")]
    pub job_timeout: Duration,
    /// The longest time without a byte.
    #[serde(deserialize_with = "text::duration")]
    pub idle_timeout: Duration,
    /// The least that a site must send in a second, on an average minute, in bytes.
    pub least_rate: ByteSize,
    /// Attempts before a job has failed.
    pub attempts: u32,
    /// Finished jobs of one person that are kept.
    pub recents: u32,
    /// How long finished jobs are kept.
    #[serde(deserialize_with = "text::duration")]
    pub retention: Duration,
    /// Sign-ins begun or ended, and wrong API tokens, of one address.
    pub sign_in_rate: RateLimit,
    /// Forms of one person.
    pub form_rate: RateLimit,
    /// Looks at links of one person, on the page and through the API together.
    pub preview_rate: RateLimit,
    /// API calls of one person.
    pub api_rate: RateLimit,
}

impl Limits {
    /// What one job is judged by.
    #[must_use]
    pub fn domain(&self) -> sluice_domain::Limits {
        sluice_domain::Limits {
            max_file_bytes: self.max_file_bytes,
            job_timeout: self.job_timeout,
            idle_timeout: self.idle_timeout,
            least_rate: self.least_rate,
        }
    }
}

/// One worker process's budget.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Worker {
    /// Jobs at once.
    pub concurrency: u32,
    /// Links that are looked at at once.
    pub extractions: u32,
    /// Where whole files are kept for a while; never empty once loaded.
    #[serde(deserialize_with = "text::spool_dir")]
    pub spool_dir: PathBuf,
    /// The most that all files in the spool may take, in bytes.
    pub spool_bytes: ByteSize,
    /// The most memory that the buffers of all transfers may take, in bytes.
    pub buffer_bytes: ByteSize,
    /// How long jobs may go on after the word to stop.
    #[serde(deserialize_with = "text::duration")]
    pub drain: Duration,
    /// Where `/healthz` and `/readyz` answer, if anywhere.
    #[serde(deserialize_with = "text::address_or_empty")]
    pub health_bind: Option<SocketAddr>,
}

/// Which addresses may be dialled.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Egress {
    /// Exceptions to "no private addresses": networks or `host:port`.
    #[serde(deserialize_with = "text::rules")]
    pub allow: Vec<Exception>,
    /// The ports on which sites are visited.
    #[serde(deserialize_with = "text::rules")]
    pub ports: Vec<PortRange>,
    /// The proxy that everything goes out through, if there is one.
    #[serde(deserialize_with = "text::upstream_or_empty")]
    pub upstream_proxy: Option<Upstream>,
    /// Where `sluice egress-proxy` listens; port 0 takes a free one.
    pub proxy_bind: SocketAddr,
}

impl Egress {
    /// The rules, for whoever dials.
    #[must_use]
    pub fn policy(&self) -> Policy {
        Policy { allow: self.allow.clone(), ports: self.ports.clone() }
    }
}

/// Secrets of the installation.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Security {
    /// Seals tokens at rest.
    pub secret_key: SecretString,
}

/// Who may sign in, and who looks after the queue.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Access {
    /// The accounts that may sign in; empty: everyone.
    pub accounts: Vec<AccountId>,
    /// Those among them that may see and steer the whole queue; empty: nobody.
    pub operators: Vec<AccountId>,
}

impl Access {
    /// May this account sign in?
    #[must_use]
    pub fn admits(&self, account: &AccountId) -> bool {
        self.accounts.is_empty() || self.accounts.contains(account)
    }

    /// May this account see and steer the whole queue?
    #[must_use]
    pub fn operates(&self, account: &AccountId) -> bool {
        self.admits(account) && self.operators.contains(account)
    }
}

/// The programs that are run.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tools {
    /// yt-dlp.
    pub yt_dlp: String,
    /// The Python that yt-dlp is installed for.
    pub python: String,
    /// ffmpeg.
    pub ffmpeg: String,
    /// ffprobe.
    pub ffprobe: String,
    /// Folders with yt-dlp plugins.
    pub plugin_dirs: Vec<PathBuf>,
}

/// What is logged, and how.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// For whom.
    pub format: LogFormat,
    /// A level or tracing directives.
    #[serde(deserialize_with = "text::log_filter")]
    pub filter: String,
}

/// The shape of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines: one JSON object a line.
    Json,
}

/// One thing that is wrong in the settings, with where it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// `section.key`, or the file that cannot be read.
    pub key: String,
    /// Which layer it comes from, in words.
    pub origin: String,
    /// What is wrong and what would be right. Never the value of a secret.
    pub problem: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} ({})", self.key, self.problem, self.origin)
    }
}

/// Settings that cannot be used, with everything that is wrong in them.
#[derive(Debug, Error)]
pub struct SettingsError {
    /// At least one.
    pub faults: Vec<Fault>,
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the settings cannot be used:")?;
        for fault in &self.faults {
            write!(f, "\n  - {fault}")?;
        }
        Ok(())
    }
}
