//! All children together: layer after layer up, and down in the opposite order.

use anyhow::{Result, anyhow};
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

use super::{
    child::Launcher,
    keep::{Word, keep},
    plan::Spec,
};

/// The running children.
pub(super) struct House {
    launcher: Launcher,
    layers: Vec<Layer>,
    shutdown: CancellationToken,
    hurry: CancellationToken,
    gave_up: mpsc::Sender<String>,
    troubles: mpsc::Receiver<String>,
}

struct Layer {
    stop: CancellationToken,
    keepers: JoinSet<()>,
}

/// Why the house has to go down.
pub(super) enum End {
    /// Somebody asked.
    Asked,
    /// A child cannot be kept.
    Trouble(String),
}

impl House {
    pub(super) fn new(launcher: Launcher, shutdown: CancellationToken, hurry: CancellationToken) -> Self {
        // One trouble is enough; whoever comes later is stopped anyway.
        let (gave_up, troubles) = mpsc::channel(1);
        Self { launcher, layers: Vec::new(), shutdown, hurry, gave_up, troubles }
    }

    /// Starts layer after layer, each when the one before is ready. `None` when all are.
    pub(super) async fn start(&mut self, layers: Vec<Vec<Spec>>) -> Option<End> {
        for layer in layers {
            let stop = CancellationToken::new();
            let mut keepers = JoinSet::new();
            let mut all_ready = Vec::new();
            for spec in layer {
                let (tell, ready) = oneshot::channel();
                let word = Word { stop: stop.clone(), hurry: self.hurry.clone(), gave_up: self.gave_up.clone() };
                keepers.spawn(keep(spec, self.launcher.clone(), tell, word));
                all_ready.push(ready);
            }
            self.layers.push(Layer { stop, keepers });
            for ready in all_ready {
                tokio::select! {
                    biased;
                    end = Self::end(&self.shutdown, &mut self.troubles) => return Some(end),
                    Ok(()) = ready => {}
                }
            }
        }
        None
    }

    /// Waits until it has to go down.
    pub(super) async fn watch(&mut self) -> End {
        Self::end(&self.shutdown, &mut self.troubles).await
    }

    async fn end(shutdown: &CancellationToken, troubles: &mut mpsc::Receiver<String>) -> End {
        tokio::select! {
            () = shutdown.cancelled() => End::Asked,
            // `self` holds a sender: the channel cannot close.
            Some(trouble) = troubles.recv() => End::Trouble(trouble),
        }
    }

    /// Stops everybody, the last layer first.
    pub(super) async fn stop(mut self, end: End) -> Result<()> {
        while let Some(mut layer) = self.layers.pop() {
            layer.stop.cancel();
            while layer.keepers.join_next().await.is_some() {}
        }
        match end {
            End::Asked => Ok(()),
            End::Trouble(trouble) => Err(anyhow!(trouble)),
        }
    }
}
