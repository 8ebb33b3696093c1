//! The word to stop: SIGTERM and SIGINT.

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

/// What a shell reports for a program that SIGINT ended.
const EXIT_INTERRUPTED: i32 = 130;

/// A token that is cancelled at the first SIGTERM or SIGINT. A second one ends the process at once: somebody is in a hurry.
///
/// Must be called inside a tokio runtime, once per process.
#[must_use]
pub fn shutdown() -> CancellationToken {
    shutdown_then(|| std::process::exit(EXIT_INTERRUPTED))
}

/// The same for a process that has something to do in a hurry too, such as ending its children: `hurry` is called at the second signal.
#[must_use]
pub fn shutdown_then(hurry: impl FnOnce() + Send + 'static) -> CancellationToken {
    let token = CancellationToken::new();
    let (mut terminate, mut interrupt) = match (signal(SignalKind::terminate()), signal(SignalKind::interrupt())) {
        (Ok(terminate), Ok(interrupt)) => (terminate, interrupt),
        (Err(error), _) | (_, Err(error)) => {
            // The default action remains: the process ends without a drain, which jobs survive.
            error!("Signals cannot be watched: {error}");
            return token;
        }
    };
    let told = token.clone();
    tokio::spawn(async move {
        let mut next = async || {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        };
        next().await;
        info!("Stopping; a second signal stops at once");
        told.cancel();
        next().await;
        hurry();
    });
    token
}
