//! The classic route: yt-dlp downloads into a private directory while the watchdog looks on; the finished file is the source.
//!
//! It takes the disk that it is allowed, serves every kind of plan, and proves what it got: yt-dlp's exit code is believed only when it is
//! bad. Nothing goes on in the middle of a file without proof that it is the same: a file as the site has it is fetched by ourselves where we
//! can, and yt-dlp begins again whatever breaks off.

mod budget;
mod directory;
mod download;
mod file;
mod measure;
mod order;
mod own;
mod pack;
mod probe;
mod prove;
mod whole;

use std::{path::Path, sync::Arc};

use sluice_domain::{ByteSize, Failure, Plan, Route};
use sluice_transfer::{Gate, Source};

use crate::{Extraction, Fetched, SourceError, Tools, home::Home, labels::Labels};
use budget::Budget;
use directory::FetchDirectory;
use download::Download;
use file::SpoolFile;
use order::Order;
use pack::Pack;

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

    /// Fetches the whole file. `own` is the plan's one file as our own fetching would give it, where that can go on after a cut. `labels` go
    /// with a sound.
    ///
    /// # Errors
    /// What went wrong, classified, or the gate's reason. Nothing is left behind then.
    pub(crate) async fn fetch(
        &self,
        plan: &Plan,
        extraction: &Extraction,
        own: Option<Arc<dyn Source>>,
        labels: &Labels,
        gate: &Gate,
    ) -> Result<Fetched, Failure> {
        let Inner { home, budget, tools } = &*self.0;
        let order = Order::new(plan, &extraction.json)?;
        let directory = FetchDirectory::make(home, budget.ticket())?;
        directory.expect(order.disk_needed(plan))?;
        let download = Download { tools, order: &order, directory: &directory, gate, file_limit: budget.total() };
        let arrived = match own {
            Some(file) if order.one_file => {
                let first =
                    extraction.info.formats.iter().find(|format| Some(&format.format_id) == plan.formats.first());
                let extension = first.map_or("", |format| &format.ext);
                own::fetch(file, &order, extension, &directory, gate).await?
            }
            _ => download.run().await?,
        };
        let arrived = if plan.sound_only {
            prove::prove_raw(&order, &arrived)?;
            let pack = Pack { tools, directory: &directory, gate, file_limit: budget.total() };
            gate.guard(pack.sound(arrived, plan, labels)).await?
        } else {
            arrived
        };
        let proven = gate.guard(prove::prove(tools, &directory, plan, &order, extraction, arrived)).await?;
        gate.fetched(proven.bytes)?;
        let source = Arc::new(SpoolFile::new(directory, self.clone(), proven.path, proven.bytes));
        Ok(Fetched { source, file_name: proven.file_name, route: Route::Spool })
    }
}

#[cfg(test)]
mod tests;
