//! A gate holds responses at a byte until the test opens it: the reason why no test needs to sleep.

use std::time::Duration;

use anyhow::{Context, Result};
use tokio::sync::watch;

/// Longer than any test should wait for a client to arrive.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where a gate stands in the responses of its path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    /// Before the status line.
    Answer,
    /// Before the byte at this offset of the content.
    Byte(u64),
}

/// Holds all `GET`s of one path. Opens when dropped, and stays open then.
#[derive(Debug)]
pub struct Gate {
    pub(super) bar: Bar,
}

impl Gate {
    /// Waits until `count` responses stand, or stood, before the gate.
    pub async fn reached(&self, count: usize) -> Result<()> {
        let mut arrivals = self.bar.arrivals.subscribe();
        tokio::time::timeout(PATIENCE, arrivals.wait_for(|&arrived| arrived >= count))
            .await
            .context("nobody came to the gate")??;
        Ok(())
    }

    /// Lets everybody pass, now and later.
    pub fn open(&self) {
        self.bar.open();
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.open();
    }
}

/// The side of a gate that responses see.
#[derive(Debug, Clone)]
pub(super) struct Bar {
    pub(super) at: Hold,
    open: watch::Sender<bool>,
    pub(super) arrivals: watch::Sender<usize>,
}

impl Bar {
    pub(super) fn new(at: Hold) -> Self {
        Self { at, open: watch::Sender::new(false), arrivals: watch::Sender::new(0) }
    }

    pub(super) fn open(&self) {
        self.open.send_replace(true);
    }

    pub(super) fn is_open(&self) -> bool {
        *self.open.borrow()
    }

    /// Reports an arrival and waits for the gate to open.
    pub(super) async fn pass(&self) {
        self.arrivals.send_modify(|arrived| *arrived += 1);
        // An error would mean that the sender is gone, and we hold one.
        let _ = self.open.subscribe().wait_for(|open| *open).await;
    }
}
