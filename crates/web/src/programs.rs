//! The programs that look at links and fetch them, started when the first person asks: a server on which nobody does needs no Python.

use std::{sync::Arc, time::Duration};

use sluice_source::{Extractor, SourceError, Tools, ToolsConfig, extractor};
use tokio::{sync::Mutex, time::Instant};

/// How long after a failed start nobody tries again.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(60);

pub(crate) struct Programs {
    config: ToolsConfig,
    /// Held while they start, so that they do once.
    started: Mutex<Started>,
}

/// The programs at work.
#[derive(Clone)]
pub(crate) struct Running {
    pub(crate) extractor: Arc<dyn Extractor>,
    pub(crate) tools: Tools,
}

enum Started {
    NotYet,
    Running(Box<Running>),
    Broken { since: Instant },
}

impl Programs {
    pub(crate) fn new(config: ToolsConfig) -> Self {
        Self { config, started: Mutex::new(Started::NotYet) }
    }

    /// Whoever looks at links; `None` while the programs cannot be had.
    pub(crate) async fn extractor(&self) -> Option<Arc<dyn Extractor>> {
        self.running().await.map(|running| running.extractor)
    }

    /// All of them; `None` while they cannot be had.
    pub(crate) async fn running(&self) -> Option<Running> {
        let mut started = self.started.lock().await;
        match &*started {
            Started::Running(running) => return Some((**running).clone()),
            Started::Broken { since } if since.elapsed() < PAUSE_AFTER_FAILURE => return None,
            Started::Broken { .. } | Started::NotYet => {}
        }
        match self.start().await {
            Ok(running) => {
                *started = Started::Running(Box::new(running.clone()));
                Some(running)
            }
            Err(error) => {
                tracing::warn!("There are no previews, and nothing is given to devices: {error}");
                *started = Started::Broken { since: Instant::now() };
                None
            }
        }
    }

    async fn start(&self) -> Result<Running, SourceError> {
        let tools = Tools::find(self.config.clone())?;
        // It starts in the background, while the programs are tried.
        let extractor = extractor(tools.clone());
        tools.try_out().await?;
        Ok(Running { extractor, tools })
    }
}
