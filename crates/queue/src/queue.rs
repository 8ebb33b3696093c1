//! The queue as a person's side sees it: jobs go in, are looked at, paused, cancelled, retried, deleted.
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
    Cursor, JobEvent, Operator, Page, QueueConfig, QueueError, RecentsQuery,
    events::Hub,
    lease::Said,
    record::{self, Raw},
    scripts::{Scripts, With as _},
};

/// The longest page.
const MAX_PAGE: u32 = 100;
/// So many entries are looked at for one page when most are in another state; the cursor goes on from there.
const MAX_LOOKS: u32 = 500;
/// Items of a list that follow it in one step. A step of this size takes Redis a millisecond or two.
const CASCADE_STEP: u32 = 50;

/// The queue of one namespace. Clones share everything.
#[derive(Clone)]
pub struct Queue(Arc<Inner>);

struct Inner {
    store: Store,
    config: QueueConfig,
    scripts: Scripts,
    hub: Hub,
}

/// What became of a request.
#[derive(Debug, Clone, PartialEq)]
pub enum Enqueued {
    /// It is a job now.
    New(Job),
    /// It was a job already, under the same idempotency key.
    Existed(Job),
    /// The account has the same link in the same preset and folder already, on its way or landed. Nothing was queued: ask the person, and
    /// send the request [`forced`](JobRequest::forced) when they want it all the same, or when the file is there no more.
    Duplicate(Job),
}

impl Enqueued {
    /// The job that stands for the request.
    #[must_use]
    pub fn job(self) -> Job {
        match self {
            Self::New(job) | Self::Existed(job) | Self::Duplicate(job) => job,
        }
    }
}

/// How long a job waits for a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waiting {
    /// Jobs of the same account ahead of it.
    pub ahead: u64,
    /// Roughly how long, judged by the last jobs and the account's share of the workers. `None` when nobody can tell.
    pub about: Option<Duration>,
    /// Has the operator paused the account or the whole queue?
    pub paused: bool,
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
    /// Workers on the list that take jobs.
    pub workers: u64,
}

/// Who works at once on a job that is sent; nobody by default.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct AtOnce<'a> {
    pub(crate) worker: &'a str,
    /// The place that is kept for it.
    pub(crate) lease: &'a str,
    /// The file that a device takes meanwhile, of the same bytes: it does not count against this job.
    pub(crate) beside: &'a str,
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

    /// Takes a job. When this returns, it is in Redis with everything that it needs, and on as many replicas as
    /// [`QueueConfig::replicas`] says.
    ///
    /// # Errors
    /// [`QueueError::Full`] when the account has too many waiting. [`QueueError::Store`] when Redis, or a replica, does not answer while the
    /// store is patient: the job may be there all the same, and the same idempotency key, asked again, finds it.
    pub async fn enqueue(
        &self,
        account: &AccountId,
        request: JobRequest,
        now: Timestamp,
    ) -> Result<Enqueued, QueueError> {
        let (verdict, raw) = self.take_in(account, &request, now, AtOnce::default()).await?;
        let job = job(&self.0.store, raw)?.ok_or_else(no_record)?;
        Ok(match verdict.as_str() {
            "existed" => Enqueued::Existed(job),
            "duplicate" => Enqueued::Duplicate(job),
            _ => Enqueued::New(job),
        })
    }

    /// Takes a job into the line, or into the hands of whoever sends it. Gives the script's word and the record.
    pub(crate) async fn take_in(
        &self,
        account: &AccountId,
        request: &JobRequest,
        now: Timestamp,
        at_once: AtOnce<'_>,
    ) -> Result<(String, Raw), QueueError> {
        let id = JobId::from_random(rand::random());
        let key = request.idempotency_key.as_deref().map(|key| hex::encode(Sha256::digest(key))).unwrap_or_default();
        let link = record::kept_link(&self.0.store, account, &request.url)?;
        let call = self
            .call(&self.0.scripts.enqueue)
            .with(account.as_str())
            .with(id.as_str())
            .with(key)
            .with(millis(self.0.config.idempotency_ttl))
            .with(self.0.config.user_queued)
            .with(record::mark(request.url.as_str(), request.preset, &request.folder))
            .with(u8::from(request.force))
            .with(at_once.worker)
            .with(at_once.lease)
            .with(self.0.config.user_running)
            .with(at_once.beside)
            .with(record::encode(request, link, now));
        // Repeated within this call, it is the same job: the id stays.
        let (verdict, raw) = said(self.0.store.script_on_replicas(&call, self.0.config.replicas).await?)?;
        if verdict == "full" {
            return Err(QueueError::Full { limit: self.0.config.user_queued });
        }
        Ok((verdict, raw.unwrap_or_default()))
    }

    /// A job of this account; `None` when there is none, or it is another account's.
    ///
    /// # Errors
    /// When Redis does not answer or the record cannot be read.
    pub async fn get(&self, account: &AccountId, id: &JobId) -> Result<Option<Job>, QueueError> {
        job(&self.0.store, self.run(&self.call(&self.0.scripts.read).with(account.as_str()).with(id.as_str())).await?)
    }

    /// The account's jobs, newest first. Items of lists are not among them: ask for those of one list with [`Queue::items`].
    ///
    /// # Errors
    /// When Redis does not answer. Records that cannot be read are left out and logged.
    pub async fn recents(&self, account: &AccountId, query: RecentsQuery) -> Result<Page<Job>, QueueError> {
        self.list(account, "", query).await
    }

    /// The jobs that a list of this account was made into, in the order of the list; empty when it is no list.
    ///
    /// # Errors
    /// As [`Queue::recents`].
    pub async fn items(&self, account: &AccountId, list: &JobId, query: RecentsQuery) -> Result<Page<Job>, QueueError> {
        self.list(account, list.as_str(), query).await
    }

    async fn list(&self, account: &AccountId, list: &str, query: RecentsQuery) -> Result<Page<Job>, QueueError> {
        let call = self
            .call(&self.0.scripts.list)
            .with(account.as_str())
            .with(list)
            .with(query.state.map(|state| state.as_str()).unwrap_or_default())
            .with(query.before.map(|cursor| cursor.to_string()).unwrap_or_default())
            .with(query.limit.clamp(1, MAX_PAGE))
            .with(MAX_LOOKS);
        let (found, next): (Vec<Raw>, String) = self.run(&call).await?;
        let read = |raw| {
            job(&self.0.store, raw).unwrap_or_else(|error| {
                tracing::error!(%error, account.id = %account, "A job's record cannot be read");
                None
            })
        };
        Ok(Page { items: found.into_iter().filter_map(read).collect(), next: next.parse::<Cursor>().ok() })
    }

    /// Cancels a job: at once where it waits, through its worker where it runs, with all its items where it is a list. One that is over stays
    /// as it is.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn cancel(&self, account: &AccountId, id: &JobId) -> Result<Option<Job>, QueueError> {
        let call = self.call(&self.0.scripts.cancel).with(account.as_str()).with(id.as_str());
        self.with_its_items(account, id, job(&self.0.store, self.run(&call).await?)?).await
    }

    /// Puts a job aside, with all its items where it is a list, until [`Queue::resume`]. One that runs is stopped through its worker; what it
    /// had done may have to be done again. One that is over stays as it is.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn pause(&self, account: &AccountId, id: &JobId) -> Result<Option<Job>, QueueError> {
        self.set_aside(account, id, "pause").await
    }

    /// Lets a paused job go on, at its old place in the line.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn resume(&self, account: &AccountId, id: &JobId) -> Result<Option<Job>, QueueError> {
        self.set_aside(account, id, "resume").await
    }

    async fn set_aside(&self, account: &AccountId, id: &JobId, what: &str) -> Result<Option<Job>, QueueError> {
        let call = self.call(&self.0.scripts.pause).with(account.as_str()).with(id.as_str()).with(what);
        self.with_its_items(account, id, job(&self.0.store, self.run(&call).await?)?).await
    }

    /// Lets the items of a list follow what was just done to it. Workers do that too, should this process not live to.
    async fn with_its_items(
        &self,
        account: &AccountId,
        id: &JobId,
        job: Option<Job>,
    ) -> Result<Option<Job>, QueueError> {
        if job.as_ref().is_none_or(|job| job.items.is_none()) {
            return Ok(job);
        }
        self.cascade(id.as_str()).await?;
        self.get(account, id).await
    }

    /// Lets the items of this list, or with "" of every list, follow what was done to it, step by step.
    pub(crate) async fn cascade(&self, list: &str) -> Result<(), QueueError> {
        let call = self.call(&self.0.scripts.cascade).with(list).with(CASCADE_STEP);
        while self.run::<u32>(&call).await? > 0 {}
        Ok(())
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
            (_, raw) => self.with_its_items(account, id, job(&self.0.store, raw.unwrap_or_default())?).await,
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

    /// How long this job will wait; `None` when it does not wait.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub async fn waiting(&self, account: &AccountId, id: &JobId) -> Result<Option<Waiting>, QueueError> {
        let most = self.0.config.user_running;
        let call = self.call(&self.0.scripts.waiting).with(account.as_str()).with(id.as_str()).with(most);
        let told: Option<(u64, i64, u8)> = self.run(&call).await?;
        Ok(told.map(|(ahead, ms, paused)| Waiting {
            ahead,
            about: u64::try_from(ms).ok().map(Duration::from_millis),
            paused: paused == 1,
        }))
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

    /// The whole queue, for whoever runs it.
    #[must_use]
    pub fn operator(&self) -> Operator<'_> {
        Operator(self)
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
    pub(crate) async fn verdict(&self, call: &ScriptInvocation<'_>) -> Result<Said, QueueError> {
        said(self.run(call).await?)
    }
}

/// A word, and sometimes a record.
fn said(answer: Vec<redis::Value>) -> Result<Said, QueueError> {
    let mut parts = answer.into_iter();
    let odd = |error: redis::ParsingError| sluice_store::StoreError::Refused(error.into());
    let word = redis::from_redis_value(parts.next().unwrap_or(redis::Value::Nil)).map_err(odd)?;
    let raw = parts.next().map(redis::from_redis_value).transpose().map_err(odd)?;
    Ok((word, raw))
}

/// A script that gives a record gave none.
pub(crate) fn no_record() -> QueueError {
    sluice_store::StoreError::corrupt("job", "missing").into()
}

fn job(store: &Store, raw: Raw) -> Result<Option<Job>, QueueError> {
    Ok(record::decode(store, raw)?.map(|record| record.job))
}

/// A duration as the scripts take it.
pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX).min(1_000 * 365 * 86_400_000)
}
