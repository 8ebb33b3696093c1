//! Keeping one child alive: start it, wait until it is ready, start it again when it dies, stop it when told.

use std::{
    path::Path,
    process::ExitStatus,
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::UnixStream,
    sync::{mpsc, oneshot},
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::{
    child::{Child, Launcher},
    plan::{Readiness, Spec},
};

/// The longest that a child may take to become ready. Redis may have much to load.
const READY_TIMEOUT: Duration = Duration::from_secs(120);
/// How often readiness is looked for.
const LOOK: Duration = Duration::from_millis(30);
/// A child that ran this long has recovered.
const RECOVERED: Duration = Duration::from_secs(60);
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// The tokens and channels that a keeper listens and speaks to.
#[derive(Debug, Clone)]
pub(super) struct Word {
    /// Stop the child.
    pub(super) stop: CancellationToken,
    /// Kill it.
    pub(super) hurry: CancellationToken,
    /// Says why a child cannot be kept: then nothing can.
    pub(super) gave_up: mpsc::Sender<String>,
}

/// Keeps the child until it is told to stop, or gives up. `ready` is told once.
pub(super) async fn keep(spec: Spec, launcher: Launcher, ready: oneshot::Sender<()>, word: Word) {
    let mut ready = Some(ready);
    let mut deaths = 0;
    loop {
        let begun = Instant::now();
        if let Readiness::File(path) = &spec.ready {
            // Left by the child's last run. A failure shows when the child writes it.
            let _ = std::fs::remove_file(path);
        }
        let mut child = match launcher.start(&spec) {
            Ok(child) => child,
            Err(error) => {
                let _ = word.gave_up.try_send(format!("{} cannot be started: {error}", spec.program.display()));
                return;
            }
        };
        let died = tokio::select! {
            died = live(&spec, &mut child, &mut ready) => died,
            () = word.stop.cancelled() => return child.stop(&word.hurry).await,
        };
        drop(child);
        let first_start = ready.is_some();
        if first_start || died.hopeless {
            let _ = word.gave_up.try_send(format!("{} {}", spec.name, died.how));
            return;
        }
        deaths = if begun.elapsed() > RECOVERED { 1 } else { deaths + 1 };
        let pause = pause(deaths);
        warn!(child = spec.name, deaths, pause_ms = pause.as_millis(), "{} {}; starting it again", spec.name, died.how);
        tokio::select! {
            () = sleep(pause) => {}
            () = word.stop.cancelled() => return,
        }
    }
}

/// How a child ended, in words, and whether it would end the same way again.
struct Death {
    how: String,
    hopeless: bool,
}

/// From start to death.
async fn live(spec: &Spec, child: &mut Child, ready: &mut Option<oneshot::Sender<()>>) -> Death {
    let told = |status: std::io::Result<ExitStatus>| match status {
        Ok(status) => Death {
            how: format!("ended unasked ({status})"),
            hopeless: status.code() == Some(i32::from(sluice_runtime::EXIT_SETTINGS)),
        },
        Err(error) => Death { how: format!("cannot be watched: {error}"), hopeless: true },
    };
    tokio::select! {
        status = child.ended() => return told(status),
        answer = timeout(READY_TIMEOUT, until_ready(&spec.ready)) => if answer.is_err() {
            return Death { how: format!("was not ready after {} s", READY_TIMEOUT.as_secs()), hopeless: false };
        },
    }
    match ready.take() {
        // Nobody listens any more when the start was given up.
        Some(first) => drop(first.send(())),
        None => info!(child = spec.name, "{} is back", spec.name),
    }
    told(child.ended().await)
}

async fn until_ready(ready: &Readiness) {
    loop {
        let there = match ready {
            Readiness::File(path) => path.exists(),
            Readiness::Redis(socket) => answers(socket).await,
        };
        if there {
            return;
        }
        sleep(LOOK).await;
    }
}

/// Does Redis answer on this socket, with its data loaded?
pub(super) async fn answers(socket: &Path) -> bool {
    let ping = async {
        let mut stream = UnixStream::connect(socket).await?;
        stream.write_all(b"PING\r\n").await?;
        let mut answer = [0; 5];
        stream.read_exact(&mut answer).await?;
        std::io::Result::Ok(&answer == b"+PONG")
    };
    matches!(timeout(Duration::from_secs(1), ping).await, Ok(Ok(true)))
}

/// How long to wait before the next start, after so many deaths in a row.
fn pause(deaths: u32) -> Duration {
    FIRST_PAUSE.saturating_mul(1 << deaths.saturating_sub(1).min(16)).min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_bound() {
        let check = |deaths, want| assert_eq!(pause(deaths), Duration::from_millis(want), "{deaths}");
        check(0, 500);
        check(1, 500);
        check(2, 1_000);
        check(5, 8_000);
        check(9, 30_000);
        check(u32::MAX, 30_000);
    }
}
