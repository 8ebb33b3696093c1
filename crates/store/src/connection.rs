//! The connection that survives outages: it dials again and repeats until the caller's patience ends.
//!
//! A command is repeated after a lost reply too, so **everything that goes through here must be harmless when it is executed twice**.
//! It refuses nothing else and knows no key.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use deadpool_redis::{Manager, Pool, PoolError, Runtime};
use redis::{
    AsyncConnectionConfig, Client, Cmd, FromRedisValue, Pipeline, RedisError, RedisResult, ScriptInvocation,
    aio::{MultiplexedConnection, PubSub},
};
use secrecy::{ExposeSecret, SecretString};
use tokio::{sync::Mutex, time::Instant};

use crate::{
    StoreError,
    repeat::{Verdict, judge, pause},
};

/// Redis may pause for a fork, a failover or a slow disk; half a second, the client's default, would turn that into an error.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(5);
/// The longest time for one dial.
const DIAL_TIMEOUT: Duration = Duration::from_secs(5);
/// Connections of one process. Each carries any number of commands at once; two, so that one large reply does not hold up everybody.
const LANES: usize = 2;

/// A reconnecting connection. Clones share it.
#[derive(Clone)]
pub struct Connection {
    lanes: Arc<Lanes>,
    patience: Duration,
}

struct Lanes {
    client: Client,
    pool: Pool,
    /// Checked out of the pool and kept until a fault: the pool proves a connection with a PING at each checkout, which would double the
    /// cost of every command. The mutex also makes many waiting callers share one dial.
    open: [Mutex<Option<Lane>>; LANES],
    next: AtomicUsize,
    /// Is Redis known to be away? So that an outage is two lines in the log, not two per command.
    away: AtomicBool,
}

struct Lane {
    /// Returns the place in the pool when the lane is given up.
    pooled: deadpool_redis::Connection,
    /// Tells two lives of one lane apart, so that a late fault of the old one does not close the new one.
    number: usize,
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The URL may carry a password.
        f.debug_struct("Connection").field("patience", &self.patience).finish_non_exhaustive()
    }
}

impl Connection {
    pub(crate) fn new(url: &SecretString, patience: Duration) -> Result<Self, StoreError> {
        // The fault of a bad URL may quote the URL, and with it a password.
        let bad = || StoreError::Config("redis.url is not a Redis URL: redis://, rediss:// or redis+unix://".into());
        let config = AsyncConnectionConfig::new()
            .set_response_timeout(Some(RESPONSE_TIMEOUT))
            .set_connection_timeout(Some(DIAL_TIMEOUT));
        let client = Client::open(url.expose_secret()).map_err(|_| bad())?;
        let manager = Manager::new_with_config(url.expose_secret(), config).map_err(|_| bad())?;
        let pool = Pool::builder(manager)
            .max_size(LANES)
            .runtime(Runtime::Tokio1)
            .create_timeout(Some(DIAL_TIMEOUT))
            .wait_timeout(Some(DIAL_TIMEOUT))
            .recycle_timeout(Some(RESPONSE_TIMEOUT))
            .build()
            .map_err(|error| StoreError::Config(error.to_string()))?;
        let lanes =
            Lanes { client, pool, open: Default::default(), next: AtomicUsize::new(0), away: AtomicBool::new(false) };
        Ok(Self { lanes: Arc::new(lanes), patience })
    }

    /// The same connection with another patience: how long an outage is waited out before [`StoreError::Unavailable`].
    #[must_use]
    pub fn patient(&self, patience: Duration) -> Self {
        Self { lanes: self.lanes.clone(), patience }
    }

    /// Runs a command that is harmless when executed twice.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the patience ends, [`StoreError::Refused`] when Redis refuses for good.
    pub async fn run<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, StoreError> {
        self.repeat(|mut lane| async move { command.query_async(&mut lane).await }).await
    }

    /// Runs a pipeline that is harmless when executed twice.
    ///
    /// # Errors
    /// As [`Connection::run`].
    pub async fn pipe<T: FromRedisValue>(&self, pipeline: &Pipeline) -> Result<T, StoreError> {
        self.repeat(|mut lane| async move { pipeline.query_async(&mut lane).await }).await
    }

    /// Runs a script that is harmless when executed twice. It is loaded where it is missing.
    ///
    /// # Errors
    /// As [`Connection::run`].
    pub async fn script<T: FromRedisValue>(&self, script: &ScriptInvocation<'_>) -> Result<T, StoreError> {
        self.repeat(|mut lane| async move { script.invoke_async(&mut lane).await }).await
    }

    /// A connection of its own for listening to these channels, dialled once: whoever listens must notice its end and come again.
    ///
    /// # Errors
    /// The fault of the dial, whatever the patience.
    pub async fn listen(&self, channels: &[String]) -> Result<PubSub, StoreError> {
        let dial = async {
            let mut pubsub = self.lanes.client.get_async_pubsub().await?;
            pubsub.subscribe(channels).await?;
            Ok::<_, RedisError>(pubsub)
        };
        match tokio::time::timeout(DIAL_TIMEOUT, dial).await {
            Ok(Ok(pubsub)) => Ok(pubsub),
            Ok(Err(error)) => Err(StoreError::Unavailable { waited: Duration::ZERO, last: error.to_string() }),
            Err(_) => Err(StoreError::Unavailable { waited: DIAL_TIMEOUT, last: "no answer to the dial".into() }),
        }
    }

    async fn repeat<T, Asked>(&self, ask: impl Fn(MultiplexedConnection) -> Asked) -> Result<T, StoreError>
    where
        Asked: Future<Output = RedisResult<T>>,
    {
        let begun = Instant::now();
        // `None` for a patience beyond all clocks.
        let deadline = begun.checked_add(self.patience);
        let index = self.lanes.next.fetch_add(1, Ordering::Relaxed) % LANES;
        let mut tries = 0;
        loop {
            // Boxed, or every future that waits for Redis would carry the client's.
            let asked = Box::pin(self.lanes.ask(index, &ask));
            let answer = match deadline {
                // Redis may be there and not answer: that ends the patience too.
                Some(deadline) => tokio::time::timeout_at(deadline, asked).await,
                None => Ok(asked.await),
            };
            let last = match answer {
                Ok(Answer::Done(answer)) => return Ok(answer),
                Ok(Answer::Refused(error)) => return Err(error.into()),
                Ok(Answer::Away(last)) => last,
                Err(_) => "no answer".to_owned(),
            };
            let next = Instant::now() + pause(tries, &mut rand::rng());
            if deadline.is_some_and(|deadline| next > deadline) {
                return Err(StoreError::Unavailable { waited: begun.elapsed(), last });
            }
            tokio::time::sleep_until(next).await;
            tries = tries.saturating_add(1);
        }
    }
}

/// What became of one try.
enum Answer<T> {
    Done(T),
    Refused(RedisError),
    Away(String),
}

impl Lanes {
    async fn ask<T, Asked>(&self, index: usize, ask: impl Fn(MultiplexedConnection) -> Asked) -> Answer<T>
    where
        Asked: Future<Output = RedisResult<T>>,
    {
        let (lane, number) = match self.open(index).await {
            Ok(lane) => lane,
            Err(fault) => return self.away(fault),
        };
        match ask(lane).await {
            Ok(answer) => {
                if self.away.swap(false, Ordering::Relaxed) {
                    tracing::info!("Redis is back");
                }
                Answer::Done(answer)
            }
            Err(error) => match judge(&error) {
                Verdict::GiveUp => Answer::Refused(error),
                Verdict::Wait => self.away(error.to_string()),
                Verdict::Redial => {
                    self.close(index, number).await;
                    self.away(error.to_string())
                }
            },
        }
    }

    fn away<T>(&self, fault: String) -> Answer<T> {
        if !self.away.swap(true, Ordering::Relaxed) {
            tracing::warn!(error = %fault, "Redis is away; trying again");
        }
        Answer::Away(fault)
    }

    async fn open(&self, index: usize) -> Result<(MultiplexedConnection, usize), String> {
        let mut slot = self.open[index].lock().await;
        if let Some(lane) = &*slot {
            return Ok(((*lane.pooled).clone(), lane.number));
        }
        let pooled = self.pool.get().await.map_err(|error| match error {
            PoolError::Timeout(_) => "no connection in time".to_owned(),
            other => other.to_string(),
        })?;
        let lane = Lane { pooled, number: self.next.fetch_add(1, Ordering::Relaxed) };
        let opened = ((*lane.pooled).clone(), lane.number);
        *slot = Some(lane);
        Ok(opened)
    }

    async fn close(&self, index: usize, number: usize) {
        let mut slot = self.open[index].lock().await;
        if let Some(lane) = slot.take_if(|lane| lane.number == number) {
            // Out of the pool for good: a broken connection must not come back from it.
            drop(deadpool_redis::Connection::take(lane.pooled));
        }
    }
}
