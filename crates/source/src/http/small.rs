//! A small file that nobody waits long for.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::StatusCode;
use sluice_domain::{Failure, FailureKind};
use sluice_transfer::Gate;
use tokio::time::timeout;
use url::Url;

use super::{
    body::{Body, Ending},
    target::Target,
    trouble::host,
    web::{Ask, Web},
};

/// How long it may take in all.
const PATIENCE: Duration = Duration::from_secs(10);

impl Web {
    /// All of it, asked for once, when it is no larger than `most` bytes.
    ///
    /// # Errors
    /// What went wrong, or the gate's reason.
    pub(crate) async fn small_file(&self, url: &Url, most: usize, gate: &Gate) -> Result<Bytes, Failure> {
        let late = || Failure::new(FailureKind::TimedOut, format!("{}: a small file takes too long", host(url)));
        let read = async { timeout(PATIENCE, self.read_all(url, most)).await.unwrap_or_else(|_| Err(late())) };
        gate.guard(read).await
    }

    async fn read_all(&self, url: &Url, most: usize) -> Result<Bytes, Failure> {
        let target = Target::of_file(url.clone());
        let answer = self.get(url, url, &target, &Ask::default(), false, PATIENCE).await;
        let response = answer.map_err(|trouble| trouble.failure)?;
        let wrong = |why: &str| Failure::new(FailureKind::Network, format!("{}: {why}", host(url)));
        if response.status() != StatusCode::OK {
            return Err(wrong("a part where the whole was asked for"));
        }
        let ending = Ending::of(&response);
        let (mut body, mut all) = (Body::new(response, ending), BytesMut::new());
        while let Some(chunk) = body.next(PATIENCE).await.map_err(|trouble| trouble.failure)? {
            if all.len() + chunk.len() > most {
                return Err(wrong("more than a small file"));
            }
            all.extend_from_slice(&chunk);
        }
        Ok(all.freeze())
    }
}
