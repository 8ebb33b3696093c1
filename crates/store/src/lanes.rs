//! The open connections of a process, each dialled to whoever is the master at that moment and kept until a fault.

use std::sync::{
    Arc, Mutex as StdMutex, PoisonError,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use std::time::Duration;

use deadpool_redis::{Manager, Pool, PoolError, Runtime};
use redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, ConnectionInfo, RedisError, RedisResult,
    aio::{MultiplexedConnection, PubSub},
};
use tokio::sync::Mutex;

use crate::{
    master::Master,
    repeat::{Verdict, judge},
    silence::Silence,
};

/// Redis may pause for a fork, a failover or a slow disk; half a second, the client's default, would turn that into an error.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(5);
/// The longest time for one dial.
pub(crate) const DIAL_TIMEOUT: Duration = Duration::from_secs(5);
/// Connections of one process that carry any number of commands at once; two, so that one large reply does not hold up everybody.
const SHARED: usize = 2;
/// And one for what waits for replicas, which holds up everything behind it.
const LANES: usize = SHARED + 1;

pub(crate) struct Lanes {
    master: Master,
    /// The pool of the server that was the master at the last dial. Another one gets another pool.
    pool: StdMutex<Option<(ConnectionAddr, Pool)>>,
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
    silence: Arc<Silence>,
}

struct Opened {
    connection: MultiplexedConnection,
    number: usize,
    silence: Arc<Silence>,
}

/// What became of one try.
pub(crate) enum Answer<T> {
    Done(T),
    Refused(RedisError),
    Away(String),
}

impl Lanes {
    /// The lane on which commands may wait; nothing else uses it, and it is dialled when it is first needed.
    pub(crate) const FOR_REPLICAS: usize = SHARED;

    pub(crate) fn new(master: Master) -> Self {
        Self {
            master,
            pool: StdMutex::default(),
            open: Default::default(),
            next: AtomicUsize::new(0),
            away: AtomicBool::new(false),
        }
    }

    pub(crate) fn master(&self) -> &Master {
        &self.master
    }

    /// The lane for the next command that does not wait; they take turns.
    pub(crate) fn turn(&self) -> usize {
        self.next.fetch_add(1, Ordering::Relaxed) % SHARED
    }

    pub(crate) async fn ask<T, Asked>(&self, index: usize, ask: impl Fn(MultiplexedConnection) -> Asked) -> Answer<T>
    where
        Asked: Future<Output = RedisResult<T>>,
    {
        let Opened { connection, number, silence } = match self.open(index).await {
            Ok(opened) => opened,
            Err(fault) => return self.away(fault),
        };
        let waiting = silence.waiting();
        let answer = ask(connection).await;
        // A fault of the line ends the lane anyway; one that the server speaks is an answer.
        waiting.answered();
        match answer {
            Ok(answer) => {
                if self.away.swap(false, Ordering::Relaxed) {
                    tracing::info!("Redis is back");
                }
                Answer::Done(answer)
            }
            Err(error) => match judge(&error) {
                Verdict::GiveUp => Answer::Refused(error),
                // The URL names one node of a cluster as if it stood alone: it will say the same for ever.
                Verdict::Elsewhere if !self.master.may_move() => Answer::Refused(error),
                Verdict::Wait => self.away(error.to_string()),
                Verdict::Redial | Verdict::Elsewhere => {
                    self.close(index, number).await;
                    self.away(error.to_string())
                }
            },
        }
    }

    /// A connection of its own for listening, on the same server.
    pub(crate) async fn listen(&self, channels: &[String]) -> Result<PubSub, String> {
        self.master
            .reach(|server| async move {
                let text = |error: RedisError| error.to_string();
                let dial = async {
                    let client = Client::open(server).map_err(text)?;
                    if self.master.may_move() {
                        // A line that listens cannot be asked anything else.
                        let mut probe =
                            client.get_multiplexed_async_connection_with_config(&config()).await.map_err(text)?;
                        self.master.prove(&mut probe).await?;
                    }
                    let mut line = client.get_async_pubsub().await.map_err(text)?;
                    line.subscribe(channels).await.map_err(text)?;
                    Ok(line)
                };
                tokio::time::timeout(DIAL_TIMEOUT, dial).await.unwrap_or_else(|_| Err("no answer to the dial".into()))
            })
            .await
    }

    fn away<T>(&self, fault: String) -> Answer<T> {
        if !self.away.swap(true, Ordering::Relaxed) {
            tracing::warn!(error = %fault, "Redis is away; trying again");
        }
        Answer::Away(fault)
    }

    async fn open(&self, index: usize) -> Result<Opened, String> {
        let mut slot = self.open[index].lock().await;
        if let Some(lane) = slot.take_if(|lane| lane.silence.exceeds(RESPONSE_TIMEOUT)) {
            lane.end();
        }
        if let Some(lane) = &*slot {
            return Ok(lane.opened());
        }
        let pooled = self.master.reach(|server| self.dial(server)).await?;
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        Ok(slot.insert(Lane { pooled, number, silence: Arc::default() }).opened())
    }

    async fn dial(&self, server: ConnectionInfo) -> Result<deadpool_redis::Connection, String> {
        let mut pooled = self.pool(server)?.get().await.map_err(|error| match error {
            PoolError::Timeout(_) => "no connection in time".to_owned(),
            other => other.to_string(),
        })?;
        match self.master.prove(&mut pooled).await {
            Ok(()) => Ok(pooled),
            Err(fault) => {
                drop(deadpool_redis::Connection::take(pooled));
                Err(fault)
            }
        }
    }

    /// The pool of this server.
    fn pool(&self, server: ConnectionInfo) -> Result<Pool, String> {
        let addr = server.addr().clone();
        let mut last = self.pool.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, pool)) = last.as_ref().filter(|(last, _)| *last == addr) {
            return Ok(pool.clone());
        }
        let manager = Manager::new_with_config(server, config()).map_err(|error| error.to_string())?;
        let pool = Pool::builder(manager)
            .max_size(LANES)
            .runtime(Runtime::Tokio1)
            .create_timeout(Some(DIAL_TIMEOUT))
            .wait_timeout(Some(DIAL_TIMEOUT))
            .recycle_timeout(Some(RESPONSE_TIMEOUT))
            .build()
            .map_err(|error| error.to_string())?;
        if let Some((before, _)) = last.replace((addr.clone(), pool.clone())) {
            tracing::info!(redis.before = %before, redis.now = %addr, "Another server is the Redis master");
        }
        Ok(pool)
    }

    async fn close(&self, index: usize, number: usize) {
        let mut slot = self.open[index].lock().await;
        if let Some(lane) = slot.take_if(|lane| lane.number == number) {
            lane.end();
        }
    }
}

impl Lane {
    fn opened(&self) -> Opened {
        Opened { connection: (*self.pooled).clone(), number: self.number, silence: self.silence.clone() }
    }

    /// Out of the pool for good: a broken connection must not come back from it.
    fn end(self) {
        drop(deadpool_redis::Connection::take(self.pooled));
    }
}

fn config() -> AsyncConnectionConfig {
    AsyncConnectionConfig::new().set_response_timeout(Some(RESPONSE_TIMEOUT)).set_connection_timeout(Some(DIAL_TIMEOUT))
}
