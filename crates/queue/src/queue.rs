//! The queue as the web server and the command line see it: jobs go in, are looked at, cancelled, retried, deleted.
//!
//! It runs nothing: that is `worker`'s part.

use std::{fmt, sync::Arc, time::Duration};

use futures::Stream;
use jiff::Timestamp;
use redis::{FromRedisValue, Script, ScriptInvocation};
use sha2::{Digest as _, Sha256};
use sluice_domain::{AccountId, Job, JobId, JobRequest};
use sluice_store::Store;

use crate::{
    Cursor, JobEvent, Page, QueueConfig, QueueError, RecentsQuery,
    events::Hub,
    record::{self, Raw},
    scripts::{Scripts, With as _},
};

/// The longest page.
const MAX_PAGE: u32 = 100;
/// So many entries are looked at for one page when most are in another state; the cursor goes on from there.
const MAX_LOOKS: u32 = 500;

/// The queue of one namespace. Clones share everything.
#[derive(Clone)]
pub struct Queue(Arc<Inner>);

struct Inner {
    store: Store,
    config: QueueConfig,
    scripts: Scripts,
    hub: Hub,
}

/// A job that was taken.
#[derive(Debug, Clone, PartialEq)]
pub struct Enqueued {
    /// The job.
    pub job: Job,
    /// Was it there already, under the same idempotency key?
    pub existed: bool,
}

/// How full the queue is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Depth {
    /// Jobs that wait for a worker.
    pub queued: u64,
    /// Jobs that a worker has.
    pub running: u64,
    /// Jobs between attempts.
    pub retrying: u64,
    /// Workers on the list.
    pub workers: u64,
}

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue").field("store", &self.0.store).field("config", &self.0.config).finish_non_exhaustive()
    }
}

impl Queue {
    /// The queue in this store.
    #[must_use]
    pub fn new(store: Store, config: QueueConfig) -> Self {
        let hub = Hub::new(store.connection().clone(), store.prefix());
        Self(Arc::new(Inner { store, config, scripts: Scripts::new(), hub }))
    }

    /// Takes a job. When this returns, it is in Redis with everything that it needs.
    ///
    /// # Errors
    /// [`QueueError::Full`] when the account has too many waiting.
    pub async fn enqueue(
        &self,
        account: &AccountId,
        request: JobRequest,
        now: Timestamp,
    ) -> Result<Enqueued, QueueError> {
        let id = JobId::from_random(rand::random());
        let key = request.idempotency_key.as_deref().map(|key| hex::encode(Sha256::digest(key))).unwrap_or_default();
        let call = self
            .call(&self.0.scripts.enqueue)
            .with(account.as_str())
            .with(id.as_str())
            .with(key)
            .with(millis(self.0.config.idempotency_ttl))
            .with(self.0.config.user_queued)
            .with(record::encode(&request, now));
        let (verdict, raw): (String, Option<Raw>) = self.verdict(&call).await?;
        if verdict == "full" {
            return Err(QueueError::Full { limit: self.0.config.user_queued });
        }
        let job = job(raw.unwrap_or_default())?.ok_or_else(|| sluice_store::StoreError::corrupt("job", "missing"))?;
        Ok(Enqueued { job, existed: verdict == "existed" })
    }

    /// A job of this account; `None` when there is none, or it is another account's.
    ///
    /// # Errors
    /// When Redis does not answer or the record cannot be read.
    pub async fn get(&self, account: &AccountId, id: &JobId) -> Result<Option<Job>, QueueError> {
        job(self.run(&self.call(&self.0.scripts.read).with(account.as_str()).with(id.as_str())).await?)
    }

    /// The account's jobs, newest first.
    ///
    /// # Errors
    /// When Redis does not answer. Records that cannot be read are left out and logged.
    pub async fn recents(&self, account: &AccountId, query: RecentsQuery) -> Result<Page<Job>, QueueError> {
        let call = self
            .call(&self.0.scripts.list)
            .with(account.as_str())
            .with(query.state.map(|state| state.as_str()).unwrap_or_default())
            .with(query.before.map(|cursor| cursor.to_string()).unwrap_or_default())
            .with(query.limit.clamp(1, MAX_PAGE))
            .with(MAX_LOOKS);
        let (found, next): (Vec<Raw>, String) = self.run(&call).await?;
        let read = |raw| {
            job(raw).unwrap_or_else(|error| {
                tracing::error!(%error, account.id = %account, "A job's record cannot be read");
                None
            })
        };
        Ok(Page { items: found.into_iter().filter_map(read).collect(), next: next.parse::<Cursor>().ok() })
    }

    /// Cancels a job: at once where it waits, through its worker where it runs. One that is over stays as it is.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn cancel(&self, account: &AccountId, id: &JobId) -> Result<Option<Job>, QueueError> {
        job(self.run(&self.call(&self.0.scripts.cancel).with(account.as_str()).with(id.as_str())).await?)
    }

    /// Sends a job that failed, was refused or cancelled once more, under the same id. One that is under way stays as it is.
    ///
    /// # Errors
    /// [`QueueError::NotRetryable`] when it has completed, [`QueueError::Full`] when too many are waiting.
    pub async fn retry(&self, account: &AccountId, id: &JobId) -> Result<Option<Job>, QueueError> {
        let limit = self.0.config.user_queued;
        let call = self.call(&self.0.scripts.retry).with(account.as_str()).with(id.as_str()).with(limit);
        match self.verdict(&call).await? {
            (verdict, _) if verdict == "completed" => Err(QueueError::NotRetryable),
            (verdict, _) if verdict == "full" => Err(QueueError::Full { limit }),
            (_, raw) => job(raw.unwrap_or_default()),
        }
    }

    /// Forgets a job that is over. Tells whether there was one.
    ///
    /// # Errors
    /// [`QueueError::NotFinal`] when it is not over.
    pub async fn delete(&self, account: &AccountId, id: &JobId) -> Result<bool, QueueError> {
        let call = self.call(&self.0.scripts.delete).with(account.as_str()).with(id.as_str());
        match self.run::<String>(&call).await?.as_str() {
            "alive" => Err(QueueError::NotFinal),
            verdict => Ok(verdict == "deleted"),
        }
    }

    /// How many jobs of the same person are ahead of this one; `None` when it does not wait.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn position(&self, account: &AccountId, id: &JobId) -> Result<Option<u64>, QueueError> {
        self.run(&self.call(&self.0.scripts.position).with(account.as_str()).with(id.as_str())).await
    }

    /// What happens to the account's jobs from now on. It never ends by itself; after any doubt it says [`JobEvent::Resync`].
    ///
    /// All streams of a process share one connection. Must be called within a tokio runtime.
    pub fn events(&self, account: &AccountId) -> impl Stream<Item = JobEvent> + Send + use<> {
        self.0.hub.subscribe(account)
    }

    /// How full the queue is.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn depth(&self) -> Result<Depth, QueueError> {
        let (queued, running, retrying, workers) = self.run(&self.call(&self.0.scripts.depth)).await?;
        Ok(Depth { queued, running, retrying, workers })
    }

    pub(crate) fn store(&self) -> &Store {
        &self.0.store
    }

    pub(crate) fn config(&self) -> &QueueConfig {
        &self.0.config
    }

    pub(crate) fn scripts(&self) -> &Scripts {
        &self.0.scripts
    }

    /// A call of a script in this namespace.
    pub(crate) fn call<'a>(&self, script: &'a Script) -> ScriptInvocation<'a> {
        script.key(self.0.store.prefix())
    }

    pub(crate) async fn run<T: FromRedisValue>(&self, call: &ScriptInvocation<'_>) -> Result<T, QueueError> {
        Ok(self.0.store.connection().script(call).await?)
    }

    /// Runs a script that answers with a word, and sometimes a record.
    async fn verdict(&self, call: &ScriptInvocation<'_>) -> Result<(String, Option<Raw>), QueueError> {
        let mut parts = self.run::<Vec<redis::Value>>(call).await?.into_iter();
        let odd = |error: redis::ParsingError| sluice_store::StoreError::Refused(error.into());
        let word = redis::from_redis_value(parts.next().unwrap_or(redis::Value::Nil)).map_err(odd)?;
        let raw = parts.next().map(redis::from_redis_value).transpose().map_err(odd)?;
        Ok((word, raw))
    }
}

fn job(raw: Raw) -> Result<Option<Job>, QueueError> {
    Ok(record::decode(raw)?.map(|record| record.job))
}

/// A duration as the scripts take it.
pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX).min(1_000 * 365 * 86_400_000)
}
