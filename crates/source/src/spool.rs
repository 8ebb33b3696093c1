//! The classic route: yt-dlp downloads into a private directory while the watchdog looks on; the finished file is the source.
//!
//! It takes the disk that it is allowed, serves every kind of plan, and proves what it got: yt-dlp's exit code is believed only when it is
//! bad.

mod budget;
mod directory;
mod download;
mod file;
mod measure;
mod order;
mod probe;
mod prove;
mod whole;

use std::{path::Path, sync::Arc};

use sluice_domain::{ByteSize, Failure, Plan, Route};
use sluice_transfer::Gate;

use crate::{Extraction, Fetched, SourceError, Tools, home::Home};
use budget::Budget;
use directory::FetchDirectory;
use download::Download;
use file::SpoolFile;
use order::Order;

/// The spool of this process. Clones share it; when the last one is gone, so are its files.
#[derive(Debug, Clone)]
pub(crate) struct Spool(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    home: Home,
    budget: Arc<Budget>,
    tools: Tools,
}

impl Spool {
    /// Opens the spool, and sweeps out what dead processes left there.
    ///
    /// # Errors
    /// When the directory cannot be made, locked or listed.
    pub(crate) fn open(dir: &Path, bytes: ByteSize, tools: Tools) -> Result<Self, SourceError> {
        let (home, budget) = (Home::open(dir)?, Budget::new(bytes.0));
        Ok(Self(Arc::new(Inner { home, budget, tools })))
    }

    /// Fetches the whole file.
    ///
    /// # Errors
    /// What went wrong, classified, or the gate's reason. Nothing is left behind then.
    pub(crate) async fn fetch(&self, plan: &Plan, extraction: &Extraction, gate: &Gate) -> Result<Fetched, Failure> {
        let Inner { home, budget, tools } = &*self.0;
        let order = Order::new(plan, &extraction.json)?;
        let directory = FetchDirectory::make(home, budget.ticket())?;
        directory.expect(order.disk_needed(plan))?;
        let arrived =
            Download { tools, order: &order, directory: &directory, gate, file_limit: budget.total() }.run().await?;
        let proven = gate.guard(prove::prove(tools, &directory, plan, &order, extraction, arrived)).await?;
        gate.fetched(proven.bytes)?;
        let source = Arc::new(SpoolFile::new(directory, self.clone(), proven.path, proven.bytes));
        Ok(Fetched { source, file_name: proven.file_name, route: Route::Spool })
    }
}

#[cfg(test)]
mod tests;
