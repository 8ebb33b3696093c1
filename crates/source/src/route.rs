//! How a plan is carried out: by its route, or by the next safer one where the bytes turn out to be of another kind.

use std::sync::Arc;

use sluice_domain::{Failure, FailureKind, FileName, Format, Plan, Route, plan::Container};
use sluice_mux::{Hint, Layout};
use sluice_transfer::{Access, Gate, Rewind, Source, Watched};

use crate::{
    Extraction, Renew, Spool,
    http::{Media, OpenError, Web},
    interleave::{Inputs, Interleaved, Refused},
    pipe::Pipe,
};

/// The bytes of a plan, ready to be read.
pub struct Fetched {
    /// Where they are read from. Dropping it ends and removes whatever it takes up here.
    pub source: Arc<dyn Source>,
    /// The plan's name; with the real extension where the site did not say what it serves.
    pub file_name: FileName,
    /// The route that was taken in the end.
    pub route: Route,
}

impl std::fmt::Debug for Fetched {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Fetched")
            .field("file_name", &self.file_name)
            .field("route", &self.route)
            .field("length", &self.source.length())
            .finish_non_exhaustive()
    }
}

/// Every route that there is.
#[derive(Clone)]
pub struct Routes {
    web: Web,
    pipe: Pipe,
    spool: Spool,
}

/// One plan on its way.
struct Fetch<'a> {
    plan: &'a Plan,
    extraction: &'a Extraction,
    media: Arc<Media>,
    gate: &'a Gate,
}

/// Why a route is not taken, so that the next one is.
type Detour = String;

impl Routes {
    /// The routes of one process.
    ///
    /// # Errors
    /// When the client for the web cannot be made.
    pub fn new(spool: Spool, tools: Tools, buffers: BufferBudget) -> Result<Self, SourceError> {
        Ok(Self { web: Web::new()?, pipe: Pipe::new(tools, buffers), spool })
    }

    /// Opens the plan's bytes, by the route that the plan names or, where that cannot serve, by the next safer one. What is fetched is
    /// reported to the gate; when the gate shuts, everything ends at once. `renew` is asked when the addresses expire on the way.
    ///
    /// # Errors
    /// What went wrong, classified, or the gate's reason. Nothing is left behind then.
    pub async fn fetch(
        &self,
        plan: &Plan,
        extraction: &Extraction,
        renew: Arc<dyn Renew>,
        gate: &Gate,
    ) -> Result<Fetched, Failure> {
        let fetch = Fetch { plan, extraction, media: Arc::new(Media::new(extraction, renew)), gate };
        let mut route = plan.route;
        loop {
            let opened = match route {
                Route::Direct => self.direct(&fetch).await,
                Route::Interleave => self.interleave(&fetch).await,
                Route::Pipe => self.pipe(&fetch).await,
                Route::Spool => return self.spool.fetch(plan, extraction, gate).await,
            };
            gate.check()?;
            let detour = match opened {
                Ok(source) => {
                    let source = Arc::new(Watched::new(source, gate.clone()));
                    return Ok(Fetched { source, file_name: plan.file_name.clone(), route });
                }
                Err(OpenError::Unsuitable(why)) => why,
                // yt-dlp knows better what the site means by it, and may get through where we do not.
                Err(OpenError::Failed(failure)) => failure.detail,
            };
            tracing::info!(route = route.as_str(), detour, "Another route is taken");
            route = route.safer();
        }
    }
}
