//! How a plan is carried out: one module per route behind one trait.

use async_trait::async_trait;
use sluice_domain::{Failure, FileName, Plan, Route as RouteName};
use sluice_transfer::{Gate, Source};

use crate::{Extraction, Spool};

/// The bytes of a plan, ready to be read.
pub struct Fetched {
    /// Where they are read from. Dropping it removes whatever they take up here.
    pub source: Box<dyn Source>,
    /// The plan's name; with the real extension where the site did not say what it serves.
    pub file_name: FileName,
}

impl std::fmt::Debug for Fetched {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fetched").field("file_name", &self.file_name).field("length", &self.source.length()).finish()
    }
}

/// One way to carry a plan out.
#[async_trait]
pub(crate) trait Route: Send + Sync {
    /// As [`Routes::fetch`].
    async fn fetch(&self, plan: &Plan, extraction: &Extraction, gate: &Gate) -> Result<Fetched, Failure>;
}

/// Every route that there is.
#[derive(Debug, Clone)]
pub struct Routes {
    spool: Spool,
}

impl Routes {
    /// The routes of one process.
    #[must_use]
    pub fn new(spool: Spool) -> Self {
        Self { spool }
    }

    /// Opens the plan's bytes, by the route that the plan names. What is fetched meanwhile is reported to the gate; when the gate shuts,
    /// everything ends at once.
    ///
    /// # Errors
    /// What went wrong, classified, or the gate's reason. Nothing is left behind then.
    pub async fn fetch(&self, plan: &Plan, extraction: &Extraction, gate: &Gate) -> Result<Fetched, Failure> {
        let route: &dyn Route = match plan.route {
            // The spool serves every kind of plan.
            RouteName::Direct | RouteName::Interleave | RouteName::Pipe | RouteName::Spool => &self.spool,
        };
        route.fetch(plan, extraction, gate).await
    }
}
