//! The way into a Dropbox of a file that a device takes at the same time: fetched once, for both.
//!
//! While the device takes it, this process has the job as a worker has one, and does the same steps. It knows nothing of how the device
//! fares but whether it has left; what is left to bring then is a worker's.

use std::{sync::Arc, time::Duration};

use sluice_domain::{Failure, FileName, Length, Phase, Route};
use sluice_dropbox::{AccountClient, Dropbox, DropboxError, Previous, Tuning, UploadSink};
use sluice_queue::{Described, HeldJob, Holder, Lease, Outcome, Queue, StopReason};
use sluice_runtime::Settings;
use sluice_store::Store;
use sluice_transfer::{ByteStream, Gate, Sink as _, Tee, Watched, tee};
use sluice_wiring::{
    Link,
    attempt::{
        LeaseJournal, Reached, asked, connect, duplicate_of, free_space, mark_disconnected, outcome, reporting,
        shut_when_stopped,
    },
};

use super::open::{Opened, Place};
use crate::state::State;

/// How long Dropbox may be in trouble before a worker has to see to it: the device waits meanwhile.
const PATIENCE: Duration = Duration::from_secs(15);
/// How long a file whose device has everything may take to be complete, after the word to stop.
const DRAIN: Duration = Duration::from_secs(8);

/// Sends what devices take.
pub(crate) struct Senders {
    /// Less patient than a worker's.
    dropbox: Dropbox,
    pub(crate) holder: Holder,
}

impl Senders {
    pub(crate) fn new(settings: &Settings, store: &Store, queue: &Queue) -> Result<Self, DropboxError> {
        let tuning = Tuning {
            call_timeout: PATIENCE,
            stall_timeout: PATIENCE,
            unreachable_for: PATIENCE,
            busy_for: PATIENCE,
            locked_for: PATIENCE,
            outage_for: PATIENCE,
            ..Tuning::default()
        };
        let name = format!("web-{}", sluice_wiring::process_name());
        Ok(Self {
            dropbox: sluice_wiring::dropbox(settings, tuning, store.clone())?,
            holder: Holder::new(queue.clone(), name, DRAIN),
        })
    }
}

/// The side of the Dropbox.
pub(crate) struct Upload {
    tee: Arc<Tee>,
    file_name: FileName,
    route: Route,
    length: Length,
    described: Described,
    media: Option<String>,
    link: Link,
    gate: Gate,
    _held: Arc<Place>,
}

impl Opened {
    /// Splits the open bytes between a device and a Dropbox. Where this process has no memory for that, the device has them alone.
    pub(crate) fn split(&self, stream: ByteStream, limits: &sluice_domain::Limits) -> (ByteStream, Option<Upload>) {
        let Some((window, share)) = self.routes.try_window() else { return (stream, None) };
        let (tee, beside) = tee(self.fetched.source.clone(), stream, window, share);
        let upload = Upload {
            tee: Arc::new(tee),
            file_name: self.fetched.file_name.clone(),
            route: self.fetched.route,
            length: self.fetched.source.length(),
            described: self.described.clone(),
            media: self.media.clone(),
            link: self.link.clone(),
            gate: Gate::new(limits),
            _held: self.held.clone(),
        };
        (beside, Some(upload))
    }
}

impl Upload {
    /// Brings it, with or without the device, until the job is somebody else's. Returns at once.
    pub(crate) fn bring(self, job: HeldJob, state: &State) {
        let (store, dropbox, timeout) = (state.store.clone(), state.senders.dropbox.clone(), state.saves.job_timeout());
        let lease = job.lease().clone();
        job.work(async move {
            let _deadline = self.gate.deadline(timeout);
            let ended = tokio::select! {
                ended = self.attempt(&store, &dropbox, &lease) => ended,
                never = shut_when_stopped(&lease, &self.gate) => match never {},
            };
            mark_disconnected(&store, &lease.job().account, &ended).await;
            match &ended {
                // The rest is a worker's; that the device has left costs no attempt.
                Err(_) if self.tee.is_left() && lease.stop().reason().is_none_or(|why| why == StopReason::Drain) => {
                    tracing::info!("The device has left: a worker goes on");
                    Outcome::HandBack
                }
                _ => outcome(ended, lease.stop().reason()),
            }
        });
    }

    async fn attempt(&self, store: &Store, dropbox: &Dropbox, lease: &Lease) -> Result<Reached, Failure> {
        let account = connect(store, dropbox, &lease.job().account).await?;
        for what in [Some(asked(lease.job())), self.media.clone()].into_iter().flatten() {
            if let Some(other) = duplicate_of(lease, &self.gate, &account, &what).await? {
                return Ok(Reached::Duplicate(other));
            }
        }
        lease.describe(&self.described).await?;
        lease.planned(self.route, self.length).await?;
        lease.phase(Phase::Transferring).await?;
        self.gate.expect(self.length);
        if let Some(free) = self.gate.guard(free_space(&account)).await? {
            self.gate.limit_to_free_space(free);
        }
        reporting(lease, &self.gate, self.transfer(account, lease)).await
    }

    async fn transfer(&self, account: AccountClient, lease: &Lease) -> Result<Reached, Failure> {
        let journal = Arc::new(LeaseJournal::new(lease.clone()));
        let folder = lease.job().folder.clone();
        let mut sink = UploadSink::new(account, folder, self.file_name.clone(), Previous::default(), journal);
        let source = Watched::unhurried(self.tee.clone(), self.gate.clone());
        match sink.take(&source, &self.gate).await {
            Ok(receipt) => Ok(Reached::Landed(receipt)),
            Err(failure) => {
                if !self.tee.is_left() {
                    self.link.forget().await;
                }
                Err(failure)
            }
        }
    }
}
