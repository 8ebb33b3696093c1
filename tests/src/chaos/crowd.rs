//! People who send links, and come again with the same idempotency key until one of their calls is answered with a job.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Result, bail, ensure};
use reqwest::StatusCode;
use serde_json::json;
use tokio::sync::{Semaphore, mpsc};

use crate::api::{Api, Job};

/// The pause before somebody asks again.
const AGAIN: Duration = Duration::from_millis(250);
/// Somebody who gets no answer for so long has found a fault.
const PATIENCE: Duration = Duration::from_secs(120);
/// Every so manieth link is sent twice, as an impatient person does.
const TWICE: u32 = 10;

/// How many links may be sent at this moment.
#[derive(Debug, Clone)]
pub(super) struct Pace(Arc<Semaphore>);

impl Pace {
    pub(super) fn new(links: usize) -> Self {
        Self(Arc::new(Semaphore::new(links)))
    }

    /// So many more.
    pub(super) fn allow(&self, links: usize) {
        self.0.add_permits(links);
    }
}

/// The links of one account.
#[derive(Debug)]
pub(super) struct Crowd {
    /// Which account.
    pub(super) place: usize,
    pub(super) api: Api,
    pub(super) seed: u64,
    /// Number and address of each link.
    pub(super) links: Vec<(u32, String)>,
    pub(super) pace: Pace,
}

/// A link that the server has answered for.
#[derive(Debug)]
pub(super) struct Acknowledged {
    /// Which account.
    pub(super) place: usize,
    pub(super) number: u32,
    pub(super) id: String,
    pub(super) at: Instant,
}

/// What a crowd met with.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Met {
    /// Answers of 503.
    pub(super) unavailable: usize,
    /// Links that were sent twice.
    pub(super) twice: usize,
}

impl Crowd {
    /// Sends all links, and tells of each answer.
    pub(super) async fn send(self, told: mpsc::Sender<Acknowledged>) -> Result<Met> {
        let mut met = Met::default();
        for (number, url) in &self.links {
            self.pace.0.acquire().await?.forget();
            let times = if number % TWICE == 0 { 2 } else { 1 };
            met.twice += times - 1;
            for _ in 0..times {
                let job = send(&self.api, url, &key(self.seed, *number), &mut met).await?;
                let (place, at) = (self.place, Instant::now());
                told.send(Acknowledged { place, number: *number, id: job.id, at }).await?;
            }
        }
        Ok(met)
    }
}

/// The idempotency key of a link.
pub(super) fn key(seed: u64, number: u32) -> String {
    format!("chaos-{seed}-{number}")
}

/// Sends a link until it is taken.
pub(super) async fn send(api: &Api, url: &str, key: &str, met: &mut Met) -> Result<Job> {
    let begun = Instant::now();
    loop {
        let (status, reply) = api.try_send(&json!({ "url": url, "preset": "best", "idempotency_key": key })).await?;
        match status {
            StatusCode::ACCEPTED => return Ok(serde_json::from_value(reply)?),
            StatusCode::SERVICE_UNAVAILABLE => met.unavailable += 1,
            _ => bail!("{url}: {status} {reply}"),
        }
        ensure!(begun.elapsed() < PATIENCE, "{url}: not taken within {PATIENCE:?}, the last answer: {reply}");
        tokio::time::sleep(AGAIN).await;
    }
}
