//! What happens to jobs, live: one subscriber connection per process, handed out by account.
//!
//! An event names a job and carries nothing of it: receivers read the record, which is the truth. It refuses to buffer without bound: a
//! receiver that lags is told to read everything again.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use futures::{Stream, stream};
use sluice_domain::{AccountId, JobId};
use sluice_store::Connection;
use tokio::sync::broadcast::{self, error::RecvError};
use tokio_util::task::AbortOnDropHandle;

use crate::listen::{Heard, listen};

/// Events that a receiver may lag behind.
const BUFFER: usize = 256;

/// Something happened to the jobs of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobEvent {
    /// This job is new or has changed: read it.
    Changed(JobId),
    /// This job is no more.
    Deleted(JobId),
    /// Events may have been missed: read everything again.
    Resync,
}

/// The one listener of a process.
pub(crate) struct Hub {
    connection: Connection,
    channel: String,
    receivers: Arc<Receivers>,
    /// Started with the first receiver: workers and the command line never need it.
    listener: OnceLock<AbortOnDropHandle<()>>,
}

#[derive(Default)]
struct Receivers(Mutex<HashMap<AccountId, broadcast::Sender<JobEvent>>>);

impl Hub {
    pub(crate) fn new(connection: Connection, prefix: &str) -> Self {
        Self { connection, channel: format!("{prefix}events"), receivers: Arc::default(), listener: OnceLock::new() }
    }

    pub(crate) fn subscribe(&self, account: &AccountId) -> impl Stream<Item = JobEvent> + Send + use<> {
        let receiver = self.receivers.add(account);
        self.listener.get_or_init(|| {
            let (connection, channel, receivers) =
                (self.connection.clone(), self.channel.clone(), self.receivers.clone());
            AbortOnDropHandle::new(tokio::spawn(async move {
                listen(&connection, channel, |heard| match heard {
                    Heard::Connected => receivers.resync(),
                    Heard::Message(text) => receivers.deliver(&text),
                })
                .await;
            }))
        });
        stream::unfold(receiver, async |mut receiver| match receiver.recv().await {
            Ok(event) => Some((event, receiver)),
            Err(RecvError::Lagged(_)) => {
                // What is still buffered is part of what will be read again.
                let receiver = receiver.resubscribe();
                Some((JobEvent::Resync, receiver))
            }
            // The queue is gone.
            Err(RecvError::Closed) => None,
        })
    }
}

impl Receivers {
    fn add(&self, account: &AccountId) -> broadcast::Receiver<JobEvent> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.entry(account.clone()).or_insert_with(|| broadcast::Sender::new(BUFFER)).subscribe()
    }

    /// A message is `account job what`.
    fn deliver(&self, text: &str) {
        let mut parts = text.split(' ');
        let (Some(Ok(account)), Some(Ok(id))) =
            (parts.next().map(str::parse::<AccountId>), parts.next().map(str::parse::<JobId>))
        else {
            return;
        };
        let event = if parts.next() == Some("deleted") { JobEvent::Deleted(id) } else { JobEvent::Changed(id) };
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Nobody listens any more: then the account is forgotten.
        if all.get(&account).is_some_and(|sender| sender.send(event).is_err()) {
            all.remove(&account);
        }
    }

    fn resync(&self) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, sender| sender.send(JobEvent::Resync).is_ok());
    }
}
