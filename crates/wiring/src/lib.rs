//! From settings to the parts that several processes share.
//!
//! The web server, the workers and the command line meet in Redis: what one of them reads differently from the settings than another does
//! is a fault that shows only in production. So it is read here, once. What is a matter of one process (its patience, its timeouts) is
//! an argument. Nothing here connects, waits or is kept.

pub mod attempt;
mod figures;
mod link;
mod pauses;
mod plans;

use std::{io, sync::Arc, time::Duration};

use sluice_dropbox::{Dropbox, DropboxConfig, DropboxError, Tuning};
use sluice_egress::{Egress, Gateway};
use sluice_queue::{Queue, QueueConfig};
use sluice_runtime::Settings;
use sluice_source::{SourceError, Tools, ToolsConfig};
use sluice_store::{Store, StoreConfig};

pub use figures::egress_figures;
pub use link::Link;
pub use plans::{keep, keep_for_saves, kept, kept_for_saves};

use pauses::SharedPauses;

/// The proxy that other processes go out through: named here for the command line, which judges nothing itself.
pub use sluice_egress::Gateway as EgressProxy;
/// What an operator sees of the queue that [`queue`] gives: named here for programs that need no more of it.
pub use sluice_queue::{Overview, WorkerSeen};
/// What the kernel holds the foreign programs to: named here for programs that start none.
pub use sluice_source::Containment;

/// What the store needs to know; `patience` is how long this process waits out an outage of Redis.
#[must_use]
pub fn store_config(settings: &Settings, patience: Duration) -> StoreConfig {
    StoreConfig {
        url: settings.redis.url.clone(),
        namespace: settings.redis.namespace.clone(),
        secret_key: settings.security.secret_key.clone(),
        patience,
    }
}

/// The queue in this store.
#[must_use]
pub fn queue(settings: &Settings, store: Store) -> Queue {
    let limits = &settings.limits;
    let config = QueueConfig {
        user_running: limits.user_running,
        user_queued: limits.user_queued,
        recents: limits.recents,
        retention: limits.retention,
        attempts: limits.attempts,
        replicas: settings.redis.replicas,
        streams: limits.streams,
        ..QueueConfig::default()
    };
    Queue::new(store, config)
}

/// The Dropbox client; the pauses that Dropbox asks for are shared with every other process through the store.
///
/// # Errors
/// When the settings or the tuning cannot be used.
pub fn dropbox(settings: &Settings, tuning: Tuning, store: Store) -> Result<Dropbox, DropboxError> {
    let dropbox = &settings.dropbox;
    let config = DropboxConfig {
        app_key: dropbox.app_key.clone(),
        app_secret: dropbox.app_secret(),
        api_url: dropbox.api_url.clone(),
        content_url: dropbox.content_url.clone(),
        authorize_url: dropbox.authorize_url.clone(),
        token_url: dropbox.token_url.clone(),
        proxy: settings.egress.upstream_proxy.as_ref().map(ToString::to_string),
    };
    Dropbox::new(config, tuning, Arc::new(SharedPauses(store)))
}

/// Who judges what this process and its programs dial: one for a process, so that its figures are those of the process.
#[must_use]
pub fn egress(settings: &Settings) -> Egress {
    Egress::through(settings.egress.upstream_proxy.clone(), settings.egress.policy())
}

/// The proxy that other processes go out through, listening.
///
/// # Errors
/// When it cannot listen where the settings say.
pub async fn egress_proxy(settings: &Settings) -> io::Result<EgressProxy> {
    let egress = egress(settings);
    let figures = egress.clone();
    Gateway::bind(settings.egress.proxy_bind, egress, move || egress_figures(&figures)).await
}

/// Does the proxy that this process goes out through answer? `None` where there is none.
pub async fn upstream_answers(settings: &Settings) -> Option<io::Result<()>> {
    Some(settings.egress.upstream_proxy.as_ref()?.answers().await)
}

/// The foreign programs; how long and how often they run at once is a matter of each process.
#[must_use]
pub fn tools(settings: &Settings, egress: &Egress) -> ToolsConfig {
    let tools = &settings.tools;
    ToolsConfig {
        yt_dlp: tools.yt_dlp.clone(),
        python: tools.python.clone(),
        ffmpeg: tools.ffmpeg.clone(),
        ffprobe: tools.ffprobe.clone(),
        plugin_dirs: tools.plugin_dirs.clone(),
        egress: egress.clone(),
        ..ToolsConfig::default()
    }
}

/// What the kernel of this machine holds the foreign programs to. It starts each of them once, for their version.
///
/// # Errors
/// When one is missing or does not run.
pub async fn containment(settings: &Settings) -> Result<Option<Containment>, SourceError> {
    let tools = Tools::find(tools(settings, &egress(settings)))?;
    tools.try_out().await?;
    Ok(tools.containment().await)
}

/// What this process is called for operators: the host's name and the process id.
#[must_use]
pub fn process_name() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    format!("{}-{}", host.trim(), std::process::id())
}
