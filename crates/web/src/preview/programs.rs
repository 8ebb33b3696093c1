//! The programs that look at links, started when the first person asks: a server on which nobody does needs no Python.

use std::{sync::Arc, time::Duration};

use sluice_source::{Extractor, SourceError, Tools, ToolsConfig, extractor};
use tokio::{sync::Mutex, time::Instant};

/// How long after a failed start nobody tries again.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(60);

pub(super) struct Programs {
    config: ToolsConfig,
    /// Held while they start, so that they do once.
    started: Mutex<Started>,
}

enum Started {
    NotYet,
    Running(Arc<dyn Extractor>),
    Broken { since: Instant },
}

impl Programs {
    pub(super) fn new(config: ToolsConfig) -> Self {
        Self { config, started: Mutex::new(Started::NotYet) }
    }

    /// Whoever looks at links; `None` while the programs cannot be had.
    pub(super) async fn extractor(&self) -> Option<Arc<dyn Extractor>> {
        let mut started = self.started.lock().await;
        match &*started {
            Started::Running(extractor) => return Some(extractor.clone()),
            Started::Broken { since } if since.elapsed() < PAUSE_AFTER_FAILURE => return None,
            Started::Broken { .. } | Started::NotYet => {}
        }
        match self.start().await {
            Ok(extractor) => {
                *started = Started::Running(extractor.clone());
                Some(extractor)
            }
            Err(error) => {
                tracing::warn!("There are no previews: {error}");
                *started = Started::Broken { since: Instant::now() };
                None
            }
        }
    }

    async fn start(&self) -> Result<Arc<dyn Extractor>, SourceError> {
        let tools = Tools::find(self.config.clone())?;
        // It starts in the background, while the programs are tried.
        let extractor = extractor(tools.clone());
        tools.try_out().await?;
        Ok(extractor)
    }
}
