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

use std::{path::PathBuf, sync::Arc};

use async_trait::async_trait;
use sluice_domain::{ByteSize, Failure, Plan};
use sluice_transfer::Gate;

use crate::{Extraction, Fetched, SourceError, Tools, home::Home, route::Route};
use budget::Budget;
use directory::FetchDirectory;
use download::Download;
use file::SpoolFile;
use order::Order;

/// Where the spool is, and how much it may hold.
#[derive(Debug, Clone)]
pub struct SpoolConfig {
    /// The directory; several processes may share it.
    pub dir: PathBuf,
    /// What all fetches of this process may take up together.
    pub bytes: ByteSize,
    /// The programs.
    pub tools: Tools,
}

/// The spool of this process. Clones share it; when the last one is gone, so are its files.
#[derive(Debug, Clone)]
pub struct Spool(Arc<Inner>);

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
    pub fn open(config: SpoolConfig) -> Result<Self, SourceError> {
        let (home, budget) = (Home::open(&config.dir)?, Budget::new(config.bytes.0));
        Ok(Self(Arc::new(Inner { home, budget, tools: config.tools })))
    }
}

#[async_trait]
impl Route for Spool {
    async fn fetch(&self, plan: &Plan, extraction: &Extraction, gate: &Gate) -> Result<Fetched, Failure> {
        let Inner { home, budget, tools } = &*self.0;
        let order = Order::new(plan, &extraction.json)?;
        let directory = FetchDirectory::make(home, budget.ticket())?;
        directory.expect(order.disk_needed(plan))?;
        let arrived =
            Download { tools, order: &order, directory: &directory, gate, file_limit: budget.total() }.run().await?;
        let proven = gate.guard(prove::prove(tools, &directory, plan, &order, extraction, arrived)).await?;
        gate.fetched(proven.bytes)?;
        let source = Box::new(SpoolFile::new(directory, self.clone(), proven.path, proven.bytes));
        Ok(Fetched { source, file_name: proven.file_name })
    }
}

#[cfg(test)]
mod tests;
