//! Files that go straight to the device of whoever asks, while they are fetched: the same plans and sources as the way into a Dropbox, another
//! sink.
//!
//! A file is opened anew for every request, here or in another process: what is kept between them is what the site said of the link, in the
//! store. It refuses to hold anything of a file: a device that takes slowly slows the site down, and one that takes nothing is let go.

mod both;
mod giving;
mod head;
mod lapse;
mod no_file;
mod open;
mod range;

use std::{path::PathBuf, sync::Arc, time::Duration};

use sluice_domain::{ByteSize, Limits, Preset, SourceUrl};
use sluice_runtime::Settings;
use sluice_source::{Routes, RoutesConfig, SourceError, Tools};
use tokio::sync::{Mutex, Semaphore};

use crate::{preview::Lines, programs::Programs};
pub(crate) use both::Senders;
pub(crate) use giving::{Given, Torn, flow, give, let_go_of, start};
pub(crate) use head::{disposition, media_type};
pub(crate) use lapse::lapse_now_and_then;
pub(crate) use no_file::{NoFile, about_the_link};
pub(crate) use open::Opened;
pub(crate) use range::{Asked, asked};

/// Read at once from a site: as much as a device is given at once.
const READ_BYTES: usize = 64 * 1024;
/// Kept of a stream that passes once, until the device has it: it never asks for any of it again.
const WINDOW_BYTES: u64 = 512 * 1024;
/// Links that are looked at for devices at once in this process. Whoever waits has a place already, of which there are `server.streams`.
pub(crate) const LOOKS: usize = 4;

/// What a device wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wish {
    pub(crate) url: SourceUrl,
    /// Which item behind the link.
    pub(crate) item: Option<u32>,
    pub(crate) preset: Preset,
    /// To be looked at while it comes.
    pub(crate) play: bool,
    /// Byte for byte as it is sent to a Dropbox.
    pub(crate) as_sent: bool,
}

/// Gives files to devices.
pub(crate) struct Saves {
    /// `None`: this server gives none.
    programs: Option<Arc<Programs>>,
    /// Opened with the first file: it takes a folder.
    routes: Mutex<Option<Routes>>,
    spool_dir: PathBuf,
    spool_bytes: ByteSize,
    buffer_bytes: ByteSize,
    lines: Lines,
    places: Arc<Semaphore>,
    most: usize,
    limits: Limits,
    /// How long a device may take nothing.
    pub(crate) idle: Duration,
}

impl Saves {
    pub(crate) fn new(settings: &Settings, programs: &Arc<Programs>) -> Self {
        let most = settings.server.streams as usize;
        Self {
            programs: (most > 0).then(|| programs.clone()),
            routes: Mutex::default(),
            spool_dir: settings.worker.spool_dir.clone(),
            spool_bytes: settings.worker.spool_bytes,
            buffer_bytes: settings.worker.buffer_bytes,
            lines: Lines::new(LOOKS, most),
            places: Arc::new(Semaphore::new(most)),
            most,
            limits: settings.limits.domain(),
            idle: settings.limits.stream_idle,
        }
    }

    /// How many files this process gives just now.
    pub(crate) fn under_way(&self) -> usize {
        self.most.saturating_sub(self.places.available_permits())
    }

    /// How long one file may take.
    pub(crate) fn job_timeout(&self) -> Duration {
        self.limits.job_timeout
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    async fn routes(&self, tools: Tools) -> Result<Routes, SourceError> {
        let mut opened = self.routes.lock().await;
        if let Some(routes) = &*opened {
            return Ok(routes.clone());
        }
        let routes = Routes::open(RoutesConfig {
            spool_dir: self.spool_dir.clone(),
            spool_bytes: self.spool_bytes,
            buffer_bytes: self.buffer_bytes,
            window_bytes: WINDOW_BYTES,
            read_bytes: READ_BYTES,
            tools,
        })?;
        Ok(opened.insert(routes).clone())
    }

    /// Gives the folder back. Whoever still holds a connection when the process ends would keep it.
    pub(crate) async fn close(&self) {
        *self.routes.lock().await = None;
    }
}
